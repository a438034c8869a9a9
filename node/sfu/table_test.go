package sfu

import (
	"slices"
	"testing"

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
