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
	if n := allocations(1000, once); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	compound := report(1)
	if n := allocations(1000, func() { l.SendRTCP(compound) }); n != 0 {
		t.Errorf("%v allocations a report", n)
	}
}

func TestReceivingDoesNotAllocate(t *testing.T) {
	for _, rtcp := range []bool{false, true} {
		receiveWithoutAllocating(t, rtcp)
	}
}

func receiveWithoutAllocating(t *testing.T, rtcp bool) {
	t.Helper()
	e := listen(t)
	_, conn, up := rigged(t, e, forwarder{})
	var sealed [][]byte
	for i := range 1100 {
		b, err := up.EncryptRTP(nil, packet(nil, 1, uint16(i)), nil)
		if rtcp {
			b, err = up.EncryptRTCP(nil, report(1), nil)
		}
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
	if n := allocations(10, hundred); n != 0 {
		t.Errorf("RTCP %v: %v allocations in 100 packets", rtcp, n)
	}
}

// allocations is testing.AllocsPerRun, the least of some: the collector takes pooled buffers away now and then, and what earlier tests
// left may still be at work.
func allocations(runs int, f func()) float64 {
	least := testing.AllocsPerRun(runs, f)
	for i := 0; i < 4 && least > 0; i++ {
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	return least
}
