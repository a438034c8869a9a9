package speaker

import (
	"testing"
	"time"
)

const packet = 20 * time.Millisecond

type room struct {
	d   Detector[string]
	now time.Time
}

// talk lets every speaker of says send a level every 20 ms for the time given. Level 0 means no packet.
func (r *room) talk(length time.Duration, says map[string]uint8) {
	for end := r.now.Add(length); r.now.Before(end); r.now = r.now.Add(packet) {
		for _, who := range []string{"a", "b", "c"} {
			if l := says[who]; l > 0 {
				r.d.Level(who, l, r.now)
			}
		}
		r.d.Tick(r.now)
	}
}

func (r *room) want(t *testing.T, who string) {
	t.Helper()
	if got, _ := r.d.Dominant(); got != who {
		t.Errorf("dominant %q, want %q", got, who)
	}
}

func newRoom() *room { return &room{now: time.UnixMilli(1e12)} }

func TestNobodyBeforeTheFirstDecision(t *testing.T) {
	r := newRoom()
	r.talk(280*time.Millisecond, map[string]uint8{"a": 90})
	r.want(t, "")
	r.talk(40*time.Millisecond, map[string]uint8{"a": 90})
	r.want(t, "a")
}

func TestTurns(t *testing.T) {
	r := newRoom()
	r.talk(time.Second, map[string]uint8{"a": 20, "b": 20, "c": 20})
	r.talk(2*time.Second, map[string]uint8{"a": 100, "b": 20, "c": 20})
	r.want(t, "a")
	r.talk(3*time.Second, map[string]uint8{"a": 100, "b": 127, "c": 20})
	r.want(t, "a") // nobody talks over somebody
	r.talk(time.Second, map[string]uint8{"a": 20, "b": 127, "c": 20})
	r.want(t, "b")
	r.talk(500*time.Millisecond, map[string]uint8{"a": 20, "b": 20, "c": 20})
	r.want(t, "b") // silence changes nothing
	r.talk(1500*time.Millisecond, map[string]uint8{"a": 20, "b": 20, "c": 100})
	r.want(t, "c")
}

func TestMissingLevelsAreSilence(t *testing.T) {
	r := newRoom()
	r.talk(time.Second, map[string]uint8{"a": 20, "b": 20})
	r.talk(2*time.Second, map[string]uint8{"a": 100, "b": 20})
	r.want(t, "a")
	r.talk(1500*time.Millisecond, map[string]uint8{"b": 100}) // a sends nothing at all
	r.want(t, "b")
}

func TestLeavingPassesOn(t *testing.T) {
	r := newRoom()
	r.talk(time.Second, map[string]uint8{"a": 100, "b": 20})
	r.want(t, "a")
	r.d.Remove("a")
	r.want(t, "")
	r.talk(400*time.Millisecond, map[string]uint8{"b": 20})
	r.want(t, "b")
}

func TestStopsAfterSilenceAndWakesUp(t *testing.T) {
	r := newRoom()
	r.talk(time.Second, map[string]uint8{"a": 20, "b": 20})
	r.talk(time.Second, map[string]uint8{"a": 100, "b": 20})
	r.now = r.now.Add(1000 * time.Hour)
	started := time.Now()
	r.d.Tick(r.now)
	if took := time.Since(started); took > time.Second {
		t.Errorf("a thousand hours took %v", took)
	}
	r.want(t, "a")
	r.talk(2*time.Second, map[string]uint8{"b": 100})
	r.want(t, "b")
}

func TestNoiseFloor(t *testing.T) {
	s := &speaker[string]{}
	for _, l := range []uint8{60, 50, 0, 55} {
		s.push(l)
	}
	if s.floor != 50 {
		t.Fatalf("floor %d, want the least level but 0", s.floor)
	}
	s.push(59)
	if s.immediate(0) != 0 {
		t.Error("59 counts above a floor of 50")
	}
	s.push(60)
	if s.immediate(0) != 6 {
		t.Error("60 does not count above a floor of 50")
	}
	s.push(50) // equal to the floor: goes on in the window, which holds 55, 59, 60, 50
	for range window - 5 {
		s.push(98)
	}
	if s.floor != 50 {
		t.Errorf("floor %d before the window is full", s.floor)
	}
	s.push(98)
	if s.floor != 50 { // sqrt(50*50)
		t.Errorf("floor %d after a window with 50", s.floor)
	}
	for range window {
		s.push(98)
	}
	if s.floor != 70 { // sqrt(50*98)
		t.Errorf("floor %d after a window of 98", s.floor)
	}
}

func TestLongSilenceIsForgotten(t *testing.T) {
	r := newRoom()
	r.talk(time.Second, map[string]uint8{"a": 20, "b": 20})
	for range 6 {
		r.talk(time.Second, map[string]uint8{"a": 20})
		r.now = r.now.Add(11 * time.Minute)
	}
	r.talk(time.Second, map[string]uint8{"a": 20})
	if len(r.d.speakers) != 1 || len(r.d.byKey) != 1 {
		t.Errorf("%d speakers are known after an hour, want 1", len(r.d.speakers))
	}
	r.talk(time.Second, map[string]uint8{"a": 20, "b": 20})
	if len(r.d.speakers) != 2 {
		t.Error("somebody who comes back is not known")
	}
}
