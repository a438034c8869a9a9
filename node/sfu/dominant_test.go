package sfu

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// talk has everybody send audio for d, the one named loud.
func (r *rig) talk(d time.Duration, loud byte) {
	for end := r.now.Add(d); r.now.Before(end); {
		for _, n := range r.order() {
			level := uint8(20)
			if n == loud {
				level = 110
			}
			r.people[n].speak(level)
		}
		r.wait(20 * time.Millisecond)
	}
}

func TestDominantSpeaker(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join(1, 1), r.join(2, 1), r.join(3, 1)
	r.talk(time.Second, 1)
	r.effects()
	r.talk(2*time.Second, 2)
	r.talk(2*time.Second, 3)
	want := []Dominant{{b.id, []room.EndpointID{a.id}}, {c.id, []room.EndpointID{b.id, a.id}}}
	if diff := cmp.Diff(want, of[Dominant](r.effects())); diff != "" {
		t.Error(diff)
	}
	r.do(r.room.Leave(r.now, b.id))
	delete(r.people, 2)
	r.effects()
	r.talk(2*time.Second, 1)
	if diff := cmp.Diff([]Dominant{{a.id, []room.EndpointID{c.id}}}, of[Dominant](r.effects())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Dominant{{a.id, []room.EndpointID{c.id}}}, of[Dominant](r.room.Describe(c.id))); diff != "" {
		t.Error(diff)
	}
}

func TestLastNFollowsTheSpeaker(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join(1, 1), r.join(2, 1), r.join(3, 1)
	d := r.join(4, 1)
	d.want(1, 180)
	for _, p := range []*person{a, b, c, a} {
		r.talk(2*time.Second, p.n)
		if diff := cmp.Diff(names(p.camera()), d.forwarded); diff != "" {
			t.Errorf("while %d speaks: %s", p.n, diff)
		}
	}
	if n := len(d.video.slots); n != 3 {
		t.Errorf("%d slots of video, want the 3 that were asked for at first", n)
	}
}
