package counter

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestSentRTCPNeverRepeats(t *testing.T) {
	sent := NewSentRTCP(2)
	seen := map[uint32]bool{}
	for i := range 10 {
		index, err := sent.Next(5)
		if err != nil || seen[index] || index == 0 {
			t.Fatalf("index %d, %v", index, err)
		}
		seen[index] = true
		if i == 4 {
			to := NewSentRTCP(2)
			for ssrc, next := range sent.All() {
				to.Restore(ssrc, next)
			}
			sent = to
		}
	}
	sent.Restore(5, maxRTCP+1)
	if _, err := sent.Next(5); !errors.Is(err, ErrExhausted) {
		t.Errorf("after the last index: %v", err)
	}
	sent.Next(6)
	if _, err := sent.Next(7); !errors.Is(err, ErrFull) {
		t.Errorf("one SSRC too many: %v", err)
	}
}

func TestReceivedRTCPAgreesWithASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := NewReceivedRTCP(1)
		seen := map[uint32]bool{}
		var highest uint32
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			index := highest + rapid.Uint32Range(0, 90).Draw(t, "ahead")
			index -= min(index, rapid.Uint32Range(0, 80).Draw(t, "back"))
			want := len(seen) == 0 || !seen[index] && (index > highest || highest-index < 64)
			if got := table.Check(1, index) == nil; got != want {
				t.Fatalf("index %d, highest %d: %v, want %v", index, highest, got, want)
			}
			if want {
				table.Accept(1, index)
				highest = max(highest, index)
				seen[index] = true
			}
			if rapid.IntRange(0, 20).Draw(t, "move") == 0 {
				to := NewReceivedRTCP(1)
				for ssrc, w := range table.All() {
					to.Restore(ssrc, w)
				}
				table = to
			}
		}
	})
}
