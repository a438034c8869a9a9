package edge

import (
	"errors"
	"testing"
	"time"
	"unsafe"
)

// afterClockSet is the time now when the time of day has been set by so many seconds: only it has changed, and not the
// monotonic clock, which a time carries too.
func afterClockSet(t *testing.T, seconds int64) time.Time {
	t.Helper()
	now := time.Now()
	set := now
	*(*uint64)(unsafe.Pointer(&set)) += uint64(seconds << 30) // the first word of a time.Time with a monotonic reading
	if set.UnixNano()-now.UnixNano() != seconds*int64(time.Second) || set.Sub(now) != 0 {
		t.Fatalf("%v is not %v with the time of day set", set, now)
	}
	return set
}

func TestASetClockSilencesNobody(t *testing.T) {
	e := listen(t)
	l, r, _ := join(t, e)
	l.tick(afterClockSet(t, 3600))
	r.wait("a tick", func() bool { return r.ticks > 0 })
	if r.reason != nil || !l.Connected() {
		t.Errorf("the clock was set forward by an hour, and the client is taken for silent: %v", r.reason)
	}
}

func TestASetClockStopsNoPath(t *testing.T) {
	e := listen(t)
	l, _, _ := join(t, e)
	p := l.Path()
	due := e.instant(time.Now()) // as of now
	p.due.Store(due)
	p.tick(afterClockSet(t, -3600))
	if p.due.Load() <= due {
		t.Error("the clock was set back by an hour, and what is due waits for it")
	}
}

func TestASilentClientIsGivenUp(t *testing.T) {
	e := listen(t)
	l, r, _ := join(t, e)
	l.tick(time.Now().Add(silence - time.Second))
	r.wait("a tick", func() bool { return r.ticks > 0 })
	if r.reason != nil {
		t.Fatalf("closed with %v too early", r.reason)
	}
	l.tick(time.Now().Add(silence + time.Second))
	r.wait("closed", func() bool { return r.reason != nil })
	if !errors.Is(r.reason, errSilent) {
		t.Errorf("closed with %v", r.reason)
	}
}

func TestAClientThatNeverComesIsGivenUp(t *testing.T) {
	e := listen(t)
	r := newRecorder(t)
	l, err := e.NewLeg(r)
	if err != nil {
		t.Fatal(err)
	}
	l.tick(time.Now().Add(10 * silence)) // it was not invited yet
	if err := l.SetRemote("ufrag", "pwd", e.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	l.tick(time.Now().Add(silence + time.Second))
	r.wait("closed", func() bool { return r.reason != nil })
	if !errors.Is(r.reason, errSilent) {
		t.Errorf("closed with %v", r.reason)
	}
}

func TestAClientThatDoesNotAnswerChecksIsGivenUp(t *testing.T) {
	e := listen(t)
	r := newRecorder(t)
	l, err := e.NewLeg(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.SetRemote("ufrag", "pwd", e.Fingerprint()); err != nil {
		t.Fatal(err)
	}
	l.Path().tick(time.Now().Add(silence))
	r.wait("closed", func() bool { return r.reason != nil })
	if !errors.Is(r.reason, errConsent) {
		t.Errorf("closed with %v", r.reason)
	}
}
