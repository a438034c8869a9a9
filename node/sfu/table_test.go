package sfu

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"weak"

	"pgregory.net/rapid"
)

// Whoever reads a table sees it as it was published, whatever becomes of the receivers, and the last one holds who is a receiver.
func TestTableNeverChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := new(source)
		s.table.Store(&table{})
		type seen struct {
			table *table
			then  []target
		}
		var all []seen
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				s.add(&slot{down: &downlink{p: new(Participant)}})
			},
			"remove": func(t *rapid.T) {
				if len(s.targets) == 0 {
					t.Skip("nobody is there")
				}
				s.remove(s.targets[rapid.IntRange(0, len(s.targets)-1).Draw(t, "which")])
			},
			"publish": func(t *rapid.T) {
				s.publish()
				now := s.table.Load()
				all = append(all, seen{now, slices.Clone(now.targets)})
				if len(now.targets) != len(s.targets) {
					t.Fatalf("%d are published, %d are receivers", len(now.targets), len(s.targets))
				}
				for i, to := range now.targets {
					if to.slot != s.targets[i] || to.down != s.targets[i].down {
						t.Fatalf("another is published at place %d", i)
					}
				}
			},
			"": func(t *rapid.T) {
				for _, a := range all {
					if !slices.Equal(a.table.targets, a.then) {
						t.Fatal("a table has changed")
					}
				}
			},
		})
	})
}

// While many join, every source gets one receiver more with each of them.
func TestTheOthersAreNotWrittenAnew(t *testing.T) {
	s := new(source)
	s.table.Store(&table{})
	anew := func() bool {
		before := s.table.Load().targets
		s.publish()
		now := s.table.Load().targets
		return len(before) == 0 || &before[0] != &now[0]
	}
	times := 0
	for range 200 {
		s.add(&slot{down: &downlink{p: new(Participant)}})
		if anew() {
			times++
		}
	}
	if times > 50 {
		t.Errorf("a table of 200 was written anew %d times", times)
	}
	s.pulls, s.published = append(s.pulls, new(pull)), false
	if anew() || len(s.table.Load().pulls) != 1 {
		t.Errorf("the receivers were written anew for one of %d relays", len(s.table.Load().pulls))
	}
}

// What tables share keeps nobody who is no receiver any more.
func TestATableLetsGoOfWhoIsRemoved(t *testing.T) {
	s := new(source)
	s.table.Store(&table{})
	var gone []weak.Pointer[slot]
	for range 10 {
		s.add(&slot{down: &downlink{p: new(Participant)}})
		gone = append(gone, weak.Make(s.targets[len(s.targets)-1]))
		s.publish()
	}
	for len(s.targets) > 5 {
		s.remove(s.targets[len(s.targets)-1])
		s.publish()
	}
	runtime.GC()
	for i, p := range gone {
		if kept := p.Value() != nil; kept != (i < 5) {
			t.Errorf("receiver %d is kept: %v", i, kept)
		}
	}
	runtime.KeepAlive(s)
}

// For the race detector: packets go by a table while receivers come behind it in the same memory.
func TestTablesAreReadWhileTheyGrow(t *testing.T) {
	s := new(source)
	s.table.Store(&table{})
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for i, to := range s.table.Load().targets {
					if to.slot == nil || to.down != to.slot.down {
						t.Errorf("place %d is empty", i)
						return
					}
				}
			}
		})
	}
	for round := range 200 {
		for range 20 {
			s.add(&slot{down: &downlink{p: new(Participant)}})
			s.publish()
		}
		for range 20 {
			s.remove(s.targets[round%len(s.targets)])
		}
		s.publish()
	}
	close(stop)
	readers.Wait()
}
