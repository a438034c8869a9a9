package plan

import "time"

// When who moves.
const (
	mostAtOnce = 32                     // under way from a node
	rounds     = 6                      // in which a room with media moves
	turnTime   = 400 * time.Millisecond // after which it is the next one's turn in any case
	AgainTime  = time.Second            // after a move that did not work
	LostTime   = 3 * time.Second        // that a client whose socket is lost may take to come back
)

// Leaver is somebody who is to leave a node.
type Leaver[K comparable] struct {
	Who   K
	Room  string
	Media bool // it has a media session
	Lost  bool // its socket is lost
}

// Turns says whose turn it is to leave a node that is emptied: those of a room who have media one after the other, since each has all
// others' pictures take another way, and the browsers of one office may share a machine. Of many in a room a sixth goes at once.
// Who takes long holds up nobody: it waits for a client that does not know what to do. Rooms do not wait for each other. Not safe
// for concurrent use.
type Turns[K comparable] struct {
	under  map[K]turn
	failed map[K]time.Time // when
	lost   map[K]time.Time // since when
}

// turn is a move under way.
type turn struct {
	room  string // "": without media
	since time.Time
}

// NewTurns returns turns that nobody has.
func NewTurns[K comparable]() *Turns[K] {
	return &Turns[K]{under: make(map[K]turn), failed: make(map[K]time.Time), lost: make(map[K]time.Time)}
}

// Next returns who of all that are still here begins to move now.
func (t *Turns[K]) Next(now time.Time, all []Leaver[K]) []K {
	room := make(map[string]int) // how many more may go at once
	for _, l := range all {
		if l.Media {
			room[l.Room]++
		}
	}
	for name, n := range room {
		room[name] = (n + rounds - 1) / rounds
	}
	for _, u := range t.under {
		if u.room != "" && now.Sub(u.since) < turnTime {
			room[u.room]--
		}
	}
	var next []K
	for _, l := range all {
		if len(t.under) >= mostAtOnce {
			break
		}
		if !t.ready(now, l) || l.Media && room[l.Room] <= 0 {
			continue
		}
		begun := turn{since: now}
		if l.Media {
			room[l.Room]--
			begun.room = l.Room
		}
		t.under[l.Who] = begun
		next = append(next, l.Who)
	}
	return next
}

// ready reports whether somebody can be moved now.
func (t *Turns[K]) ready(now time.Time, l Leaver[K]) bool {
	if _, busy := t.under[l.Who]; busy {
		return false
	}
	if !l.Lost {
		delete(t.lost, l.Who)
	} else if l.Media { // when its client is back in time nothing is lost
		since, ok := t.lost[l.Who]
		if !ok {
			t.lost[l.Who] = now
		}
		if !ok || now.Sub(since) < LostTime {
			return false
		}
	}
	at, ok := t.failed[l.Who]
	return !ok || now.Sub(at) >= AgainTime
}

// Over says how somebody's move ended.
func (t *Turns[K]) Over(now time.Time, who K, outcome Outcome) {
	delete(t.under, who)
	delete(t.failed, who)
	if outcome == Stayed || outcome == Gone {
		t.failed[who] = now
	}
}
