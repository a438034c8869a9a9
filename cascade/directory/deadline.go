package directory

import (
	"cmp"
	"container/heap"
	"time"
)

// deadline is when something is due, at most once in an agenda.
type deadline struct {
	at    time.Time
	key   string // orders what is due at the same time
	due   func(now time.Time) []Effect
	index int // in the agenda, from 1; 0: not in it
}

// agenda is all that is due, the next first.
type agenda struct{ list []*deadline }

// set puts d in, or moves it.
func (a *agenda) set(d *deadline, at time.Time) {
	d.at = at
	if d.index == 0 {
		heap.Push(a, d)
		return
	}
	heap.Fix(a, d.index-1)
}

func (a *agenda) remove(d *deadline) {
	if d.index != 0 {
		heap.Remove(a, d.index-1)
	}
}

// next returns when the next is due; the zero time when nothing is.
func (a *agenda) next() time.Time {
	if len(a.list) == 0 {
		return time.Time{}
	}
	return a.list[0].at
}

// tick carries out what is due. What that sets anew lies behind now.
func (a *agenda) tick(now time.Time) (out []Effect) {
	for len(a.list) > 0 && !a.list[0].at.After(now) {
		d := a.list[0]
		a.remove(d)
		out = append(out, d.due(now)...)
	}
	return out
}

// Len, Less, Swap, Push and Pop are those of heap.Interface.
func (a *agenda) Len() int { return len(a.list) }

func (a *agenda) Less(i, j int) bool {
	return cmp.Or(a.list[i].at.Compare(a.list[j].at), cmp.Compare(a.list[i].key, a.list[j].key)) < 0
}

func (a *agenda) Swap(i, j int) {
	a.list[i], a.list[j] = a.list[j], a.list[i]
	a.list[i].index, a.list[j].index = i+1, j+1
}

func (a *agenda) Push(x any) {
	d, _ := x.(*deadline)
	a.list = append(a.list, d)
	d.index = len(a.list)
}

func (a *agenda) Pop() any {
	last := len(a.list) - 1
	d := a.list[last]
	a.list[last] = nil
	a.list, d.index = a.list[:last], 0
	return d
}
