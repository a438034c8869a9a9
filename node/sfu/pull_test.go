package sfu

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// deaf is an Upstream.
type deaf struct{}

func (deaf) Feedback(room.SourceName, int, []byte) {}

func told[E Effect](r *rig) []E { return of[E](r.effects()) }

func TestThePullCountsAsAWant(t *testing.T) {
	r := newRig(t)
	a, b := r.join(1, 3), r.join(2, 1)
	b.want(-1, 180)
	r.room.JoinRelay(r.now, "one", &lane{})
	r.room.JoinRelay(r.now, "two", &lane{})
	r.effects()
	var got []SenderConstraints
	pull := func(node string, h int) {
		r.do(r.room.Pull(r.now, node, a.camera(), h))
		got = append(got, told[SenderConstraints](r)...)
	}
	pull("one", 360)
	pull("two", 720)
	pull("two", 90)
	pull("three", 720) // nobody
	pull("one", 1<<30)
	r.do(r.room.LeaveRelay(r.now, "one"))
	r.do(r.room.LeaveRelay(r.now, "one"))
	got = append(got, told[SenderConstraints](r)...)
	r.do(r.room.Leave(r.now, b.id))
	delete(r.people, 2)
	got = append(got, told[SenderConstraints](r)...)
	pull("two", 0)
	pull("two", 0)
	want := []SenderConstraints{}
	for _, h := range []int{360, 720, 360, 2160, 180, 90, 0} {
		want = append(want, SenderConstraints{a.camera(), h})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPullsWaitForTheirSource: a pull of a source that is not there is remembered, also over its going and coming and over
// other encodings; media goes when it is there.
func TestPullsWaitForTheirSource(t *testing.T) {
	r := newRig(t)
	out := &lane{}
	r.room.JoinRelay(r.now, "far", out)
	a := r.known(1)
	for _, name := range []room.SourceName{a.camera(), a.mic(), "nonsense", "", "0000000x-v0"} {
		r.do(r.room.Pull(r.now, "far", name, 720))
	}
	if n := len(r.room.relays["far"].pulls); n != 2 {
		t.Errorf("%d pulls are kept", n)
	}
	sent := func() int {
		out.clear()
		a.film(true, 0)
		a.speak(1)
		return len(out.rtp)
	}
	a.Participant = r.room.Join(r.now, a.id, a.wire)
	a.Connected(r.now)
	if n := sent(); n != 0 {
		t.Errorf("%d packets of unknown sources", n)
	}
	for range 2 {
		for _, encodings := range []int{1, 3} {
			r.effects()
			r.do(r.room.SetSources(r.now, a.id, a.source(encodings)))
			if diff := cmp.Diff([]SenderConstraints{{a.camera(), 720}}, told[SenderConstraints](r)); diff != "" {
				t.Error(diff)
			}
			if n := sent(); n != 4 {
				t.Errorf("%d packets", n)
			}
		}
		r.do(r.room.SetSources(r.now, a.id, nil))
		if n := sent(); n != 0 {
			t.Errorf("%d packets of sources that are gone", n)
		}
	}
	r.do(r.room.Pull(r.now, "far", a.camera(), 0))
	r.do(r.room.SetSources(r.now, a.id, a.source(1)))
	if n := sent(); n != 1 {
		t.Errorf("%d packets, want sound alone", n)
	}
	r.do(r.room.LeaveRelay(r.now, "far"))
	if n := sent(); n != 0 {
		t.Errorf("%d packets after it left", n)
	}
}

func TestPullsAreBounded(t *testing.T) {
	r := newRig(t)
	y := r.room.JoinRelay(r.now, "far", &lane{})
	for i := range mostPulls + 10 {
		r.room.Pull(r.now, "far", room.SourceName(fmt.Sprintf("%08x-v0", i)), 720)
	}
	if n := len(y.pulls); n != mostPulls || y.Counters().Full != 10 {
		t.Errorf("%d pulls, %+v", n, y.Counters())
	}
}

// TestAPullAsksForAKeyFrame: whoever begins to pull gets a picture at once.
func TestAPullAsksForAKeyFrame(t *testing.T) {
	r := newRig(t)
	a := r.join(1, 1)
	r.join(2, 1)
	a.film(true, 0)
	r.wait(time.Second)
	a.film(false, 0)
	a.wire.plis(t)
	r.room.JoinRelay(r.now, "far", &lane{})
	r.do(r.room.Pull(r.now, "far", a.camera(), 720))
	if diff := cmp.Diff([]uint32{cameraSSRC(0)}, a.wire.plis(t)); diff != "" {
		t.Error(diff)
	}
	r.do(r.room.Pull(r.now, "far", a.camera(), 180))
	if n := len(a.wire.plis(t)); n != 0 {
		t.Error("another height asks again")
	}
}

// TestWhatIsWantedOfRemotes: video by height as for local senders, audio by whether anybody listens, a relay included.
func TestWhatIsWantedOfRemotes(t *testing.T) {
	r := newRig(t)
	a := r.known(1)
	delete(r.people, 1) // it is elsewhere
	r.room.JoinRemote(r.now, a.id, deaf{})
	r.do(r.room.SetSources(r.now, a.id, a.source(3)))
	r.wait(newborn - 20*time.Millisecond)
	if fx := r.effects(); len(fx) != 0 {
		t.Errorf("before it is old enough: %v", fx)
	}
	r.wait(20 * time.Millisecond)
	camera := func(h int) Effect { return SenderConstraints{a.camera(), h} }
	mic := func(on bool) Effect { return AudioWanted{a.mic(), on} }
	expect := func(what string, want ...Effect) {
		t.Helper()
		got := slices.DeleteFunc(r.effects(), func(e Effect) bool {
			switch e := e.(type) {
			case SenderConstraints:
				return e.Source != a.camera()
			case AudioWanted:
				return e.Source != a.mic()
			}
			return true
		})
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	expect("nobody", camera(0))
	b := r.join(2, 1)
	expect("one comes", mic(true), camera(720))
	c := r.join(3, 1)
	c.want(-1, 720)
	r.room.JoinRelay(r.now, "far", &lane{})
	r.do(r.room.Pull(r.now, "far", a.mic(), 1))
	r.do(r.room.Pull(r.now, "far", a.camera(), 360))
	expect("more come")
	for _, p := range []*person{b, c} {
		r.do(r.room.Leave(r.now, p.id))
		delete(r.people, p.n)
	}
	expect("only a relay is left", camera(360))
	r.do(r.room.Pull(r.now, "far", a.mic(), 0))
	expect("sound is not pulled", mic(false))
	r.do(r.room.LeaveRelay(r.now, "far"))
	expect("nobody again", camera(0))
	r.join(2, 1)
	expect("one comes again", mic(true), camera(720))
	r.do(r.room.Leave(r.now, a.id))
	expect("it leaves")
	r.join(1, 1)
	if n := len(of[AudioWanted](r.effects())); n != 0 {
		t.Error("sound of somebody local is told to be wanted")
	}
}

func TestReportNamesRelays(t *testing.T) {
	r := newRig(t)
	a, _ := r.join(1, 3), r.join(2, 1)
	for _, node := range []string{"two", "one"} {
		r.room.JoinRelay(r.now, node, &lane{})
		r.do(r.room.Pull(r.now, node, a.camera(), 720))
	}
	a.film(true, 1)
	got := r.room.Report(r.now)[1]
	want := SourceReport{
		Name: a.camera(), VideoType: room.Camera, Layers: []int{1}, Forwarded: 1, Height: 360, Receivers: 1, Relays: []string{"one", "two"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNothingAfterTheEnd: a packet that is on its way while a pull ends is not sent.
func TestNothingAfterTheEnd(t *testing.T) {
	r, a, _, out := pulled(t, 1)
	a.film(true, 0)
	s := r.room.sources[a.camera()]
	old := s.table.Load()
	r.do(r.room.Pull(r.now, "far", a.camera(), 0))
	out.clear()
	in := inbound{to: old, bytes: a.frame(0, false)[0], origin: origin{layer: s.layers[0]}, at: r.now}
	a.burst.deliver([]inbound{in})
	old.pulls[0].report(s.layers[0], make([]byte, packet.SenderInfo), 1, r.now)
	if len(out.rtp)+len(out.reports) != 0 {
		t.Errorf("%d packets, %d reports", len(out.rtp), len(out.reports))
	}
}
