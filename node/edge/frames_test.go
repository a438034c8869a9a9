package edge

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestFramesAreOpenUntilTheirLastPacket(t *testing.T) {
	var f frames
	a, b := &flushed{}, &flushed{}
	la, lb := &Leg{receiver: a}, &Leg{receiver: b}
	step := func(what string, do func(), open bool, times ...int) {
		t.Helper()
		do()
		if f.open() != open {
			t.Errorf("%s: open %v", what, !open)
		}
		if a.times != times[0] || b.times != times[1] {
			t.Errorf("%s: flushed %d and %d times, want %v", what, a.times, b.times, times)
		}
	}
	note := func(l *Leg, more, ends bool) func() {
		return func() {
			t.Helper()
			if f.note(l, more) != ends {
				t.Errorf("it is said that the frame will be ended: %v", !ends)
			}
		}
	}
	step("outside a batch", note(la, true, false), false, 0, 0)
	step("at first", f.begin, false, 0, 0)
	step("a packet of its own", note(la, false, true), false, 0, 0)
	step("the first of a frame", note(la, true, true), true, 0, 0)
	step("the second", note(la, true, true), true, 0, 0)
	step("another's first", note(lb, true, true), true, 0, 0)
	step("the last", note(la, false, true), true, 0, 0)
	step("the other's last", note(lb, false, true), false, 0, 0)
	step("the first of a frame", note(la, true, true), true, 0, 0)
	step("its last", note(la, false, true), false, 0, 0)
	step("the first of a frame", note(la, true, true), true, 0, 0)
	step("the end", f.end, false, 1, 0)
	step("another batch", f.begin, false, 1, 0)
	step("the last of the frame from before", note(la, false, true), false, 1, 0)
	step("the first of another", note(lb, true, true), true, 1, 0)
	step("the end", f.end, false, 1, 1)
	step("the end of nothing", func() { f.begin(); f.end() }, false, 1, 1)
}

// flushed is a Receiver that counts how often it was flushed.
type flushed struct {
	forwarder
	times int
}

func (f *flushed) Flush() { f.times++ }

// half is a Receiver that always expects more, and sends all when no more comes.
type half struct {
	forwarder
	to   *Leg
	kept [][]byte
}

func (h *half) RTP(b []byte, _ time.Time) bool {
	h.kept = append(h.kept, append(h.to.Buffer(), b...))
	return true
}

func (h *half) Flush() {
	_ = h.to.SendRTP(h.kept...)
	h.kept = nil
}

// Packets of a frame whose end does not come leave all the same.
func TestAFrameWithoutEndIsSent(t *testing.T) {
	e := listen(t)
	to, out, _ := rigged(t, e, forwarder{})
	from, in, up := rigged(t, e, &half{to: to})
	out.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2000)
	for i := range 5 {
		sealed, err := up.EncryptRTP(nil, packet(nil, 1, uint16(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(sealed)
		if _, err := out.Read(b); err != nil {
			t.Fatal(err)
		}
		if seq := binary.BigEndian.Uint16(b[2:]); seq != uint16(i) {
			t.Errorf("packet %d came as %d", i, seq)
		}
	}
	// Also when it did not come over the socket.
	for i := range 5 {
		sealed, err := up.EncryptRTP(nil, packet(nil, 1, uint16(5+i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !from.Deliver(sealed) {
			t.Fatal("not taken")
		}
		if _, err := out.Read(b); err != nil {
			t.Fatal(err)
		}
	}
}
