package stream

import (
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/node/session"
)

// Who finds a session that is being taken in finds all of it: not one that then is not taken in, whose turn nobody gives back.
func TestASessionIsFoundOnceItIsThere(t *testing.T) {
	s := NewServer(Config{Domain: "meet.test", Node: "n1", Handler: &recorder{}})
	defer s.Close()
	token := newToken("n2").String()
	value := session.Stream{JID: "01234567-89ab-cdef-0123-456789abcdef@meet.test/r", ResumeToken: token, Unacked: make([][]byte, s.limits.QueueStanzas+1)}
	var group sync.WaitGroup
	var err error
	var found *Session
	s.mu.Lock()
	for _, do := range []func(){func() { _, err = s.Arrive(value, false) }, func() { found = s.find(token) }} {
		group.Go(do)
		time.Sleep(10 * time.Millisecond)
	}
	s.mu.Unlock()
	s.mu.Lock() // who has waited for long gets the lock next: the second comes right behind the first
	time.Sleep(10 * time.Millisecond)
	s.mu.Unlock()
	group.Wait()
	if err == nil {
		t.Error("too much waits for its client, and it is taken in")
	}
	if found != nil {
		t.Error("a session is found that is not taken in")
	}
	if s.find(token) != nil {
		t.Error("it is there")
	}
}
