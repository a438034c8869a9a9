package route

import (
	"fmt"
	"maps"
	"slices"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

const maxSubs = 4096 // of one peer in one room

// Pull says what a peer gets of a source from now on, and under which number.
type Pull struct {
	Node   identity.Name
	Source room.SourceName
	Height int    // 0: nothing
	Sub    uint32 // of the packets; meaningless when Height is 0
}

// Serving is what other nodes pull of one room from this node.
type Serving struct {
	self  identity.Name
	room  string
	peers map[identity.Name]*puller
}

type puller struct {
	subs    map[uint32]*served
	sources map[room.SourceName][]*served // in the order of their coming
}

type served struct {
	sub     uint32
	source  room.SourceName
	height  int // 0: on standby
	relayed bool
}

// NewServing returns the serving side of a room that nobody pulls from.
func NewServing(self identity.Name, name string) *Serving {
	return &Serving{self: self, room: name, peers: make(map[identity.Name]*puller)}
}

// Subscribe takes a peer's wish and returns the answer to it. Origin returns at which node a source of the room begins,
// direct whether the own link to a node is up. An error means that the frame is nonsense; it is answered all the same.
func (s *Serving) Subscribe(from identity.Name, f wire.Subscribe, origin func(room.SourceName) (identity.Name, bool),
	direct func(identity.Name) bool,
) (wire.Subscribed, []Pull, error) {
	answer := wire.Subscribed{Room: s.room, Sub: f.Sub, Code: wire.CodeNoRoute}
	if err := s.fits(from, f); err != nil {
		return answer, nil, err
	}
	relayed := len(f.Path) == 3
	begins, known := origin(f.Source)
	switch peer := s.peers[from]; {
	case !known || begins != f.Path[0]: // it has moved and one of us does not know yet
		answer.Code = wire.CodeUnknownSource
		return answer, nil, nil
	case relayed && !direct(begins):
		return answer, nil, nil
	case peer != nil && len(peer.subs) >= maxSubs:
		answer.Code = wire.CodeBusy
		return answer, nil, nil
	}
	d := &served{sub: f.Sub, source: f.Source, relayed: relayed}
	if !f.Standby {
		d.height = f.Height
	}
	answer.Code = wire.CodeOK
	return answer, s.change(from, f.Source, func() {
		peer := s.peers[from]
		if peer == nil {
			peer = &puller{make(map[uint32]*served), make(map[room.SourceName][]*served)}
			s.peers[from] = peer
		}
		peer.subs[f.Sub] = d
		peer.sources[f.Source] = append(peer.sources[f.Source], d)
	}), nil
}

// fits returns what is wrong with a wish whatever the state of the room.
func (s *Serving) fits(from identity.Name, f wire.Subscribe) error {
	n := len(f.Path)
	switch {
	case n != 2 && n != 3 || f.Path[n-1] != from || f.Path[n-2] != s.self || from == s.self ||
		n == 3 && (f.Path[0] == from || f.Path[0] == s.self):
		return fmt.Errorf("subscribe to %s for %s: path %q", f.Source, from, f.Path)
	case f.Height < 0:
		return fmt.Errorf("subscribe to %s for %s: height %d", f.Source, from, f.Height)
	case s.find(from, f.Sub) != nil:
		return fmt.Errorf("subscribe to %s for %s: number %d is taken", f.Source, from, f.Sub)
	}
	return nil
}

// Update changes the height of a subscription. One that is not there is passed over: its end may be on the way.
func (s *Serving) Update(from identity.Name, f wire.Update) []Pull {
	d := s.find(from, f.Sub)
	if d == nil || f.Height < 0 {
		return nil
	}
	return s.change(from, d.source, func() { d.height = f.Height })
}

// Unsubscribe ends a subscription.
func (s *Serving) Unsubscribe(from identity.Name, f wire.Unsubscribe) []Pull {
	d := s.find(from, f.Sub)
	if d == nil {
		return nil
	}
	return s.change(from, d.source, func() { s.remove(from, d) })
}

// PeerGone ends all subscriptions of a peer: the control connection is gone.
func (s *Serving) PeerGone(node identity.Name) []Pull {
	peer := s.peers[node]
	if peer == nil {
		return nil
	}
	var all []Pull
	for _, source := range slices.Sorted(maps.Keys(peer.sources)) {
		all = append(all, s.change(node, source, func() {
			for _, d := range slices.Clone(peer.sources[source]) {
				s.remove(node, d)
			}
		})...)
	}
	return all
}

// Recheck ends what this node serves as a relay and has come to pull by a relay itself. It is to be called after
// [Pulls.Reroute], with [Pulls.Relayed].
func (s *Serving) Recheck(relayed func(room.SourceName) bool) ([]Send, []Pull) {
	var ends []Send
	var all []Pull
	for _, node := range slices.Sorted(maps.Keys(s.peers)) {
		peer := s.peers[node]
		for _, sub := range slices.Sorted(maps.Keys(peer.subs)) {
			if d := peer.subs[sub]; d.relayed && relayed(d.source) {
				ends = append(ends, Send{node, wire.Subscribed{Room: s.room, Sub: sub, Code: wire.CodeNoRoute}})
				all = append(all, s.change(node, d.source, func() { s.remove(node, d) })...)
			}
		}
	}
	return ends, all
}

// Sub returns the number under which a peer gets the packets of a source.
func (s *Serving) Sub(node identity.Name, source room.SourceName) (uint32, bool) {
	p := s.pull(node, source)
	return p.Sub, p.Height > 0
}

// Source returns which source a peer pulls under a number: its feedback is about that.
func (s *Serving) Source(from identity.Name, sub uint32) (room.SourceName, bool) {
	if d := s.find(from, sub); d != nil {
		return d.source, true
	}
	return "", false
}

func (s *Serving) find(from identity.Name, sub uint32) *served {
	if peer := s.peers[from]; peer != nil {
		return peer.subs[sub]
	}
	return nil
}

func (s *Serving) remove(node identity.Name, d *served) {
	peer := s.peers[node]
	delete(peer.subs, d.sub)
	peer.sources[d.source] = slices.DeleteFunc(peer.sources[d.source], func(o *served) bool { return o == d })
	if len(peer.sources[d.source]) == 0 {
		delete(peer.sources, d.source)
	}
	if len(peer.subs) == 0 {
		delete(s.peers, node)
	}
}

// pull merges the subscriptions of a peer for a source: the greatest height, under the newest number.
func (s *Serving) pull(node identity.Name, source room.SourceName) Pull {
	p := Pull{Node: node, Source: source}
	if peer := s.peers[node]; peer != nil {
		for _, d := range peer.sources[source] {
			if d.height > 0 {
				p.Height, p.Sub = max(p.Height, d.height), d.sub
			}
		}
	}
	return p
}

// change returns what by changes of what a peer gets of a source.
func (s *Serving) change(node identity.Name, source room.SourceName, by func()) []Pull {
	before := s.pull(node, source)
	by()
	if after := s.pull(node, source); after != before {
		return []Pull{after}
	}
	return nil
}
