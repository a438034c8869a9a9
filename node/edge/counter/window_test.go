package counter

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// A window must agree with a plain set of indices, whatever the order, across wraps.
func TestWindowAgreesWithASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w Window
		seen := map[uint64]bool{}
		at := rapid.Uint64Range(0, 3*65536).Draw(t, "start")
		if at > 0 {
			w = Resume(at, [8]uint64{1})
			seen[at] = true
		}
		highest := at
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			index := highest + rapid.Uint64Range(0, 700).Draw(t, "ahead")
			index -= min(index, rapid.Uint64Range(0, 600).Draw(t, "back"))
			want := !seen[index] && (index > highest || highest-index < Size)
			if len(seen) == 0 {
				want = true
			}
			if got := w.Fresh(index); got != want {
				t.Fatalf("index %d, highest %d: fresh %v, want %v", index, highest, got, want)
			}
			if want {
				w.Mark(index)
				seen[index] = true
				if index > highest || len(seen) == 1 {
					highest = index
				}
			}
			if w.Highest != highest && len(seen) > 0 {
				t.Fatalf("highest %d, want %d", w.Highest, highest)
			}
		}
	})
}

// What a sender numbers is found again by a receiver that sees the packets late and out of order, also when both are
// exported and restored in between.
func TestIndexSurvivesWrapReorderingAndMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent, received := NewRTP(4), NewRTP(4)
		const ssrc = 7
		next := rapid.Uint64Range(0, 2*65536).Draw(t, "start")
		if next > 32768 { // a stream that is not new
			for _, table := range []*RTP{sent, received} {
				if err := table.Restore(ssrc, Resume(next-1, [8]uint64{})); err != nil {
					t.Fatal(err)
				}
			}
		}
		type packet struct {
			seq   uint16
			index uint64
		}
		var flying []packet
		for range rapid.IntRange(10, 300).Draw(t, "packets") {
			next += rapid.Uint64Range(1, 300).Draw(t, "step")
			p, err := sent.Check(ssrc, uint16(next))
			if err != nil {
				t.Fatal(err)
			}
			if p.Index != next && p.Known() {
				t.Fatalf("sent index %d, want %d", p.Index, next)
			}
			next = p.Index
			sent.Accept(p)
			flying = append(flying, packet{uint16(next), next})
			if len(flying) > 1 {
				i := rapid.IntRange(0, len(flying)-1).Draw(t, "which")
				got, err := received.Check(ssrc, flying[i].seq)
				if err == nil {
					if got.Index != flying[i].index && got.Known() {
						t.Fatalf("received index %d, want %d", got.Index, flying[i].index)
					}
					received.Accept(got)
				}
				flying = append(flying[:i], flying[i+1:]...)
				if len(flying) > 3 {
					flying = flying[1:]
				}
			}
			if rapid.IntRange(0, 20).Draw(t, "move") == 0 {
				sent, received = moved(t, sent), moved(t, received)
			}
		}
	})
}

func moved(t *rapid.T, from *RTP) *RTP {
	to := NewRTP(4)
	for ssrc, w := range from.All() {
		if err := to.Restore(ssrc, Resume(w.Highest, w.Seen)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestIndexAtTheFirstWrap(t *testing.T) {
	w := Resume(65534, [8]uint64{1})
	for _, c := range []struct {
		seq  uint16
		want uint64
	}{{65535, 65535}, {0, 65536}, {3, 65539}, {65530, 65530}} {
		if got := w.Index(c.seq); got != c.want {
			t.Errorf("seq %d: index %d, want %d", c.seq, got, c.want)
		}
	}
	w.Mark(65537)
	if got := w.Index(65535); got != 65535 {
		t.Errorf("a packet from before the wrap: index %d, want 65535", got)
	}
}

func TestNothingIsUsedTwice(t *testing.T) {
	table := NewRTP(1)
	p, err := table.Check(1, 10)
	if err != nil {
		t.Fatal(err)
	}
	table.Accept(p)
	if _, err := table.Check(1, 10); !errors.Is(err, ErrUsed) {
		t.Errorf("same packet again: %v", err)
	}
	if _, err := table.Check(2, 10); !errors.Is(err, ErrFull) {
		t.Errorf("one SSRC too many: %v", err)
	}
	table.Restore(1, Resume(maxIndex, [8]uint64{}))
	if _, err := table.Check(1, 0); !errors.Is(err, ErrExhausted) {
		t.Errorf("after the last index: %v", err)
	}
}
