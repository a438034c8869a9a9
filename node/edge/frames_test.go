package edge

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestFramesAreOpenUntilTheirLastPacket(t *testing.T) {
	var f frames
	var a, b part
	step := func(what string, do func(), open bool) {
		t.Helper()
		do()
		if f.open() != open {
			t.Errorf("%s: open %v", what, !open)
		}
	}
	step("at first", f.begin, false)
	step("a packet of its own", func() { f.note(&a, false) }, false)
	step("the first of a frame", func() { f.note(&a, true) }, true)
	step("the second", func() { f.note(&a, true) }, true)
	step("another's first", func() { f.note(&b, true) }, true)
	step("the last", func() { f.note(&a, false) }, true)
	step("the other's last", func() { f.note(&b, false) }, false)
	step("the first of a frame", func() { f.note(&a, true) }, true)
	step("a new batch", f.begin, false)
	step("the last of the frame from before", func() { f.note(&a, false) }, false)
	step("the first of another", func() { f.note(&b, true) }, true)
}

// half is a Receiver that always expects more, and forwards.
type half struct {
	forwarder
	to *Leg
}

func (h *half) RTP(b []byte, _ time.Time) bool {
	_ = h.to.SendRTP(append(h.to.Buffer(), b...))
	return true
}

// Packets of a frame whose end does not come leave all the same.
func TestAFrameWithoutEndIsSent(t *testing.T) {
	e := listen(t)
	to, out, _ := rigged(t, e, forwarder{})
	_, in, up := rigged(t, e, &half{to: to})
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
}
