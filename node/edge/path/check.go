package path

import (
	"encoding/binary"
	"time"
)

// run does everything that is due.
func (p *Path) run(now time.Time) {
	if p.lost {
		return
	}
	for i := len(p.pairs) - 1; i >= 0; i-- {
		if q := p.pairs[i]; q != p.selected && q != p.nominating && now.Sub(q.heard) > Consent {
			p.drop(i)
		}
	}
	if !p.switches.Check || p.base.IsZero() {
		return
	}
	if now.Sub(p.base) >= Consent {
		p.lost = true
		p.event(Lost, Pair{})
		return
	}
	p.choose(now)
	for _, q := range p.pairs {
		if !q.next.IsZero() && !now.Before(q.next) {
			p.check(now, q)
		}
	}
}

// choose decides whether another pair is to be nominated.
func (p *Path) choose(now time.Time) {
	if !p.doubted.IsZero() && now.Sub(p.doubted) >= doubtTime {
		if p.selected != nil && p.selected.answered.Before(p.doubted) {
			p.selected.doubtful = true
		}
		p.doubted = time.Time{}
	}
	if !p.switches.Nominate || p.controlled {
		return
	}
	best := p.best(now)
	if best == nil {
		return
	}
	current := p.nominating
	if current == nil {
		current = p.selected
	}
	if current == nil || best != current && (best.priority > current.priority || !current.alive(now)) {
		p.nominate(now, best)
	}
}

func (p *Path) nominate(now time.Time, q *pair) {
	p.nominating = q
	q.attempts, q.next = 0, now
}

// doubt puts the selected pair in question.
func (p *Path) doubt(now time.Time) {
	if !p.doubted.IsZero() || p.selected.doubtful {
		return
	}
	p.doubted = now
	p.selected.next = now
}

// check sends one check and plans the next.
func (p *Path) check(now time.Time, q *pair) {
	if q.attempts >= maxChecks && !q.valid {
		q.next = time.Time{}
		return
	}
	if p.switches.Nominate && !p.controlled && p.selected == nil && p.nominating == nil {
		p.nominating = q
	}
	t := &q.sent[q.head]
	q.head = (q.head + 1) % remembered
	binary.BigEndian.PutUint64(t.id[:], p.random())
	binary.BigEndian.PutUint32(t.id[8:], uint32(p.random()))
	t.nominates = q == p.nominating
	t.controls = !p.controlled
	p.sendRequest(q, t)
	q.attempts++
	q.last = now
	q.next = now.Add(q.pause(t.nominates))
}

// pause is how long to wait for an answer before the next check.
func (q *pair) pause(nominating bool) time.Duration {
	switch {
	case nominating && q.attempts <= fastChecks:
		return fastInterval
	case q.valid:
		return retryInterval
	case q.attempts < fastChecks:
		return fastInterval
	case q.attempts < slowChecks:
		return slowInterval
	}
	return slowestInterval
}

// settle plans the check after an answered one.
func (p *Path) settle(now time.Time, q *pair) {
	interval := idleInterval
	if q == p.selected {
		interval = consentInterval
	}
	q.attempts = 0
	q.next = now.Add(interval*8/10 + time.Duration(p.random()%uint64(interval*4/10)))
}

// Next is when Tick has something to do at the latest. The zero time: never, unless something comes in.
func (p *Path) Next() time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	if p.lost {
		return next
	}
	checking := p.switches.Check && !p.base.IsZero()
	for _, q := range p.pairs {
		if checking {
			sooner(q.next)
		}
		if q != p.selected && q != p.nominating {
			sooner(q.heard.Add(Consent + 1))
		}
	}
	if checking {
		sooner(p.base.Add(Consent))
		if !p.doubted.IsZero() {
			sooner(p.doubted.Add(doubtTime))
		}
		if p.selected != nil && len(p.pairs) > 1 && p.selected.valid && !p.selected.doubtful {
			sooner(p.selected.answered.Add(aliveTime + 1))
		}
	}
	return next
}
