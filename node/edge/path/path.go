// Package path is the ICE end of one participant: it decides over which pair of addresses sealed packets travel. It knows
// nothing of what is in them.
//
// It is an engine package: no sockets, no clock, no goroutines, no locks. Datagrams and time come in through [Path.Input]
// and [Path.Tick]; datagrams to send and events go out through [Path.Take].
//
// A Path is one full, controlling ICE agent (RFC 8445, never ICE-lite) with one component and one remote peer. The
// peer's candidates are learned from its checks alone (peer-reflexive): clients do not trickle to a server. A [Pair] is
// one such remote address together with the local address that it reached.
//
// What it does is set by five [Switches], so that the same engine serves an owner and a standby:
//
//	Answer    binding requests are answered
//	Check     the pairs are checked, and their consent kept fresh (RFC 7675)
//	Nominate  the best valid pair is nominated
//	Send      Route names a pair
//	Early     Route names a pair before it is valid: the one whose check came last. The peer proved that it knows our
//	          password, and Firefox hears nothing on the old path from the moment that the new one is up
//
// Rules
//   - A request counts only with USERNAME "<local ufrag>:<remote ufrag>", a MESSAGE-INTEGRITY by the local password, a
//     FINGERPRINT and a PRIORITY; it is answered and its source remembered also before the remote credentials are known.
//     All else is dropped without an answer. Only attributes before MESSAGE-INTEGRITY count.
//   - At most [MaxPairs] pairs. A new one pushes out the one heard from longest ago, those that never answered first.
//     Requests from unknown addresses are limited to [NewPerSecond] before their integrity is computed.
//   - A pair is checked at once when the peer checks it, then every 50 ms until it answers, slower after the first ten,
//     and is given up after about 40 s unless the peer checks again. A response counts only from the address that was
//     asked.
//   - The first pair that is checked is nominated by that very check, as RFC 5245 allowed and browsers do: who waits for a
//     nomination before its handshake begins it a round trip sooner. When another pair is valid first that one is nominated. A valid pair of higher priority (the peer's PRIORITY) replaces the
//     nominated one. Browsers follow a nomination to a higher priority at any time, Firefox to nothing else.
//   - The nominated pair is doubted when the peer checks from a new address or media comes in on another pair (a NAT
//     rebound): it is checked at once and replaced when it does not answer within 500 ms. It is also replaced when it
//     has not answered for 5 s and another pair has. Otherwise it stays.
//   - The nominated pair is checked every 2 s, the others every second, both times 0.8 to 1.2 (a standby keeps NAT
//     bindings open so). A check without answer is followed by another 500 ms later. Each has a transaction of its own.
//   - Lost: no pair answered for 30 s, counted from the last answer or from [Path.SetRemote]. Nothing is sent then.
//   - Role conflict as in RFC 8445 7.3.1.1 and 7.2.5.1. When the peer wins, it nominates.
package path

import (
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

// Limits of a path.
const (
	// MaxPairs is how many pairs a path remembers.
	MaxPairs = 16
	// NewPerSecond is how many requests from unknown addresses a second are looked at.
	NewPerSecond = 64
	// Consent is how long a path lives without an answer (RFC 7675 5.1).
	Consent = 30 * time.Second
)

const (
	fastInterval    = 50 * time.Millisecond
	fastChecks      = 10
	slowInterval    = 200 * time.Millisecond
	slowChecks      = 50
	slowestInterval = time.Second
	maxChecks       = 80
	minSpacing      = 20 * time.Millisecond
	retryInterval   = 500 * time.Millisecond
	idleInterval    = time.Second
	consentInterval = 2 * time.Second
	doubtTime       = 500 * time.Millisecond
	aliveTime       = 5 * time.Second
)

// Credentials are the ICE user fragment and password of one side.
type Credentials struct{ Ufrag, Pwd string }

// Pair is the two ends of a way to the peer.
type Pair struct {
	Remote netip.AddrPort
	Local  netip.Addr // our address that the peer reached; replies must leave from it
}

// Switches say what a path does. The zero value is a path that is silent.
type Switches struct{ Answer, Check, Nominate, Send, Early bool }

// Config is what a Path is made of.
type Config struct {
	Local Credentials
	Switches
	// Random is the source of transaction ids, the tie-breaker and jitter. Transaction ids must not be guessable.
	Random func() uint64
}

// EventKind says what happened to a pair.
type EventKind uint8

// What can happen.
const (
	// Opened: the peer's first authenticated check came over the pair.
	Opened EventKind = iota + 1
	// Valid: the peer answered a check for the first time.
	Valid
	// Selected: the pair is nominated and the peer knows.
	Selected
	// Dropped: the pair is forgotten.
	Dropped
	// Lost: the path is dead. The pair is empty.
	Lost
)

// Event is something that happened to a pair.
type Event struct {
	Kind EventKind
	Pair Pair
}

// Datagram is a STUN message to send.
type Datagram struct {
	Pair Pair
	Data []byte
}

// Path is the engine. Not safe for concurrent use.
type Path struct {
	local, remote Credentials
	switches      Switches
	random        func() uint64

	controlled bool
	tieBreaker uint64

	pairs      []*pair
	selected   *pair
	nominating *pair
	doubted    time.Time // when the selected pair was last put in question, zero: it is not

	base time.Time // what the 30 s of consent count from; zero: the peer's password is not known yet
	lost bool

	budget   int
	budgetAt time.Time

	in, out   *stun.Message
	datagrams []Datagram
	events    []Event
	arena     []byte
}

// New returns a path that waits for the peer's checks.
func New(c Config) *Path {
	return &Path{
		local: c.Local, switches: c.Switches, random: c.Random, tieBreaker: c.Random(),
		in: stun.New(), out: stun.New(),
	}
}

// Local returns the credentials that the peer must know.
func (p *Path) Local() Credentials { return p.local }

// SetRemote sets the peer's credentials, as they were signalled. Pairs that were opened in the name of another user
// fragment are dropped; with other credentials than before every pair must be checked again.
func (p *Path) SetRemote(now time.Time, remote Credentials) {
	if p.remote == remote {
		return
	}
	p.remote = remote
	p.base = now
	for i := len(p.pairs) - 1; i >= 0; i-- {
		q := p.pairs[i]
		if q.ufrag != remote.Ufrag {
			p.drop(i)
			continue
		}
		q.renew(now)
	}
	p.selected, p.nominating = nil, nil
	p.run(now)
}

// Switch changes what the path does. One that begins to nominate takes the client over: it nominates the best pair, also
// when that was nominated in the past.
func (p *Path) Switch(now time.Time, s Switches) {
	if s.Check && !p.switches.Check {
		if !p.base.IsZero() {
			p.base = now
		}
		for _, q := range p.pairs {
			q.next = now
		}
	}
	takeover := s.Nominate && !p.switches.Nominate
	p.switches = s
	if best := p.best(now); best != nil && takeover && !p.controlled {
		p.nominate(now, best)
	}
	if !s.Nominate {
		p.nominating = nil
	}
	p.run(now)
}

// Heard tells of media that came in over a pair. Media does not keep consent alive.
func (p *Path) Heard(now time.Time, at Pair) {
	q := p.find(at)
	if q == nil {
		return
	}
	q.heard = now
	if s := p.selected; s != nil && q != s && q.valid && now.Sub(s.heard) > doubtTime {
		p.doubt(now)
		p.run(now)
	}
}

// Route names the pair that packets are to be sent over: the nominated one while it answers, else the one about to be,
// else the best valid one.
func (p *Path) Route(now time.Time) (Pair, bool) {
	if !p.switches.Send || p.lost {
		return Pair{}, false
	}
	if p.selected != nil && p.selected.alive(now) {
		return p.selected.Pair, true
	}
	for _, q := range []*pair{p.nominating, p.best(now), p.selected} {
		if q != nil && q.valid {
			return q.Pair, true
		}
	}
	if p.switches.Early {
		var last *pair
		for _, q := range p.pairs {
			if last == nil || q.heard.After(last.heard) {
				last = q
			}
		}
		if last != nil {
			return last.Pair, true
		}
	}
	return Pair{}, false
}

// Usable reports whether a pair answered lately.
func (p *Path) Usable(now time.Time) bool { return !p.lost && p.best(now) != nil }

// Lost reports whether the path is dead.
func (p *Path) Lost() bool { return p.lost }

// Tick does what is due. Calling it early is harmless.
func (p *Path) Tick(now time.Time) { p.run(now) }

// Take returns what is to be sent and what happened since the last call. Both are valid until the next call of any
// method.
func (p *Path) Take() ([]Datagram, []Event) {
	d, e := p.datagrams, p.events
	p.datagrams, p.events, p.arena = p.datagrams[:0], p.events[:0], p.arena[:0]
	return d, e
}

func (p *Path) event(k EventKind, at Pair) { p.events = append(p.events, Event{k, at}) }
