package path

import (
	"slices"
	"time"

	"github.com/pion/stun/v4"
)

// remembered is how many checks of a pair can still be answered.
const remembered = 16

type transaction struct {
	id        [stun.TransactionIDSize]byte
	nominates bool
	controls  bool // the role we claimed
}

type pair struct {
	Pair
	priority uint32 // the peer's
	ufrag    string // in whose name it was opened

	valid    bool
	chosen   bool      // the peer set USE-CANDIDATE (only when it controls)
	doubtful bool      // did not answer when it was put in question
	opened   time.Time // first check of the peer
	heard    time.Time // last authenticated packet
	answered time.Time // last answer to one of our checks

	next     time.Time // when the next check is due, zero: never
	last     time.Time // when the last one was sent
	attempts int       // checks since the last answer
	sent     [remembered]transaction
	head     int
}

// renew makes the pair unproven again.
func (q *pair) renew(now time.Time) {
	q.valid, q.chosen, q.doubtful, q.attempts, q.next = false, false, false, 0, now
	q.answered = time.Time{}
	q.sent = [remembered]transaction{}
}

// alive reports whether the pair answered lately.
func (q *pair) alive(now time.Time) bool {
	return q.valid && !q.doubtful && now.Sub(q.answered) <= aliveTime
}

func (p *Path) find(at Pair) *pair {
	for _, q := range p.pairs {
		if q.Pair == at {
			return q
		}
	}
	return nil
}

// open remembers a new pair and makes room for it.
func (p *Path) open(now time.Time, at Pair, ufrag string) *pair {
	if len(p.pairs) >= MaxPairs {
		victim := -1
		for i, q := range p.pairs {
			if q == p.selected || q == p.nominating {
				continue
			}
			if victim < 0 || older(q, p.pairs[victim]) {
				victim = i
			}
		}
		p.drop(victim)
	}
	q := &pair{Pair: at, ufrag: ufrag, opened: now, heard: now, next: now}
	p.pairs = append(p.pairs, q)
	p.event(Opened, at)
	if p.selected != nil {
		p.doubt(now)
	}
	return q
}

// older reports whether a is to go before b: those that never answered go first.
func older(a, b *pair) bool {
	if a.valid != b.valid {
		return b.valid
	}
	return a.heard.Before(b.heard)
}

func (p *Path) drop(i int) {
	q := p.pairs[i]
	p.pairs = slices.Delete(p.pairs, i, i+1)
	if q == p.selected {
		p.selected = nil
	}
	if q == p.nominating {
		p.nominating = nil
	}
	p.event(Dropped, q.Pair)
}

// best is the pair of highest priority among those that answered lately, the oldest among equals.
func (p *Path) best(now time.Time) *pair {
	var best *pair
	for _, q := range p.pairs {
		if q.alive(now) && (best == nil || q.priority > best.priority) {
			best = q
		}
	}
	return best
}
