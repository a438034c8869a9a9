package edge

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pion/ice/v4"

	"github.com/atoll-mesh/atoll/node/edge/path"
	"github.com/atoll-mesh/atoll/node/session"
)

// carried is a leg's state after its way between two nodes.
func carried(t testing.TB, l *Leg) session.Media {
	t.Helper()
	m, err := l.Export()
	if err != nil {
		t.Fatal(err)
	}
	p, err := session.Decode(session.Encode(&session.Participant{Media: m}))
	if err != nil {
		t.Fatal(err)
	}
	m.Wipe()
	return p.Media
}

// stream sends numbered packets up until it is stopped, one every millisecond.
func stream(c *client, ssrc uint32, from uint16) (stop func() int) {
	quit, done := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				done <- n
				return
			case <-ticker.C:
				c.sendRTP(ssrc, from+uint16(n))
				n++
			}
		}
	}()
	return func() int { close(quit); return <-done }
}

// A live leg moves to another edge while its path stays, and back, with media running both ways across a sequence wrap.
func TestALegMovesWithoutLoss(t *testing.T) {
	a, b := listen(t), listen(t)
	leg, ra, c := join(t, a)
	way := leg.Path()
	const up, down, sender = 1, 2, 3
	const first = 65536 - 150
	stop := stream(c, up, first)
	sent := 0
	send := func(l *Leg, n int) {
		for range n {
			if err := l.SendRTP(packet(l.Buffer(), down, first+uint16(sent))); err != nil {
				t.Fatal(err)
			}
			sent++
			time.Sleep(time.Millisecond / 2)
		}
		if err := l.SendRTCP(report(sender)); err != nil {
			t.Fatal(err)
		}
		c.sendRTCP(up)
	}
	send(leg, 100)

	m := carried(t, leg)
	if err := leg.SendRTP(packet(leg.Buffer(), down, 1)); !errors.Is(err, ErrFrozen) {
		t.Errorf("a leg that moved sends: %v", err)
	}
	rb := newRecorder(t)
	moved, err := b.Import(m, rb)
	if err != nil {
		t.Fatal(err)
	}
	moved.Attach(way)
	way.Redirect(func(sealed []byte) { moved.Deliver(sealed) })
	send(moved, 100)
	rb.wait("media at the new edge", func() bool { return len(rb.rtp[up]) > 20 && rb.rtcp[up] > 0 })

	way.Redirect(nil)
	rc := newRecorder(t)
	back, err := a.Import(carried(t, moved), rc)
	if err != nil {
		t.Fatal(err)
	}
	if back.Path() != way {
		t.Fatal("the leg did not find its path")
	}
	back.Resume()
	send(back, 100)
	rc.wait("media back at the old edge", func() bool { return len(rc.rtp[up]) > 20 && rc.rtcp[up] > 0 })
	n := stop()
	total := func() []uint16 {
		var all []uint16
		for _, r := range []*recorder{ra, rb, rc} {
			r.mu.Lock()
			all = append(all, r.rtp[up]...)
			r.mu.Unlock()
		}
		return all
	}
	eventually(t, "everything up", func() bool { return len(total()) >= n })
	got := total()
	if len(got) != n {
		t.Fatalf("%d packets came up, want %d", len(got), n)
	}
	for i, seq := range got {
		if want := first + uint16(i); seq != want {
			t.Fatalf("packet %d up has number %d, want %d", i, seq, want)
		}
	}
	c.wait("everything down", func() bool { return len(c.rtp[down]) == sent && c.rtcp[sender] == 3 })
	for i, seq := range c.rtp[down] {
		if want := first + uint16(i); seq != want {
			t.Fatalf("packet %d down has number %d, want %d", i, seq, want)
		}
	}
	if s := a.Stats(); s.MediaForged+s.MediaReplayed+s.MediaEarly != 0 {
		t.Errorf("packets were dropped: %+v", s)
	}
	// The association moved along: its last node can say farewell.
	back.Close()
	select {
	case <-c.closed:
	case <-time.After(patience):
		t.Error("the client was not told")
	}
	for _, r := range []*recorder{ra, rb, rc} {
		r.mu.Lock()
		if r.reason != nil {
			t.Errorf("a receiver was told of an end: %v", r.reason)
		}
		r.mu.Unlock()
	}
}

// A leg moves to the edge that stood by under the same credentials, and the client follows the nomination.
func TestAStandbyTakesOver(t *testing.T) {
	a, b := listen(t), listen(t)
	r, c := newRecorder(t), newClient(t)
	leg, err := a.NewLeg(r)
	if err != nil {
		t.Fatal(err)
	}
	invite(t, leg, c)
	standby, err := b.Prepare(leg.Local(), true)
	if err != nil {
		t.Fatal(err)
	}
	standby.Redirect(func(sealed []byte) { leg.Deliver(sealed) })
	ufrag, pwd, _ := c.agent.GetLocalUserCredentials()
	standby.SetRemote(path.Credentials{Ufrag: ufrag, Pwd: pwd})
	active, other := a.Candidates()[0], b.Candidates()[0]
	active.Priority -= 256
	selected := make(chan int, 10)
	c.agent.OnSelectedCandidatePairChange(func(_, remote ice.Candidate) { selected <- remote.Port() })
	if err := c.dial(leg, []Candidate{active, other}); err != nil {
		t.Fatal(err)
	}
	r.wait("connected", func() bool { return r.connected })
	if port := <-selected; port != int(active.Addr.Port()) {
		t.Fatalf("the client uses port %d, want the owner's", port)
	}
	eventually(t, "the standby is ready", standby.Ready)
	if err := standby.Send([]byte{0x80}); !errors.Is(err, ErrNoRoute) {
		t.Errorf("a standby sends: %v", err)
	}
	if err := leg.SendRTP(packet(leg.Buffer(), 2, 65535)); err != nil {
		t.Fatal(err)
	}
	c.wait("down", func() bool { return len(c.rtp[2]) == 1 })

	old := leg.Path()
	moved, err := b.Import(carried(t, leg), newRecorder(t))
	if err != nil {
		t.Fatal(err)
	}
	if moved.Path() != standby {
		t.Fatal("the leg did not take the standby")
	}
	moved.Resume()
	if err := moved.SendRTP(packet(moved.Buffer(), 2, 0)); err != nil {
		t.Fatal(err)
	}
	c.wait("down", func() bool { return len(c.rtp[2]) == 2 })
	if port := <-selected; port != int(other.Addr.Port()) {
		t.Fatalf("the client uses port %d, want the standby's", port)
	}
	old.Close()
	rb := moved.receiver.(*recorder)
	c.sendRTP(1, 1)
	rb.wait("up", func() bool { return len(rb.rtp[1]) == 1 && rb.ticks > 0 })
	moved.Close()
	select {
	case <-c.closed:
	case <-time.After(patience):
		t.Error("the client was not told")
	}
}

// What the client says between export and import is heard at the new edge, also when it is a farewell.
func TestWhatComesDuringAMoveIsKept(t *testing.T) {
	a, b := listen(t), listen(t)
	leg, _, c := join(t, a)
	m := carried(t, leg)
	c.sendRTP(1, 1)
	c.dtls.Close()
	way := leg.Path()
	eventually(t, "both are kept", func() bool {
		way.in.Lock()
		defer way.in.Unlock()
		return len(way.held) == 2
	})
	r := newRecorder(t)
	moved, err := b.Import(m, r)
	if err != nil {
		t.Fatal(err)
	}
	moved.Attach(way)
	way.Redirect(func(sealed []byte) { moved.Deliver(sealed) })
	r.wait("both", func() bool { return len(r.rtp[1]) == 1 && errors.Is(r.reason, errPeerClosed) })
}

func TestOnlyAConnectedLegMoves(t *testing.T) {
	e := listen(t)
	l, err := e.NewLeg(newRecorder(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Export(); !errors.Is(err, ErrNotConnected) {
		t.Errorf("export before the handshake: %v", err)
	}
	l.Close()
	if _, err := l.Export(); !errors.Is(err, ErrClosed) {
		t.Errorf("export after the end: %v", err)
	}
}

func TestABadStateIsRefused(t *testing.T) {
	e := listen(t)
	leg, _, _ := join(t, e)
	good := carried(t, leg)
	leg.Path().Close()
	for name, spoil := range map[string]func(*session.Media){
		"profile":     func(m *session.Media) { m.Profile = 99 },
		"key":         func(m *session.Media) { m.LocalKey = m.LocalKey[1:] },
		"salt":        func(m *session.Media) { m.RemoteSalt = nil },
		"fingerprint": func(m *session.Media) { m.RemoteFingerprint = "none" },
		"counters": func(m *session.Media) {
			for i := range uint32(maxSent + 1) {
				m.Sent = append(m.Sent, session.SentRTP{SSRC: i})
			}
		},
	} {
		bad := good
		bad.LocalKey = slices.Clone(good.LocalKey)
		spoil(&bad)
		if _, err := e.Import(bad, newRecorder(t)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	// Media goes on without an association.
	for name, state := range map[string][]byte{"none": nil, "junk": []byte("junk"), "cut": good.DTLS[:len(good.DTLS)-9]} {
		bad := good
		bad.DTLS = state
		l, err := e.Import(bad, newRecorder(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		l.Attach(discard{})
		if err := l.SendRTP(packet(l.Buffer(), 1, 1)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		l.Close()
	}
}

type discard struct{}

func (discard) Send([]byte) error { return nil }
