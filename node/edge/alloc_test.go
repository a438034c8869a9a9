//go:build !race

package edge

import (
	"testing"
	"time"
)

func TestSendingDoesNotAllocate(t *testing.T) {
	e := listen(t)
	l, _, _ := rigged(t, e, forwarder{})
	seq := uint16(0)
	once := func() {
		seq++
		if err := l.SendRTP(packet(l.Buffer(), 1, seq)); err != nil {
			t.Fatal(err)
		}
	}
	once()
	if n := testing.AllocsPerRun(1000, once); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	compound := report(1)
	if n := testing.AllocsPerRun(1000, func() { l.SendRTCP(compound) }); n > 1 {
		t.Errorf("%v allocations a report", n)
	}
}

func TestReceivingDoesNotAllocate(t *testing.T) {
	e := listen(t)
	got := 0
	_, conn, up := rigged(t, e, forwarder{func([]byte) { got++ }})
	var sealed [][]byte
	for i := range 1100 {
		b, err := up.EncryptRTP(nil, packet(nil, 1, uint16(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, b)
	}
	i := 0
	hundred := func() {
		for range 100 {
			conn.Write(sealed[i])
			i++
		}
		for e.stats.received.Load() < uint64(i) {
			time.Sleep(50 * time.Microsecond)
		}
	}
	// AllocsPerRun runs once more than it is told, and rounds down.
	if n := testing.AllocsPerRun(10, hundred); n != 0 {
		t.Errorf("%v allocations in 100 packets", n)
	}
	if got != i {
		t.Errorf("%d packets came, want %d", got, i)
	}
}
