package edge

import (
	"errors"
	"testing"
	"time"
)

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
