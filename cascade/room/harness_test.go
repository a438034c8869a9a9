package room

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	alpha = identity.Name("alphaaaaaa")
	bravo = identity.Name("bravoaaaaa")
	delta = identity.Name("deltaaaaaa")
)

// bench is a few replicas, and messages that a test hands over itself.
type bench struct {
	*testing.T
	now   time.Time
	rooms map[identity.Name]*Replica
	mail  map[identity.Name][]letter // by receiver
	// cut drops what is sent.
	cut     bool
	effects map[identity.Name][]Effect // but for Send
}

type letter struct {
	from    identity.Name
	message Message
}

func newBench(t *testing.T, names ...identity.Name) *bench {
	b := &bench{T: t, now: epoch, rooms: map[identity.Name]*Replica{}, mail: map[identity.Name][]letter{}, effects: map[identity.Name][]Effect{}}
	for _, name := range names {
		b.rooms[name] = NewReplica(Config{Self: name, Room: "room", Incarnation: uint64(At(b.now))})
	}
	for _, name := range names {
		b.do(name, b.rooms[name].SetReachable(b.now, names))
		b.do(name, b.rooms[name].SetPeers(b.now, names))
	}
	b.do(names[0], b.rooms[names[0]].Found(b.now, "meeting"))
	b.settle()
	b.take()
	return b
}

func (b *bench) do(name identity.Name, effects []Effect) {
	for _, e := range effects {
		if s, ok := e.(Send); !ok {
			b.effects[name] = append(b.effects[name], e)
		} else if !b.cut {
			b.mail[s.To] = append(b.mail[s.To], letter{name, copied(s.Message)})
		}
	}
}

// settle delivers all mail, and what follows from it, for three seconds.
func (b *bench) settle() {
	b.Helper()
	for range 30 {
		for _, name := range []identity.Name{alpha, bravo, delta} {
			r := b.rooms[name]
			for len(b.mail[name]) > 0 {
				l := b.mail[name][0]
				b.mail[name] = b.mail[name][1:]
				if r == nil {
					continue
				}
				effects, err := r.Receive(b.now, l.from, l.message)
				if err != nil {
					b.Errorf("%s refuses %+v: %v", name, l.message, err)
				}
				b.do(name, effects)
			}
			if r != nil {
				b.do(name, r.Tick(b.now))
			}
		}
		b.now = b.now.Add(100 * time.Millisecond)
	}
}

// sleep lets time pass without any mail.
func (b *bench) sleep(d time.Duration) {
	for end := b.now.Add(d); b.now.Before(end); b.now = b.now.Add(100 * time.Millisecond) {
		for name, r := range b.rooms {
			b.do(name, r.Tick(b.now))
		}
	}
	clear(b.mail)
}

// take returns the effects since the last call.
func (b *bench) take() map[identity.Name][]Effect {
	e := b.effects
	b.effects = map[identity.Name][]Effect{}
	return e
}

// want compares what a node was told, in short.
func (b *bench) want(name identity.Name, effects []Effect, want ...string) {
	b.Helper()
	var got []string
	for _, e := range effects {
		got = append(got, short(e))
	}
	if d := cmp.Diff(want, got); d != "" {
		b.Errorf("%s is told otherwise (-want +got):\n%s", name, d)
	}
}

// people leaves out what is about the header.
func people(effects []Effect) []Effect {
	return slices.DeleteFunc(effects, func(e Effect) bool {
		switch e.(type) {
		case HeaderChanged, SequencerChanged:
			return true
		}
		return false
	})
}

func short(e Effect) string {
	switch e := e.(type) {
	case Appeared:
		return fmt.Sprintf("appeared %s %s", e.Node, e.Endpoint)
	case Changed:
		return fmt.Sprintf("changed %s %s", e.Node, e.Endpoint)
	case Vanished:
		return fmt.Sprintf("vanished %s %s %d%s", e.Node, e.Endpoint, e.Cause, e.Reason)
	case Heard:
		return fmt.Sprintf("heard %s %s", e.From, e.ID)
	case HeaderChanged:
		return fmt.Sprintf("header %v", e.Keys)
	case Readmit:
		return fmt.Sprintf("readmit %s %s", e.Endpoint, e.Key)
	case Evict:
		return fmt.Sprintf("evict %s %d%s", e.Endpoint, e.Cause, e.Reason)
	case SequencerChanged:
		return fmt.Sprintf("sequencer %s", e.Node)
	}
	return fmt.Sprintf("%T", e)
}

func (b *bench) join(name identity.Name, id EndpointID) {
	b.do(name, b.rooms[name].Put(b.now, Occupant{Endpoint: id, JID: "user@" + string(id)}))
}

func (b *bench) write(name identity.Name, key, value string) {
	b.Helper()
	effects, err := b.rooms[name].Write(b.now, []Write{{key, value}})
	if err != nil {
		b.Fatalf("%s may not write: %v", name, err)
	}
	b.do(name, effects)
}

// part says that alpha and bravo can not reach each other.
func (b *bench) part() {
	b.cut = true
	b.do(alpha, b.rooms[alpha].SetReachable(b.now, nil))
	b.do(bravo, b.rooms[bravo].SetReachable(b.now, nil))
}

func (b *bench) heal() {
	b.cut = false
	for _, pair := range [][2]identity.Name{{alpha, bravo}, {bravo, alpha}} {
		b.do(pair[0], b.rooms[pair[0]].SetReachable(b.now, []identity.Name{pair[1]}))
		b.do(pair[0], b.rooms[pair[0]].LinkUp(b.now, pair[1]))
	}
	b.settle()
}
