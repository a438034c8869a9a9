package sfu

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func names(p ...room.SourceName) []room.SourceName { return p }

func TestSlotsAreReusedWhenLastNIsSmall(t *testing.T) {
	r := newRig(t)
	a, b, c, d := r.join(1, 1), r.join(2, 1), r.join(3, 1), r.join(4, 1)
	_ = b
	r.effects()
	e := r.known(5)
	e.Participant = r.room.Join(r.now, e.id, e.wire)
	e.Connected(r.now)
	ask := func(on ...room.SourceName) []Effect {
		r.effects()
		r.do(r.room.SetConstraints(r.now, e.id, Constraints{LastN: 2, Default: 180, Selected: on}))
		return r.effects()
	}
	ask(a.camera(), c.camera())
	s1, x1 := e.ssrc(a.camera())
	s2, x2 := e.ssrc(c.camera())
	if s1 == 0 || s2 == 0 || len(map[uint32]bool{s1: true, s2: true, x1: true, x2: true}) != 4 {
		t.Fatalf("SSRCs %d, %d, %d, %d", s1, x1, s2, x2)
	}
	fx := ask(a.camera(), d.camera())
	want := []VideoMap{{e.id, []Mapping{{a.camera(), a.id, s1, x1, room.Camera}, {d.camera(), d.id, s2, x2, room.Camera}}}}
	if diff := cmp.Diff(want, of[VideoMap](fx)); diff != "" {
		t.Errorf("map: %s", diff)
	}
	if diff := cmp.Diff([]Forwarded{{e.id, names(a.camera(), d.camera())}}, of[Forwarded](fx)); diff != "" {
		t.Errorf("forwarded: %s", diff)
	}
	if fx := ask(a.camera(), d.camera()); len(fx) != 0 {
		t.Errorf("the same again: %+v", fx)
	}
}

func TestOneSlotFollowsItsSources(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	c := r.known(3)
	c.Participant = r.room.Join(r.now, c.id, c.wire)
	c.Connected(r.now)
	see := func(p *person) {
		r.do(r.room.SetConstraints(r.now, c.id, Constraints{LastN: 1, Default: 180, Selected: names(p.camera())}))
	}
	var got []media
	var ssrc uint32
	for i := range 10 {
		p := []*person{a, b}[i%2]
		see(p)
		ssrc, _ = c.ssrc(p.camera())
		r.wait(time.Duration(i*30) * time.Millisecond)
		a.film(false, 0)
		b.film(false, 0)
		p.film(true, 0)
		p.film(false, 0)
		got = append(got, c.wire.take(t)...)
	}
	if len(got) != 60 {
		t.Fatalf("%d packets, want 60", len(got))
	}
	for i, m := range got {
		if m.SSRC != ssrc || m.sender != byte(1+i/6%2) || m.SequenceNumber != got[0].SequenceNumber+uint16(i) {
			t.Fatalf("packet %d of sender %d: %+v", i, m.sender, m.Header)
		}
		if i > 0 && m.vp8.PictureID != (got[0].vp8.PictureID+uint16(i/3))&0x7fff {
			t.Fatalf("packet %d: picture id %d", i, m.vp8.PictureID)
		}
		if i%3 == 0 && i > 0 && int32(m.Timestamp-got[i-1].Timestamp) <= 0 {
			t.Fatalf("packet %d: timestamp %d after %d", i, m.Timestamp, got[i-1].Timestamp)
		}
	}
}

func TestLeavingEmptiesSlots(t *testing.T) {
	r := newRig(t)
	a, b, c := r.join(1, 1), r.join(2, 1), r.join(3, 1)
	was, _ := b.ssrc(a.camera())
	r.effects()
	r.do(r.room.Leave(r.now, a.id))
	fx := r.effects()
	for _, m := range of[VideoMap](fx) {
		if len(m.Mapped) != 1 {
			t.Errorf("map of %s holds %+v", m.To, m.Mapped)
		}
	}
	if n := len(of[VideoMap](fx)); n != 2 {
		t.Errorf("%d maps of video, want one for each who is left", n)
	}
	if n := len(of[AudioMap](fx)); n != 2 {
		t.Errorf("%d maps of audio, want one for each who is left", n)
	}
	if diff := cmp.Diff([]Forwarded{{b.id, names(c.camera())}, {c.id, names(b.camera())}}, of[Forwarded](fx)); diff != "" {
		t.Errorf("forwarded: %s", diff)
	}
	a.film(true, 0)
	a.speak(100)
	if len(b.wire.take(t)) != 0 {
		t.Error("media of somebody who left")
	}
	for _, s := range r.room.Report(r.now) {
		if s.Receivers != 1 {
			t.Errorf("%s goes to %d receivers, want 1", s.Name, s.Receivers)
		}
	}
	d := r.join(4, 1)
	if is, _ := b.ssrc(d.camera()); is != was {
		t.Errorf("newcomer on SSRC %d, want the one that became free, %d", is, was)
	}
}

func TestFiftyAudioSlotsFollowTheVoices(t *testing.T) {
	r := newRig(t)
	for n := byte(1); n <= 53; n++ {
		r.join(n, 1)
	}
	r.wait(2 * settleEvery)
	b := r.people[1]
	if n := len(b.audio.slots); n != 50 {
		t.Fatalf("%d audio slots, want 50", n)
	}
	var left *person
	for _, p := range r.people {
		if ssrc, _ := b.ssrc(p.mic()); ssrc == 0 && p != b {
			left = p
		}
	}
	if left == nil {
		t.Fatal("nobody is without a slot")
	}
	r.wait(2 * time.Second)
	left.speak(100)
	r.wait(200 * time.Millisecond)
	b.wire.take(t)
	left.speak(100)
	if got := b.wire.take(t); len(got) != 1 || got[0].sender != left.n {
		t.Errorf("%d packets of somebody who began to speak", len(got))
	}
}

// Many who come and go at once are placed together, and nobody is forgotten.
func TestALargeRoomIsSettledOnceForMany(t *testing.T) {
	r := newRig(t)
	for n := byte(1); n <= 60; n++ {
		r.join(n, 1)
	}
	r.wait(3 * settleEvery)
	r.effects()
	stays := r.people[50]
	told := func() (n int, last AudioMap) {
		for _, m := range of[AudioMap](r.effects()) {
			if m.To == stays.id {
				n, last = n+1, m
			}
		}
		return n, last
	}
	var gone []*person
	for n := byte(1); n <= 5; n++ {
		gone = append(gone, r.people[n])
		r.do(r.room.Leave(r.now, r.people[n].id))
	}
	if n, _ := told(); n > 1 {
		t.Errorf("somebody was told %d times of five who left at once", n)
	}
	r.wait(2 * settleEvery)
	n, last := told()
	if n == 0 || n > 2 {
		t.Errorf("somebody was told %d times in the end", n)
	}
	first := gone[0]
	for _, m := range last.Mapped {
		if m.Owner == first.id {
			t.Error("who left is still mapped")
		}
	}
	if ssrc, _ := stays.ssrc(first.mic()); ssrc != 0 {
		t.Error("who left still has a slot")
	}
	stays.wire.take(t)
	r.people[10].speak(20)
	if len(stays.wire.take(t)) != 1 {
		t.Error("who stayed is not heard")
	}
}

func TestSourcesThatChange(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	r.effects()
	screen := room.Source{Name: room.SourceName(a.id + "-v1"), VideoType: room.Desktop, Encodings: []room.Encoding{{SSRC: 71, RTX: 72}}}
	r.do(r.room.SetSources(r.now, a.id, append(a.source(1), screen)))
	maps := of[VideoMap](r.effects())
	if len(maps) != 1 || maps[0].To != b.id || len(maps[0].Mapped) != 2 || maps[0].Mapped[1].VideoType != room.Desktop {
		t.Errorf("maps %+v", maps)
	}
	r.do(r.room.SetVideoType(r.now, screen.Name, room.Camera, false))
	maps = of[VideoMap](r.effects())
	if len(maps) != 1 || maps[0].Mapped[1].VideoType != room.Camera {
		t.Errorf("maps after a change of type %+v", maps)
	}
	r.do(r.room.SetSources(r.now, a.id, a.source(1)))
	maps = of[VideoMap](r.effects())
	if len(maps) != 1 || len(maps[0].Mapped) != 1 {
		t.Errorf("maps after the screen is gone %+v", maps)
	}
	foreign := []room.Source{{Name: b.camera(), Encodings: []room.Encoding{{SSRC: 1}}}}
	r.do(r.room.SetSources(r.now, a.id, append(a.source(1), foreign...)))
	if len(r.effects()) != 0 || r.room.sources[b.camera()].owner != b.Participant {
		t.Error("a source of somebody else was taken")
	}
}

func TestMutedVideoTakesNoPlace(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	c := r.join(3, 1)
	c.want(1, 180)
	if diff := cmp.Diff(names(a.camera()), c.forwarded); diff != "" {
		t.Fatal(diff)
	}
	r.effects()
	r.do(r.room.SetVideoType(r.now, a.camera(), room.Camera, true))
	if diff := cmp.Diff(names(b.camera()), c.forwarded); diff != "" {
		t.Error(diff)
	}
	for _, e := range of[SenderConstraints](r.effects()) {
		if e.Source == a.camera() && e.MaxHeight == 0 {
			t.Error("a muted sender is told that nobody wants it")
		}
	}
}

func TestDescribeTellsEverything(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	r.effects()
	fx := r.room.Describe(a.id)
	if len(of[VideoMap](fx)) != 1 || len(of[VideoMap](fx)[0].Mapped) != 1 || len(of[AudioMap](fx)) != 1 {
		t.Errorf("maps in %+v", fx)
	}
	if diff := cmp.Diff([]SenderConstraints{{a.camera(), 720}}, of[SenderConstraints](fx)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Forwarded{{a.id, names(b.camera())}}, of[Forwarded](fx)); diff != "" {
		t.Error(diff)
	}
}

func TestANewSourceIsNotTurnedOffAtOnce(t *testing.T) {
	r := newRig(t)
	a := r.join(1, 1)
	r.wait(newborn - 100*time.Millisecond)
	if fx := of[SenderConstraints](r.effects()); len(fx) != 0 {
		t.Errorf("told %+v", fx)
	}
	r.wait(200 * time.Millisecond)
	if diff := cmp.Diff([]SenderConstraints{{a.camera(), 0}}, of[SenderConstraints](r.effects())); diff != "" {
		t.Error(diff)
	}
	b := r.join(2, 1)
	b.want(-1, 0)
	want := []SenderConstraints{{b.camera(), 720}, {a.camera(), 720}, {a.camera(), 0}}
	if diff := cmp.Diff(want, of[SenderConstraints](r.effects())); diff != "" {
		t.Error(diff)
	}
}

// TestNothingToTellOpensAtOnce: the source of a restored slot comes. The receiver knows its SSRC, so that nobody is told
// anything, and the caller has no reason to call Open.
func TestNothingToTellOpensAtOnce(t *testing.T) {
	r := newRig(t)
	r.join(1, 1)
	f := r.join(2, 1).Export()
	to := newRig(t)
	b := to.known(2)
	b.Participant = to.room.Import(to.now, b.id, b.wire, false, &f)
	b.Connected(to.now)
	a := to.known(1)
	a.Participant = to.room.Join(to.now, a.id, a.wire)
	if fx := to.room.SetSources(to.now, a.id, a.source(1)); len(fx) != 0 {
		t.Fatalf("effects %+v", fx)
	}
	a.speak(1)
	if n := len(b.wire.take(t)); n != 1 {
		t.Errorf("%d packets of audio, want 1", n)
	}
}

func TestUnlimitedIsANumber(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 1), r.join(2, 1)
	r.effects()
	b.want(-1, -1)
	if diff := cmp.Diff([]SenderConstraints{{a.camera(), 2160}}, of[SenderConstraints](r.effects())); diff != "" {
		t.Error(diff)
	}
}
