package edge

import "time"

// oldest bounds how long a datagram is taken to have waited in the socket: the clock may have been set meanwhile.
const oldest = time.Second

// arrived returns when a datagram came that the system stamped at, as a time that compares with now, the time at which it
// was read. A node that gets no processor for a while reads many datagrams at once; a sender that is told they came at
// once takes it for jitter, and its probes for bandwidth fail.
func arrived(now, at time.Time) time.Time {
	if at.IsZero() {
		return now
	}
	waited := now.Round(0).Sub(at)
	return now.Add(-min(max(waited, 0), oldest))
}
