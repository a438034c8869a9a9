package sfu

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPlainMode: every source has SSRCs of its own, announced once, kept over everything, withdrawn with the source and
// never used again.
func TestPlainMode(t *testing.T) {
	r := newRig(t)
	a := r.join(1, 1)
	b := r.known(2)
	b.Participant = r.room.JoinPlain(r.now, b.id, b.wire)
	b.Connected(r.now)
	r.do(r.room.SetSources(r.now, b.id, b.source(1)))
	c := r.join(3, 1)
	fx := r.effects()
	announced := map[string]uint32{}
	for _, e := range of[Announce](fx) {
		if e.To != b.id || e.Source.Encodings != nil {
			t.Errorf("announced %+v", e)
		}
		announced[string(e.Source.Name)] = e.SSRC
	}
	if len(announced) != 4 {
		t.Fatalf("announced %v, want two sources of two others", announced)
	}
	for _, m := range of[VideoMap](fx) {
		if m.To == b.id {
			t.Error("a map for somebody in plain mode")
		}
	}
	b.want(1, 180)
	a.film(true, 0)
	c.film(true, 0)
	for _, m := range b.wire.take(t) {
		if m.SSRC != announced[string(a.camera())] || m.sender != a.n {
			t.Errorf("sender %d on %d", m.sender, m.SSRC)
		}
	}
	r.do(r.room.SetConstraints(r.now, b.id, Constraints{LastN: 1, Default: 180, Selected: names(c.camera())}))
	a.film(true, 0)
	c.film(true, 0)
	for _, m := range b.wire.take(t) {
		if m.SSRC != announced[string(c.camera())] || m.sender != c.n {
			t.Errorf("sender %d on %d", m.sender, m.SSRC)
		}
	}
	r.effects()
	r.do(r.room.SetSources(r.now, a.id, nil))
	fx = r.effects()
	gone := map[string]uint32{}
	for _, e := range of[Withdraw](fx) {
		gone[string(e.Source.Name)] = e.SSRC
	}
	want := map[string]uint32{string(a.camera()): announced[string(a.camera())], string(a.mic()): announced[string(a.mic())]}
	if diff := cmp.Diff(want, gone); diff != "" {
		t.Errorf("withdrawn: %s", diff)
	}
	r.do(r.room.SetSources(r.now, a.id, a.source(1)))
	for _, e := range of[Announce](r.effects()) {
		for name, ssrc := range announced {
			if e.SSRC == ssrc {
				t.Errorf("SSRC of %s is used again for %s", name, e.Source.Name)
			}
		}
	}
}
