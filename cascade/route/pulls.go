package route

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

const (
	idleDwell  = 5 * time.Second // from nobody wants it to Unsubscribe
	lowerDwell = 2 * time.Second // from less is wanted to Update
	patience   = 2 * time.Second // for an answer, and for the first packet of a new upstream
	retryFirst = 500 * time.Millisecond
	retryLast  = 5 * time.Second
)

// Send is a frame for another node.
type Send struct {
	To    identity.Name
	Frame wire.Frame
}

// Upstream is where a source is pulled from.
type Upstream struct {
	Source room.SourceName
	Path   []identity.Name // origin first, this node last
	Height int
}

// Pulls is what this node pulls of one room from other nodes.
type Pulls struct {
	self identity.Name
	room string
	next func() uint32
	via  func(origin identity.Name) (identity.Name, bool)

	pulls map[room.SourceName]*pull
	subs  map[uint32]*sub
	gone  map[identity.Name]bool // until the next Reroute nothing is asked there
}

// pull is one source that is wanted here, or was a moment ago.
type pull struct {
	source room.SourceName
	origin identity.Name
	height int // in effect
	wanted int
	idle   time.Time // since when wanted is 0; zero: it is not
	below  time.Time // since when wanted is below height; zero: it is not

	current *sub // the upstream, or the one that is to be
	old     *sub // sends until current does

	refused []identity.Name // the path of the last attempt, when it failed
	again   time.Time       // when to try again; zero: not by itself
	wait    time.Duration   // before the next attempt but one
}

// sub is one subscription at another node.
type sub struct {
	number   uint32
	source   room.SourceName
	path     []identity.Name
	height   int
	asked    time.Time
	accepted bool
}

func (s *sub) upstream() identity.Name { return s.path[len(s.path)-2] }

// NewPulls returns the pulling side of a room that pulls nothing. Next gives numbers that no subscription of this node,
// of whatever room, has or had lately. Before the first Reroute nothing is asked.
func NewPulls(self identity.Name, name string, next func() uint32) *Pulls {
	return &Pulls{
		self: self, room: name, next: next,
		via:   func(identity.Name) (identity.Name, bool) { return "", false },
		pulls: make(map[room.SourceName]*pull),
		subs:  make(map[uint32]*sub),
		gone:  make(map[identity.Name]bool),
	}
}

// Want says how high a source of another node is wanted here, 0 that nobody wants it (audio has no height: any will do).
// Origin is the node where it begins now.
func (p *Pulls) Want(now time.Time, source room.SourceName, origin identity.Name, height int) []Send {
	u := p.pulls[source]
	if origin == p.self {
		return p.Forget(source)
	}
	if u == nil {
		if height <= 0 {
			return nil
		}
		u = &pull{source: source, height: height}
		p.pulls[source] = u
	}
	if u.origin != origin {
		u.origin = origin
		u.forgive()
	}
	u.wanted = height
	if height > 0 {
		u.idle = time.Time{}
	} else if u.idle.IsZero() {
		u.idle = now
	}
	if height >= u.height {
		u.below = time.Time{}
	} else if u.below.IsZero() {
		u.below = now
	}
	sends := p.lift(u)
	return append(sends, p.ask(now, u)...)
}

// Forget ends the pulling of a source that is no more.
func (p *Pulls) Forget(source room.SourceName) []Send {
	u := p.pulls[source]
	if u == nil {
		return nil
	}
	delete(p.pulls, source)
	return append(p.drop(u.current), p.drop(u.old)...)
}

// Close ends all pulling.
func (p *Pulls) Close() []Send {
	var sends []Send
	for _, u := range p.sorted() {
		sends = append(sends, p.Forget(u.source)...)
	}
	return sends
}

// Reroute looks at the way of every source again. It is to be called when links changed, and when one came back whose end
// PeerGone told. Via returns the node to pull what begins at another from, see [Table.Via]; it is kept and called again
// whenever a new source is wanted or an attempt is repeated.
func (p *Pulls) Reroute(now time.Time, via func(origin identity.Name) (upstream identity.Name, ok bool)) []Send {
	p.via = via
	clear(p.gone)
	return p.askAll(now)
}

// PeerGone says that the control connection to a node is gone, and with it the subscriptions there. The [Table] is told
// first.
func (p *Pulls) PeerGone(now time.Time, node identity.Name) []Send {
	p.gone[node] = true
	for _, u := range p.pulls {
		if u.old != nil && u.old.upstream() == node {
			delete(p.subs, u.old.number)
			u.old = nil
		}
		if u.current != nil && u.current.upstream() == node {
			delete(p.subs, u.current.number)
			u.current, u.old = u.old, nil
		}
	}
	return p.askAll(now)
}

// Answer takes the answer to a subscription. An error means that it is not the answerer's to give.
func (p *Pulls) Answer(now time.Time, from identity.Name, f wire.Subscribed) ([]Send, error) {
	s := p.subs[f.Sub]
	if s == nil {
		return nil, nil // ended meanwhile
	}
	if s.upstream() != from {
		return nil, fmt.Errorf("answer of %s about subscription %d: it is at another node", from, f.Sub)
	}
	u := p.pulls[s.source]
	switch {
	case f.Code == wire.CodeOK:
		s.accepted = true
		if u.current == s {
			u.forgive()
		}
	case u.old == s:
		delete(p.subs, s.number)
		u.old = nil
	default:
		delete(p.subs, s.number)
		u.fail(now)
		return p.ask(now, u), nil // the way may have changed meanwhile
	}
	return nil, nil
}

// Arrived says that the first packet of a subscription has come.
func (p *Pulls) Arrived(number uint32) []Send {
	s := p.subs[number]
	if s == nil {
		return nil
	}
	s.accepted = true
	u := p.pulls[s.source]
	if u.current != s {
		return nil
	}
	u.forgive()
	sends := p.drop(u.old)
	u.old = nil
	return sends
}

// Source returns which source media from a node belongs to. It is false for what was not subscribed to there.
func (p *Pulls) Source(from identity.Name, number uint32) (room.SourceName, bool) {
	if s := p.subs[number]; s != nil && s.upstream() == from {
		return s.source, true
	}
	return "", false
}

// Relayed reports whether a source comes by a relay, or will in a moment.
func (p *Pulls) Relayed(source room.SourceName) bool {
	u := p.pulls[source]
	return u != nil && u.upstream() != nil && len(u.upstream().path) > 2
}

// Upstreams returns where every source is pulled from, sorted by source. While one is replaced by another, it is the old one.
// A source that no upstream is asked for is not among them.
func (p *Pulls) Upstreams() []Upstream {
	var all []Upstream
	for _, u := range p.sorted() {
		if s := cmp.Or(u.old, u.current); s != nil {
			all = append(all, Upstream{u.source, slices.Clone(s.path), s.height})
		}
	}
	return all
}

// Tick does what is due.
func (p *Pulls) Tick(now time.Time) []Send {
	var sends []Send
	for _, u := range p.sorted() {
		switch end, lower := u.dwell(); {
		case due(now, end):
			sends = append(sends, p.Forget(u.source)...)
			continue
		case due(now, lower):
			u.height, u.below = u.wanted, time.Time{}
			sends = append(sends, p.tell(u)...)
		}
		if due(now, u.overdue()) {
			if u.current.accepted {
				sends = append(sends, p.drop(u.old)...)
				u.old = nil
			} else {
				sends = append(sends, p.drop(u.current)...)
				u.fail(now)
			}
		}
		if due(now, u.again) {
			sends = append(sends, p.ask(now, u)...)
		}
	}
	return sends
}

// Next returns when Tick is to be called; zero means not before something happens.
func (p *Pulls) Next() time.Time {
	var next time.Time
	for _, u := range p.pulls {
		end, lower := u.dwell()
		next = sooner(sooner(sooner(sooner(next, end), lower), u.overdue()), u.again)
	}
	return next
}

func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

func (p *Pulls) sorted() []*pull {
	return slices.SortedFunc(maps.Values(p.pulls), func(a, b *pull) int { return cmp.Compare(a.source, b.source) })
}

// dwell returns when u ends and when its height sinks.
func (u *pull) dwell() (end, lower time.Time) {
	if !u.idle.IsZero() {
		return u.idle.Add(idleDwell), time.Time{}
	}
	if !u.below.IsZero() {
		lower = u.below.Add(lowerDwell)
	}
	return time.Time{}, lower
}

// overdue returns when current has had its time, to answer or to replace old.
func (u *pull) overdue() time.Time {
	if u.current == nil || u.current.accepted && u.old == nil {
		return time.Time{}
	}
	return u.current.asked.Add(patience)
}

// upstream returns the subscription that is to stay: the one that is to be, else the one that is.
func (u *pull) upstream() *sub { return cmp.Or(u.current, u.old) }

// fail gives the current upstream up until it is time to try again.
func (u *pull) fail(now time.Time) {
	u.wait = min(max(2*u.wait, retryFirst), retryLast)
	u.refused, u.again, u.current = u.current.path, now.Add(u.wait), nil
}

// forgive forgets failed attempts.
func (u *pull) forgive() { u.refused, u.again, u.wait = nil, time.Time{}, 0 }

// lift puts a higher wish into effect.
func (p *Pulls) lift(u *pull) []Send {
	u.height = max(u.height, u.wanted)
	return p.tell(u)
}

// tell sends the height in effect to the upstream.
func (p *Pulls) tell(u *pull) []Send {
	s := u.upstream()
	if s == nil || s.height == u.height {
		return nil
	}
	s.height = u.height
	return []Send{{s.upstream(), wire.Update{Room: p.room, Sub: s.number, Height: s.height}}}
}

// drop ends a subscription, if there is one.
func (p *Pulls) drop(s *sub) []Send {
	if s == nil {
		return nil
	}
	delete(p.subs, s.number)
	return []Send{{s.upstream(), wire.Unsubscribe{Room: p.room, Sub: s.number}}}
}

func (p *Pulls) askAll(now time.Time) []Send {
	var sends []Send
	for _, u := range p.sorted() {
		sends = append(sends, p.ask(now, u)...)
	}
	return sends
}

// ask makes sure that u has the upstream that it is to have, or waits for it.
func (p *Pulls) ask(now time.Time, u *pull) []Send {
	upstream, ok := p.via(u.origin)
	if !ok || p.gone[upstream] || !u.idle.IsZero() {
		u.again = time.Time{} // a Reroute or a Want follows
		return nil
	}
	path := []identity.Name{u.origin, upstream, p.self}
	if upstream == u.origin {
		path = []identity.Name{u.origin, p.self}
	}
	switch {
	case u.current != nil && slices.Equal(u.current.path, path):
		return nil
	case u.old != nil && slices.Equal(u.old.path, path):
		sends := p.drop(u.current)
		u.current, u.old = u.old, nil
		u.forgive()
		return append(sends, p.tell(u)...)
	case u.current == nil && slices.Equal(u.refused, path) && now.Before(u.again):
		return nil
	case !slices.Equal(u.refused, path):
		u.forgive()
	}
	u.again = time.Time{}
	s := &sub{number: p.next(), source: u.source, path: path, height: u.height, asked: now}
	p.subs[s.number] = s
	sends := []Send{{upstream, wire.Subscribe{Room: p.room, Sub: s.number, Source: s.source, Height: s.height, Path: slices.Clone(path)}}}
	if u.old == nil {
		u.old = u.current
	} else {
		sends = append(sends, p.drop(u.current)...)
	}
	u.current = s
	return sends
}
