package room

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// trace is what the clients of one node were told by effects alone.
type trace struct {
	node      *node
	room      *Replica
	shown     map[EndpointID]Member
	ever      map[occupancy]bool
	heard     map[speaker]int
	values    map[string]string
	sequencer identity.Name
}

type speaker struct {
	occupancy
	node identity.Name
}

func newTrace(n *node) *trace {
	return &trace{
		node: n, room: n.room, shown: map[EndpointID]Member{}, ever: map[occupancy]bool{}, heard: map[speaker]int{},
		values: map[string]string{},
	}
}

// follow holds effects against the protocol: an occupant is shown once, changed while it is shown, taken away once, and
// heard in between, in order and not twice.
func (t *trace) follow(effects []Effect) {
	w, n := t.node.world, t.node
	for _, e := range effects {
		switch e := e.(type) {
		case Appeared:
			w.stats["appeared"]++
			if was, ok := t.shown[e.Endpoint]; ok {
				w.fail("%s: %s appears at %s and is there, at %s", n.name, e.Endpoint, e.Node, was.Node)
			}
			t.shown[e.Endpoint] = Member(e)
			t.ever[occupancy{e.Endpoint, e.Joined}] = true
		case Changed:
			w.stats["changed"]++
			if _, ok := t.shown[e.Endpoint]; !ok {
				w.fail("%s: %s changes at %s and is not there", n.name, e.Endpoint, e.Node)
			}
			t.shown[e.Endpoint] = Member(e)
			t.ever[occupancy{e.Endpoint, e.Joined}] = true
		case Vanished:
			w.stats["vanished"]++
			was, ok := t.shown[e.Endpoint]
			if !ok || was.Node != e.Node {
				w.fail("%s: %s vanishes from %s, cause %d, and is not there but at %q", n.name, e.Endpoint, e.Node, e.Cause, was.Node)
			}
			t.lost(was, e.Removal)
			delete(t.shown, e.Endpoint)
		case Heard:
			t.listen(e)
		case HeaderChanged:
			if !slices.IsSorted(e.Keys) || len(e.Keys) == 0 {
				w.fail("%s: fields changed: %q", n.name, e.Keys)
			}
			for _, key := range e.Keys {
				if v := t.room.Value(key); v != "" {
					t.values[key] = v
				} else {
					delete(t.values, key)
				}
			}
		case SequencerChanged:
			t.sequencer = e.Node
		}
	}
}

// lost looks whether the one who vanished is there all the same, at a node that could be reached for long.
func (t *trace) lost(was Member, why Removal) {
	w, n := t.node.world, t.node
	if why.Cause != Gone {
		return
	}
	for _, o := range w.nodes {
		c := o.clients[was.Endpoint]
		if c == nil || c.joined != was.Joined || c.rescued > 0 && w.now-c.rescued < 3*time.Second {
			continue
		}
		if o == n || w.steady(n, o, 20*time.Second) {
			w.fail("%s: %s of %s is gone, and is still at %s", n.name, was.Endpoint, was.Node, o.name)
		}
	}
}

// steady reports whether two nodes have had a way to each other for some time.
func (w *world) steady(a, b *node, d time.Duration) bool {
	since, ok := w.since[pair(a.index, b.index)]
	return ok && since >= 0 && w.now-since >= d
}

func (t *trace) listen(e Heard) {
	w, n := t.node.world, t.node
	w.stats["heard"]++
	joined, count, _ := strings.Cut(e.ID, ":")
	at, _ := strconv.ParseUint(joined, 10, 64)
	number, _ := strconv.Atoi(count)
	s, ok := t.shown[e.From]
	if !ok || s.Joined != Time(at) {
		w.fail("%s: hears %s of %s, who is not there", n.name, e.From, e.Node)
	}
	who := speaker{occupancy{e.From, Time(at)}, e.Node}
	if t.heard[who] >= number {
		w.fail("%s: hears %s say %d at %s after %d", n.name, e.From, number, e.Node, t.heard[who])
	}
	t.heard[who] = number
}

// check holds what the effects said against what the replica says.
func (t *trace) check() {
	w, n := t.node.world, t.node
	if n.room != t.room {
		return
	}
	members := t.room.Occupants()
	if len(members) != len(t.shown) {
		w.fail("%s: shows %d occupants, told of %d", n.name, len(members), len(t.shown))
	}
	for _, m := range members {
		if s := t.shown[m.Endpoint]; s.Node != m.Node || !s.looks(m.Occupant) {
			w.fail("%s: shows %s at %s otherwise than told: %s", n.name, m.Endpoint, m.Node, cmp.Diff(s, m))
		}
	}
	if values := t.room.Values(); !maps.Equal(values, t.values) {
		w.fail("%s: header otherwise than told: %s", n.name, cmp.Diff(t.values, values))
	}
	if s := t.room.Sequencer(); s != t.sequencer {
		w.fail("%s: sequencer %q, told %q", n.name, s, t.sequencer)
	}
	n.moderates()
}

func (n *node) moderates() EndpointID {
	var candidates []Candidate
	for _, m := range n.room.Occupants() {
		candidates = append(candidates, Candidate{
			Endpoint: m.Endpoint, Joined: m.Joined,
			Appointed: n.room.Value(FieldModerator+string(m.Endpoint)) == "1",
			Owner:     n.room.Value(FieldAffiliation+m.JID) == "owner",
		})
	}
	return n.moderator.Choose(n.clock(), candidates)
}

// wrote holds a commit against those before it: one for each dot, in no term but the last that its writer knows.
func (n *node) wrote(c Commit) {
	w := n.world
	w.stats["commits"]++
	c, _ = copied(c).(Commit)
	if _, ok := w.commits[c.Dot]; ok {
		w.fail("%s: writes %d of the term of %v again", n.name, c.Dot.Seq, c.Dot.Term.Since)
	}
	if c.Dot.Term.Node != n.name || c.Seen.last().Compare(c.Dot.Term) > 0 {
		w.fail("%s: writes in the term of %s at %v and knows that of %s", n.name, c.Dot.Term.Node, c.Dot.Term.Since, c.Seen.last().Node)
	}
	for _, write := range c.Writes {
		if !restricts(write.Key, write.Value) {
			continue
		}
		w.stats["locks"]++
		before := w.registers(c.Seen, write.Key)
		l := &lock{dot: c.Dot, key: write.Key, in: map[occupancy]bool{}, first: true}
		for o := range n.trace.ever {
			l.in[o] = true
		}
		for dot := range before {
			was := w.locks[dot]
			if was == nil {
				continue
			}
			l.first = false
			for o := range l.in {
				if !was.admits(w.people[o], o) {
					delete(l.in, o)
				}
			}
		}
		w.locks[c.Dot] = l
	}
	w.commits[c.Dot] = c
}

// admits reports whether somebody may stay: it was in when the lock was written, or knew of the lock when it came in.
func (l *lock) admits(c *client, o occupancy) bool { return l.in[o] || c != nil && c.since.Has(l.dot) }

// registers returns what a header that contains some commits has to hold of a field: what was written and not replaced.
func (w *world) registers(context Context, key string) map[Dot]string {
	wrote := map[Dot]string{}
	for dot, c := range w.commits {
		for _, write := range c.Writes {
			if context.Has(dot) && write.Key == key {
				wrote[dot] = write.Value
			}
		}
	}
	left := map[Dot]string{}
	for dot, value := range wrote {
		replaced := false
		for other := range wrote {
			replaced = replaced || w.commits[other].Seen.Has(dot)
		}
		if !replaced && keeps(key, value) {
			left[dot] = value
		}
	}
	return left
}

// asked looks whether somebody is asked for the password who was in when the room was locked.
func (n *node) asked(e Readmit) {
	w := n.world
	w.stats["readmit"]++
	c := n.clients[e.Endpoint]
	if c == nil || c.moved || c.twin {
		return
	}
	certain := true
	for _, g := range n.room.header.registers[e.Key] {
		l := w.locks[g.Dot]
		if l == nil {
			continue
		}
		if certain = certain && l.first; !l.admits(c, occupancy{c.id, c.joined}) {
			return
		}
	}
	if certain {
		w.fail("%s: %s is to be admitted again, and was in when the room was locked: joined %v, since %v, %+v", n.name, e.Endpoint, c.joined, n.room.own.occupants[e.Endpoint].since, n.room.header.registers[e.Key])
	}
}
