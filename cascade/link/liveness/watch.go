package liveness

import (
	"net/netip"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// State says whether heartbeats go both ways.
type State uint8

// The states. A peer that was never alive is Dead.
const (
	Dead State = iota
	Alive
)

func (s State) String() string {
	if s == Alive {
		return "alive"
	}
	return "dead"
}

const (
	slow      = time.Second
	fast      = 20 * time.Millisecond
	silence   = 3 * time.Second // slow
	linger    = 10              // heartbeats at the fast pace that say it ends
	patience  = 30 * time.Second
	grace     = 40 * time.Millisecond
	revival   = 3 // heartbeats, when the peer sends fast
	keptRound = time.Minute
)

// MaxAddrs is how many addresses of a peer are tried.
const MaxAddrs = 8

// Clock is the clock that a node's heartbeats tell.
type Clock struct{ start time.Time }

// NewClock returns a clock that starts now.
func NewClock(now time.Time) Clock { return Clock{now} }

// at returns microseconds. A time with a monotonic reading steps never.
func (c Clock) at(now time.Time) uint64 {
	return uint64(c.start.UnixMicro() + now.Sub(c.start).Microseconds())
}

// Watch is what one node knows of one peer.
type Watch struct {
	from, to [nameSize]byte
	started  uint64 // of this node
	clock    Clock
	since    time.Time

	wantFast, wantLink bool
	addrs              []netip.AddrPort

	// Sending.
	sequence uint32
	said     Flags
	sentAt   time.Time
	next     time.Time
	ending   int // heartbeats left that say that the fast pace ends
	pace     time.Duration

	// Receiving.
	state     State
	hearing   bool
	heard     time.Time // heartbeat or media
	beat      time.Time // heartbeat
	lenient   time.Time // silence is not concluded before
	revived   int
	peerFlags Flags
	peerHears bool
	peerStart uint64
	lastSent  uint64 // of the peer's clock
	lastEcho  uint64 // of ours
	received  uint32
	highest   uint32
	gap       gap
	path      netip.AddrPort
	pathHeard time.Time

	round round
	loss  loss
}

// NewWatch returns the watch of the node self, which started at a time in Unix milliseconds, over a peer.
func NewWatch(now time.Time, clock Clock, self, peer identity.Name, started uint64) *Watch {
	return &Watch{
		from: Label(self), to: Label(peer), started: started, clock: clock, since: now, next: now, pace: slow,
	}
}

// Want sets what this node wants of the peer: heartbeats at the fast pace, a link; and where it may be found.
func (w *Watch) Want(now time.Time, fastPace, link bool, addrs []netip.AddrPort) {
	w.wantFast, w.wantLink = fastPace, link
	if len(addrs) > MaxAddrs {
		addrs = addrs[:MaxAddrs]
	}
	if !slices.Equal(addrs, w.addrs) {
		w.addrs = slices.Clone(addrs)
	}
	w.hurry(now)
}

// Receive takes a heartbeat that came from an address. It reports whether it counted.
func (w *Watch) Receive(now time.Time, from netip.AddrPort, b *Beat) bool {
	ours := b.Echo >= w.clock.at(w.clock.start) && b.Echo <= w.clock.at(now)
	answers := ours && b.Echo > w.lastEcho
	if b.Sent <= w.lastSent && !answers {
		return false
	}
	if b.Started != w.peerStart {
		w.peerStart, w.received, w.highest = b.Started, 0, 0
		w.loss.rebase()
	}
	if w.received == 0 || int32(b.Sequence-w.highest) > 0 {
		w.highest = b.Sequence
	}
	w.received++
	w.lastSent = b.Sent

	between := now.Sub(w.beat)
	if b.Flags&w.peerFlags&SendsFast != 0 && w.hearing {
		w.gap.add(between)
	}
	if !w.hearing && between > slowest {
		w.revived = 0
	}
	w.move(now, from)
	w.peerFlags = b.Flags
	w.beat = now
	w.revived++
	if !w.hearing && (!w.quick() || w.revived >= revival) {
		w.hearing = true
		w.gap = gap{}
	}
	w.peerHears = b.Flags&Hears != 0 && ours
	w.Heard(now)
	if answers {
		w.lastEcho = b.Echo
		w.round.add(now, time.Duration(w.clock.at(now)-b.Echo)*time.Microsecond-time.Duration(b.Hold)*time.Microsecond)
	}
	if ours {
		w.loss.report(b.Highest, b.Received, w.state == Alive, w.pace == fast)
	}
	w.hurry(now)
	return true
}

// slowest is the gap after which heartbeats that revive a peer are counted anew.
const slowest = 250 * time.Millisecond

// move follows the peer to another address when the one that is known is silent.
func (w *Watch) move(now time.Time, from netip.AddrPort) {
	if from != w.path {
		if w.hearing && w.path.IsValid() && now.Sub(w.pathHeard) <= w.limit()/2 {
			return
		}
		w.path = from
	}
	w.pathHeard = now
}

// Heard says that media came from the peer.
func (w *Watch) Heard(at time.Time) {
	if at.After(w.heard) {
		w.heard = at
	}
}

// Tick concludes what follows from silence. late is how much later than at Next it is called.
func (w *Watch) Tick(now time.Time, late time.Duration) {
	if late > fast {
		w.lenient = now.Add(grace)
	}
	if w.hearing && !now.Before(w.ends()) {
		w.hearing, w.peerHears, w.revived = false, false, 0
	}
	w.hurry(now)
}

// State returns whether the peer is alive, and whether that is different from what it was at the last call.
func (w *Watch) State() (s State, changed bool) {
	before := w.state
	w.state = Dead
	if w.hearing && w.peerHears {
		w.state = Alive
	}
	return w.state, w.state != before
}

// Changed reports whether State would tell something new.
func (w *Watch) Changed() bool { return (w.hearing && w.peerHears) != (w.state == Alive) }

// Last returns what State returned last.
func (w *Watch) Last() State { return w.state }

// limit is how long silence may last.
func (w *Watch) limit() time.Duration {
	if w.quick() {
		return w.gap.limit()
	}
	return silence
}

// quick reports whether the peer's silence is to be noticed quickly, and can be.
func (w *Watch) quick() bool { return w.wantFast && w.peerFlags&SendsFast != 0 }

func (w *Watch) ends() time.Time {
	end := w.heard.Add(w.limit())
	if w.lenient.After(end) {
		return w.lenient
	}
	return end
}

// Next returns when Tick, and Send if it is due, are to be called.
func (w *Watch) Next() time.Time {
	if w.hearing && w.ends().Before(w.next) {
		return w.ends()
	}
	return w.next
}

// Due reports whether a heartbeat is to be sent.
func (w *Watch) Due(now time.Time) bool { return !now.Before(w.next) }

// Send returns the heartbeat to be sent now.
func (w *Watch) Send(now time.Time) Beat {
	pace := w.paceNow(now)
	switch {
	case pace == slow && w.pace == fast:
		if w.ending == 0 {
			w.ending = linger
		}
		if w.ending--; w.ending > 0 {
			pace = fast
		}
	default:
		w.ending = 0
	}
	w.pace = pace
	w.said = w.flags(now)
	w.sequence++
	w.sentAt = now
	w.next = w.after(now, pace)
	b := Beat{
		Flags: w.said, From: w.from, To: w.to, Started: w.started, Sequence: w.sequence,
		Sent: w.clock.at(now), Received: w.received, Highest: w.highest,
	}
	if w.lastSent != 0 {
		b.Echo = w.lastSent
		b.Hold = uint32(min(now.Sub(w.beat).Microseconds(), 1<<32-1))
	}
	return b
}

// after returns the next of the times at which all heartbeats of a node go: it wakes for them once.
func (w *Watch) after(now time.Time, pace time.Duration) time.Time {
	return now.Add(pace - now.Sub(w.clock.start)%pace)
}

func (w *Watch) paceNow(now time.Time) time.Duration {
	if !w.wantFast && (!w.hearing || w.peerFlags&WantsFast == 0) {
		return slow
	}
	last := w.heard
	if last.Before(w.since) {
		last = w.since
	}
	if now.Sub(last) > patience {
		return slow
	}
	return fast
}

func (w *Watch) flags(now time.Time) Flags {
	var f Flags
	if w.hearing {
		f |= Hears
	}
	if w.wantFast {
		f |= WantsFast
	}
	if w.paceNow(now) == fast {
		f |= SendsFast
	}
	if w.wantLink {
		f |= WantsLink
	}
	return f
}

// hurry brings the next heartbeat forward when it says something new.
func (w *Watch) hurry(now time.Time) {
	if w.flags(now) == w.said {
		return
	}
	soon := w.sentAt.Add(fast)
	if soon.Before(now) {
		soon = now
	}
	if soon.Before(w.next) {
		w.next = soon
	}
}

// Targets appends the addresses that a heartbeat is to be sent to.
func (w *Watch) Targets(dst []netip.AddrPort) []netip.AddrPort {
	if w.hearing && w.path.IsValid() {
		return append(dst, w.path)
	}
	start := len(dst)
	dst = append(dst, w.addrs...)
	if w.path.IsValid() && !slices.Contains(dst[start:], w.path) {
		dst = append(dst, w.path)
	}
	return dst
}

// Path returns the address that the peer was last heard from.
func (w *Watch) Path() netip.AddrPort { return w.path }

// Hearing reports whether heartbeats of the peer arrive.
func (w *Watch) Hearing() bool { return w.hearing }

// LinkWanted reports whether the peer says that it wants a link.
func (w *Watch) LinkWanted() bool { return w.hearing && w.peerFlags&WantsLink != 0 }

// Started returns when the peer started, by its heartbeats; 0 when none counted.
func (w *Watch) Started() uint64 { return w.peerStart }

// RTT returns the smoothed round trip and the least one of the last 10 s, 0 when unknown.
func (w *Watch) RTT(now time.Time) (smoothed, least time.Duration) {
	return w.round.smoothed, w.round.least(now)
}

// Loss returns the share of heartbeats to the peer that are lost, 0 to 1.
func (w *Watch) Loss() float64 { return w.loss.share }
