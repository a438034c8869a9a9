package stream

import (
	"testing"

	"pgregory.net/rapid"
)

// The ledger keeps what was sent after the last acknowledgement, across the wrap of the counter.
func TestLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.SampledFrom([]uint32{0, 1, 1<<32 - 3}).Draw(t, "start")
		l := ledger{enabled: true, acked: start, received: start}
		var model []byte // of what was sent and not acknowledged, the first byte
		received := start
		next := byte(0)
		t.Repeat(map[string]func(*rapid.T){
			"give": func(*rapid.T) {
				l.give([]byte{next, 0})
				model = append(model, next)
				next++
			},
			"take": func(*rapid.T) { l.take(); received++ },
			"acknowledge": func(t *rapid.T) {
				n := rapid.IntRange(0, len(model)).Draw(t, "n")
				if err := l.acknowledge(l.acked + uint32(n)); err != nil {
					t.Fatal(err)
				}
				model = model[n:]
			},
			"acknowledge too much": func(t *rapid.T) {
				n := rapid.IntRange(1, 1000).Draw(t, "n")
				before := l.acked
				if err := l.acknowledge(l.acked + uint32(len(model)+n)); err == nil {
					t.Fatal("accepted")
				}
				if err := l.acknowledge(l.acked - uint32(n)); err == nil {
					t.Fatal("went down")
				}
				if l.acked != before {
					t.Fatal("changed")
				}
			},
			"": func(t *rapid.T) {
				if l.received != received || len(l.unacked) != len(model) || l.bytes != 2*len(model) {
					t.Fatalf("received %d, %d unacked with %d bytes; want %d, %d", l.received, len(l.unacked), l.bytes, received, len(model))
				}
				for i, xml := range l.unacked {
					if xml[0] != model[i] {
						t.Fatalf("unacked %d is %d, want %d", i, xml[0], model[i])
					}
				}
			},
		})
	})
}
