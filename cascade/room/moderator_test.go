package room

import (
	"testing"
	"time"
)

func TestModerator(t *testing.T) {
	a := Candidate{Endpoint: "0000000a", Joined: 10}
	c := Candidate{Endpoint: "0000000c", Joined: 5}
	d := Candidate{Endpoint: "0000000d", Joined: 5}
	appointed := Candidate{Endpoint: "0000000e", Joined: 99, Appointed: true}
	owner := Candidate{Endpoint: "0000000f", Joined: 99, Owner: true}
	var m Moderator
	now := epoch
	for i, s := range []struct {
		wait time.Duration
		in   []Candidate
		want EndpointID
		next time.Duration
	}{
		{0, nil, "", 0},
		{0, []Candidate{a}, a.Endpoint, 0},
		// Another is first: it has to hold.
		{0, []Candidate{a, d}, a.Endpoint, 2 * time.Second},
		{time.Second, []Candidate{a, d}, a.Endpoint, time.Second},
		// Yet another: from the beginning.
		{time.Second / 2, []Candidate{d, a, c}, a.Endpoint, 2 * time.Second},
		{time.Second, []Candidate{a}, a.Endpoint, 0},
		{time.Minute, []Candidate{d, a, c}, a.Endpoint, 2 * time.Second},
		{2 * time.Second, []Candidate{d, a, c}, c.Endpoint, 0},
		// Who is not there any more is replaced at once.
		{0, []Candidate{d, a}, d.Endpoint, 0},
		{0, []Candidate{d, a, appointed}, d.Endpoint, 2 * time.Second},
		{2 * time.Second, []Candidate{d, a, appointed}, appointed.Endpoint, 0},
		{0, []Candidate{d, a, appointed, owner}, "", 0},
		{0, []Candidate{d, a}, d.Endpoint, 0},
		{0, nil, "", 0},
	} {
		now = now.Add(s.wait)
		if got := m.Choose(now, s.in); got != s.want {
			t.Errorf("step %d: %q, want %q", i, got, s.want)
		}
		var next time.Duration
		if !m.Next().IsZero() {
			next = m.Next().Sub(now)
		}
		if next != s.next {
			t.Errorf("step %d: next in %v, want %v", i, next, s.next)
		}
	}
}
