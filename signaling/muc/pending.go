package muc

import (
	"container/list"
	"time"
)

// route is a relayed IQ request: who asked whom, under which id.
type route struct{ requester, responder, id string }

// pending remembers the relayed requests that have no answer yet, oldest first.
type pending struct {
	limits Limits
	order  *list.List // of waiting
	routes map[route]*list.Element
	each   map[string]int // by requester
}

type waiting struct {
	route
	until time.Time
}

func newPending(l Limits) pending {
	return pending{limits: l, order: list.New(), routes: make(map[route]*list.Element), each: make(map[string]int)}
}

// add remembers a request. It returns false when there are too many.
func (p *pending) add(now time.Time, r route) bool {
	p.expire(now)
	if e := p.routes[r]; e != nil {
		p.drop(e)
	}
	if p.order.Len() >= p.limits.Pending || p.each[r.requester] >= p.limits.PendingEach {
		return false
	}
	p.routes[r] = p.order.PushBack(waiting{r, now.Add(p.limits.PendingTimeout)})
	p.each[r.requester]++
	return true
}

// take forgets a request and returns whether it was waiting.
func (p *pending) take(now time.Time, r route) bool {
	p.expire(now)
	e := p.routes[r]
	if e == nil {
		return false
	}
	p.drop(e)
	return true
}

// forget drops what the occupant asked or was asked and returns the latter, oldest first.
func (p *pending) forget(now time.Time, nick string) []route {
	p.expire(now)
	var lost []route
	for e := p.order.Front(); e != nil; {
		w, next := e.Value.(waiting), e.Next()
		if w.requester == nick || w.responder == nick {
			p.drop(e)
			if w.responder == nick {
				lost = append(lost, w.route)
			}
		}
		e = next
	}
	return lost
}

func (p *pending) expire(now time.Time) {
	for e := p.order.Front(); e != nil && !e.Value.(waiting).until.After(now); e = p.order.Front() {
		p.drop(e)
	}
}

func (p *pending) drop(e *list.Element) {
	w := p.order.Remove(e).(waiting)
	delete(p.routes, w.route)
	if p.each[w.requester]--; p.each[w.requester] == 0 {
		delete(p.each, w.requester)
	}
}
