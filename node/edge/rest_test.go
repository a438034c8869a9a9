package edge

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
	"time"
)

// asleep is a leg whose client sent something, and whose association sleeps.
func asleep(t *testing.T, e *Edge) (*Leg, *recorder, *client) {
	t.Helper()
	l, r, c := join(t, e)
	c.sendRTP(1, 1)
	r.wait("media", func() bool { return len(r.rtp[1]) > 0 })
	eventually(t, "the association's goroutines end", func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		ours := bytes.Count(stacks, []byte("edge.(*association).run("))
		both := bytes.Count(stacks, []byte("dtls/v3.(*handshakeFSM).Run(")) // and the client's
		return ours == 0 && both <= 1
	})
	return l, r, c
}

func (a *association) sleeps() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn == nil && a.state != nil
}

// awake wakes the association of a leg once it rests, and returns when pion is through with its state.
func awake(t *testing.T, l *Leg) {
	t.Helper()
	eventually(t, "it rests", l.dtls.sleeps)
	l.dtls.wake()
	eventually(t, "it is awake", func() bool {
		l.dtls.mu.Lock()
		defer l.dtls.mu.Unlock()
		return l.dtls.through
	})
}

func TestAnAssociationRestsAfterTheHandshake(t *testing.T) {
	e := listen(t)
	l, r, c := join(t, e)
	eventually(t, "it rests", l.dtls.sleeps)
	c.sendRTP(1, 1)
	r.wait("media while it rests", func() bool { return len(r.rtp[1]) > 0 })
	l.tick(time.Now().Add(2 * restTime))
	l.dtls.mu.Lock()
	if l.dtls.flight != nil {
		t.Error("it keeps what the client must have got")
	}
	l.dtls.mu.Unlock()
	c.dtls.Close()
	r.wait("closed", func() bool { return r.reason != nil })
}

func TestAClientGetsALostFlightWhileTheAssociationRests(t *testing.T) {
	e := listen(t)
	r, c := newRecorder(t), newClient(t)
	l, err := e.NewLeg(r)
	if err != nil {
		t.Fatal(err)
	}
	invite(t, l, c)
	lost := 0
	c.lose = func(record []byte) bool {
		if record[0] != recordChangeCipherSpec || lost == 3 {
			return false
		}
		eventually(t, "it rests", l.dtls.sleeps)
		lost++
		return true
	}
	if err := c.dial(l, e.Candidates()); err != nil {
		t.Fatal(err)
	}
	if lost != 3 || !l.dtls.sleeps() {
		t.Errorf("%d flights were lost, sleeps: %v", lost, l.dtls.sleeps())
	}
	c.sendRTP(1, 1)
	r.wait("media", func() bool { return len(r.rtp[1]) > 0 })
	c.dtls.Close()
	r.wait("closed", func() bool { return r.reason != nil })
	if !errors.Is(r.reason, errPeerClosed) {
		t.Errorf("closed with %v", r.reason)
	}
}

// Whoever is on the client's path may make up records of a handshake.
func TestALastFlightIsRepeatedSoOften(t *testing.T) {
	e := listen(t)
	l, _, _ := join(t, e)
	eventually(t, "it rests", l.dtls.sleeps)
	before := e.stats.dtlsDropped.Load()
	for range mostAgain + 5 {
		l.dtls.feed([]byte{recordHandshake, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1})
	}
	if n := e.stats.dtlsDropped.Load() - before; n < 5 || n >= mostAgain || !l.dtls.sleeps() { // a client that is slow has repeated its own
		t.Errorf("%d of %d were dropped, sleeps: %v", n, mostAgain+5, l.dtls.sleeps())
	}
}

func TestAResumedAssociationRestsWithoutMediaAfterAWhile(t *testing.T) {
	e := listen(t)
	l, r, c := join(t, e)
	awake(t, l)
	l.dtls.since.Store(e.instant(time.Now()))
	if l.tick(time.Now().Add(muteTime / 2)); l.dtls.sleeps() {
		t.Error("it rests at once")
	}
	if l.tick(time.Now().Add(2 * muteTime)); !l.dtls.sleeps() {
		t.Error("it does not rest")
	}
	c.sendRTP(1, 1)
	r.wait("media", func() bool { return len(r.rtp[1]) > 0 })
	c.dtls.Close()
	r.wait("closed", func() bool { return r.reason != nil })
}

func TestASleepingAssociationHearsTheFarewell(t *testing.T) {
	e := listen(t)
	_, r, c := asleep(t, e)
	c.dtls.Close()
	r.wait("closed", func() bool { return r.reason != nil })
	if !errors.Is(r.reason, errPeerClosed) {
		t.Errorf("closed with %v", r.reason)
	}
}

func TestASleepingAssociationSaysFarewell(t *testing.T) {
	e := listen(t)
	l, _, c := asleep(t, e)
	l.Close()
	select {
	case <-c.closed:
	case <-time.After(patience):
		t.Error("the client was not told")
	}
}

func TestASleepingAssociationMoves(t *testing.T) {
	a, b := listen(t), listen(t)
	l, _, c := asleep(t, a)
	way := l.Path()
	rb := newRecorder(t)
	moved, err := b.Import(carried(t, l), rb)
	if err != nil {
		t.Fatal(err)
	}
	moved.Attach(way)
	way.Redirect(func(sealed []byte) { moved.Deliver(sealed) })
	c.sendRTP(1, 2)
	rb.wait("media", func() bool { return len(rb.rtp[1]) > 0 })
	eventually(t, "it sleeps", func() bool { moved.dtls.sleep(); return moved.dtls.sleeps() })
	c.dtls.Close()
	rb.wait("closed", func() bool { return rb.reason != nil })
}

// waking has a sleeping association be where pion has its state and did nothing yet.
func waking(t *testing.T, a *association) (state []byte) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wire = newRecords(a.leg.sendRecord)
	conn, err := resume(a.state, a.wire, a.leg.edge.common)
	if err != nil {
		t.Fatal(err)
	}
	a.conn, a.from, a.state, a.through = conn, a.state, nil, false
	return bytes.Clone(a.from)
}

func TestAWakingAssociationSaysFarewell(t *testing.T) {
	e := listen(t)
	l, _, c := asleep(t, e)
	waking(t, l.dtls)
	l.Close()
	select {
	case <-c.closed:
	case <-time.After(patience):
		t.Error("the client was not told")
	}
}

func TestAWakingAssociationMoves(t *testing.T) {
	a, b := listen(t), listen(t)
	l, _, c := asleep(t, a)
	state := waking(t, l.dtls)
	way := l.Path()
	m := carried(t, l)
	if !bytes.Equal(m.DTLS, state) {
		t.Errorf("its state became %d other bytes", len(m.DTLS))
	}
	moved, err := b.Import(m, newRecorder(t))
	if err != nil {
		t.Fatal(err)
	}
	moved.Attach(way)
	moved.Close()
	select {
	case <-c.closed:
	case <-time.After(patience):
		t.Error("the client was not told")
	}
}

// An association that may not rest yet is asked again.
func TestAnAssociationRestsOnceItIsThrough(t *testing.T) {
	e := listen(t)
	l, r, c := join(t, e)
	c.sendRTP(1, 1)
	r.wait("media", func() bool { return len(r.rtp[1]) > 0 })
	awake(t, l)
	through := func(yes bool) {
		l.dtls.mu.Lock()
		defer l.dtls.mu.Unlock()
		l.dtls.through = yes
	}
	through(false)
	if l.tick(time.Now().Add(2 * restTime)); l.dtls.sleeps() {
		t.Error("it rests while pion is at its state")
	}
	through(true)
	if l.tick(time.Now().Add(2 * restTime)); !l.dtls.sleeps() {
		t.Error("it does not rest")
	}
}

// A farewell that pion has is not slept through.
func TestAnAssociationDoesNotRestOverAFarewell(t *testing.T) {
	e := listen(t)
	l, r, c := join(t, e)
	awake(t, l)
	wire := l.dtls.wire
	wire.put([]byte{recordAlert}) // of which pion makes nothing
	eventually(t, "pion has it", func() bool {
		wire.mu.Lock()
		defer wire.mu.Unlock()
		return wire.alert
	})
	if l.dtls.sleep(); l.dtls.sleeps() {
		t.Error("it rests")
	}
	c.dtls.Close()
	r.wait("closed", func() bool { return r.reason != nil })
}

// A farewell that pion has not read when its association goes to sleep wakes it again.
func TestAnAssociationHearsWhatCameAsItFellAsleep(t *testing.T) {
	e := listen(t)
	l, r, c := join(t, e)
	awake(t, l)
	wire := l.dtls.wire
	wire.kill() // so that pion reads nothing more
	c.dtls.Close()
	eventually(t, "the farewell is here", func() bool {
		wire.mu.Lock()
		defer wire.mu.Unlock()
		return len(wire.queue) > 0
	})
	l.dtls.sleep()
	r.wait("closed", func() bool { return errors.Is(r.reason, errPeerClosed) })
}
