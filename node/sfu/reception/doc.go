// Package reception watches one incoming RTP stream: what came, what is missing, what to report and to ask for again.
//
// [Stream] holds the statistics of RFC 3550: extended sequence numbers with the checks of appendix A.1 (a jump of more
// than 3000 counts only when a second packet confirms it), loss by A.3, jitter by A.8, the times of the last sender
// report. It also remembers which of the last 1024 packets came, so that a packet is taken once, by whichever way it
// came (itself or its retransmission).
//
// Between nodes packets carry their extended sequence numbers, and [Stream.Place] takes them by these.
//
// [Missing] decides which packets to ask the sender for: each gap at once, then again about once a round trip, at most
// ten times and for at most one second; what does not come is given up and a key frame is the remedy. At most 256
// packets are waited for.
//
// Both are engines: no clocks, no locks.
package reception
