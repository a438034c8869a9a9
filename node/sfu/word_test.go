package sfu

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// TestTheWordOfTheSequencer: it counts from when it comes until it is taken back. What this node hears is a guess.
func TestTheWordOfTheSequencer(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join(1, 1), r.join(2, 1), r.join(3, 1)
	d := r.join(4, 1)
	d.want(1, 180)
	r.talk(time.Second, 1)
	r.talk(2*time.Second, 2)
	if diff := cmp.Diff([]Guess{{a.id}, {b.id}}, of[Guess](r.effects())); diff != "" {
		t.Error(diff)
	}
	say := func(id room.EndpointID, previous ...room.EndpointID) []Dominant {
		r.do(r.room.SetDominant(r.now, id, previous))
		return of[Dominant](r.effects())
	}
	list := func(ids ...room.EndpointID) []room.EndpointID { return ids }
	if diff := cmp.Diff([]Dominant{{c.id, list(a.id, d.id)}}, say(c.id, a.id, d.id)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(names(c.camera()), d.forwarded); diff != "" {
		t.Errorf("last-N: %s", diff)
	}
	if n := len(say(c.id, a.id, d.id)); n != 0 {
		t.Error("the same word again is told")
	}
	r.talk(2*time.Second, 1)
	fx := r.effects()
	if diff := cmp.Diff([]Guess{{a.id}}, of[Guess](fx)); diff != "" || len(of[Dominant](fx)) != 0 {
		t.Errorf("%s, %v", diff, of[Dominant](fx))
	}
	if diff := cmp.Diff([]Dominant{{a.id, list(c.id, d.id)}}, say("")); diff != "" {
		t.Error(diff)
	}
	r.talk(2*time.Second, 2)
	fx = r.effects()
	if diff := cmp.Diff([]Dominant{{b.id, list(a.id, c.id, d.id)}}, of[Dominant](fx)); diff != "" || len(of[Guess](fx)) != 1 {
		t.Error(diff)
	}
	// Somebody who is not here yet.
	if diff := cmp.Diff([]Dominant{{endpoint(5), nil}}, say(endpoint(5))); diff != "" {
		t.Error(diff)
	}
	e := r.join(5, 1)
	if diff := cmp.Diff(names(e.camera()), d.forwarded); diff != "" {
		t.Errorf("last-N: %s", diff)
	}
	r.do(r.room.Leave(r.now, e.id))
	delete(r.people, 5)
	if n := len(of[Dominant](r.room.Describe(a.id))); n != 0 {
		t.Error("somebody who left is dominant")
	}
}

// TestVoicesFromOtherNodes: the detector hears them by the level in the mark, and by the client's own without a mark.
func TestVoicesFromOtherNodes(t *testing.T) {
	for name, marked := range map[string]bool{"marked": true, "not marked": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.join(2, 1)
			a := r.known(1)
			delete(r.people, 1)
			m := r.room.JoinRemote(r.now, a.id, deaf{})
			r.do(r.room.SetSources(r.now, a.id, a.source(1)))
			r.talk(time.Second, 2)
			r.effects()
			out := &lane{}
			o := newRig(t)
			there := o.join(1, 1)
			o.room.JoinRelay(o.now, "far", out)
			o.do(o.room.Pull(o.now, "far", a.mic(), 1))
			for i := range 150 {
				level := uint8(20)
				if i >= 50 {
					level = 110
				}
				there.speak(level)
				b := out.rtp[len(out.rtp)-1]
				if !marked {
					packet.DropMark(b)
				}
				m.RTP(a.mic(), 0, b, r.now)
				r.talk(20*time.Millisecond, 0)
			}
			if diff := cmp.Diff([]Guess{{a.id}}, of[Guess](r.effects())); diff != "" {
				t.Error(diff)
			}
		})
	}
}
