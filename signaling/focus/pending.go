package focus

import (
	"slices"
	"time"
)

const (
	answerWithin = 15 * time.Second
	maxPending   = 64
)

// request is an IQ that we sent and that has no answer yet.
type request struct {
	id, name string // name is disco or the jingle action
	sid      string
	until    time.Time
}

const requestDisco = "disco"

// pending are the requests without an answer, oldest first.
type pending []request

// add remembers a request. When there are too many, the oldest is forgotten: its answer will be ignored.
func (p *pending) add(r request) {
	if len(*p) == maxPending {
		*p = slices.Delete(*p, 0, 1)
	}
	*p = append(*p, r)
}

// take forgets a request and returns it.
func (p *pending) take(id string) (request, bool) {
	i := slices.IndexFunc(*p, func(r request) bool { return r.id == id })
	if i < 0 {
		return request{}, false
	}
	r := (*p)[i]
	*p = slices.Delete(*p, i, i+1)
	return r, true
}

// expired forgets and returns the requests whose time is over.
func (p *pending) expired(now time.Time) []request {
	var out []request
	for len(*p) > 0 && !(*p)[0].until.After(now) {
		out = append(out, (*p)[0])
		*p = slices.Delete(*p, 0, 1)
	}
	return out
}
