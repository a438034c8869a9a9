package wire

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestLane(t *testing.T) {
	each(t, func(t *testing.T, draw func(*rapid.T) Frame) {
		rapid.Check(t, func(t *rapid.T) {
			f := draw(t)
			of := ""
			if v := reflect.ValueOf(f).FieldByName("Room"); v.IsValid() {
				of = v.String()
			}
			if got := RoomOf(f); got != of {
				t.Fatalf("%+v is about %q", f, got)
			}
			want := Lane(Claim{Room: of})
			switch f.(type) {
			case Hello, LinkState:
				want = 0
			case Relayed:
				want = 7
			}
			if got := Lane(f); got != want || of != "" && (got < 1 || got > 6) {
				t.Fatalf("%T about %q takes lane %d, want %d", f, of, got, want)
			}
		})
	})
}

// Lanes are a part of the protocol: two nodes may send about a room in different versions of the program.
func TestLaneIsStable(t *testing.T) {
	for of, want := range map[string]uint8{"demo@conference.example.org": 1, "a": 5, "b": 2} {
		if got := Lane(Claim{Room: of}); got != want {
			t.Errorf("room %q takes lane %d, want %d", of, got, want)
		}
	}
}

func TestLanesAreUsedEvenly(t *testing.T) {
	var used [Lanes]int
	for i := range 6000 {
		used[Lane(Claim{Room: fmt.Sprintf("room%d@conference.example.org", i)})]++
	}
	for lane, n := range used[1:7] {
		if n < 800 || n > 1200 {
			t.Errorf("lane %d has %d of 6000 rooms", lane+1, n)
		}
	}
}
