package speaker

import (
	"math"
	"slices"
	"time"
)

const (
	levels    = 50
	blocks    = 10
	perBlock  = levels / blocks
	subBand   = 10
	fullImm   = 7 // an immediate above it counts as active
	fullMed   = 4 // a medium above it counts as active
	window    = 750
	idle      = 40 * time.Millisecond
	interval  = 300 * time.Millisecond
	stopAfter = 15 * time.Second
	forget    = 60 * time.Minute
)

type speaker[K comparable] struct {
	key      K
	levels   [levels]uint8 // ring; newest at newest
	newest   int
	heard    time.Time // of the last level that came
	floor    uint8
	least    uint8 // of the window, 0 when it is empty
	inWindow int
}

// level returns the i-th newest level.
func (s *speaker[K]) level(i int) uint8 { return s.levels[(s.newest+levels-i)%levels] }

func (s *speaker[K]) push(level uint8) {
	s.newest = (s.newest + 1) % levels
	s.levels[s.newest] = level
	if level == 0 {
		return
	}
	if s.floor == 0 || level < s.floor {
		s.floor, s.least, s.inWindow = level, 0, 0
		return
	}
	if s.least == 0 || level < s.least {
		s.least = level
	}
	s.inWindow++
	if s.inWindow >= window {
		s.floor = uint8(math.Sqrt(float64(s.floor) * float64(s.least)))
		s.least, s.inWindow = 0, 0
	}
}

func (s *speaker[K]) immediate(i int) uint8 {
	l := s.level(i)
	if l < s.floor+subBand {
		return 0
	}
	return l / subBand
}

func (s *speaker[K]) medium(j int) int {
	n := 0
	for i := j * perBlock; i < (j+1)*perBlock; i++ {
		if s.immediate(i) > fullImm {
			n++
		}
	}
	return n
}

func (s *speaker[K]) long() int {
	n := 0
	for j := range blocks {
		if s.medium(j) > fullMed {
			n++
		}
	}
	return n
}

// Detector is the engine of one room. K names a speaker. The zero value is ready to use.
type Detector[K comparable] struct {
	speakers []*speaker[K] // in order of their first level
	byKey    map[K]*speaker[K]
	dominant *speaker[K]
	fill     time.Time // next time that missing levels are filled in
	decide   time.Time // next decision
	heard    time.Time // of the last level of anybody
}

// Level takes note of the level of a speaker, 0 (silent) to 127 (loud), at the time at. It decides whatever was due
// before at.
func (d *Detector[K]) Level(key K, level uint8, at time.Time) {
	if d.heard.IsZero() || at.Sub(d.heard) > stopAfter {
		d.fill, d.decide = at.Add(idle), at.Add(interval)
	} else {
		d.Tick(at)
	}
	d.heard = at
	s := d.byKey[key]
	if s == nil {
		s = d.add(key)
	}
	if at.Before(s.heard) {
		return
	}
	s.heard = at
	s.push(min(level, 127))
}

func (d *Detector[K]) add(key K) *speaker[K] {
	if d.byKey == nil {
		d.byKey = map[K]*speaker[K]{}
	}
	s := &speaker[K]{key: key}
	d.byKey[key] = s
	d.speakers = append(d.speakers, s)
	return s
}

// Remove forgets a speaker who left.
func (d *Detector[K]) Remove(key K) {
	s := d.byKey[key]
	if s == nil {
		return
	}
	delete(d.byKey, key)
	d.speakers = slices.DeleteFunc(d.speakers, func(o *speaker[K]) bool { return o == s })
	if d.dominant == s {
		d.dominant = nil
	}
}

// Tick does what is due at now: fills in missing levels and decides.
func (d *Detector[K]) Tick(now time.Time) {
	if d.heard.IsZero() {
		return
	}
	for stop := d.heard.Add(stopAfter); ; {
		next := d.fill
		if d.decide.Before(next) {
			next = d.decide
		}
		if next.After(now) || next.After(stop) {
			break
		}
		if next.Equal(d.fill) {
			d.fillIn(next)
			d.fill = d.fill.Add(idle)
		}
		if next.Equal(d.decide) {
			d.compete()
			d.decide = d.decide.Add(interval)
		}
	}
}

func (d *Detector[K]) fillIn(at time.Time) {
	gone := func(s *speaker[K]) bool { return at.Sub(s.heard) > forget && s != d.dominant }
	for _, s := range d.speakers {
		switch {
		case gone(s):
			delete(d.byKey, s.key)
		case at.Sub(s.heard) > idle:
			s.push(0)
		}
	}
	d.speakers = slices.DeleteFunc(d.speakers, gone)
}

func (d *Detector[K]) compete() {
	if len(d.speakers) == 0 {
		return
	}
	if d.dominant == nil {
		d.dominant = d.speakers[0]
	}
	if len(d.speakers) == 1 {
		d.dominant = d.speakers[0]
		return
	}
	old := d.dominant
	if old.immediate(0) > 3 || old.medium(0) > 0 {
		return
	}
	long := old.long()
	var winner *speaker[K]
	best := 0
	for _, c := range d.speakers {
		if c == old || c.immediate(0) < 4 {
			continue
		}
		if m := c.medium(0); m >= 1 && m > best && c.long() > long {
			winner, best = c, m
		}
	}
	if winner != nil {
		d.dominant = winner
	}
}

// Dominant returns the dominant speaker, and false when there is none yet.
func (d *Detector[K]) Dominant() (K, bool) {
	if d.dominant == nil {
		var none K
		return none, false
	}
	return d.dominant.key, true
}
