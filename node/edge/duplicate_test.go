package edge

import (
	"bytes"
	"testing"
	"time"
)

// kept is a Pipe that keeps what it is sent.
type kept struct{ packets [][]byte }

func (k *kept) Send(b []byte) error {
	k.packets = append(k.packets, bytes.Clone(b))
	return nil
}

// While a client changes its path it gets the same sealed packets over both ways.
func TestBothWaysCarryTheSamePackets(t *testing.T) {
	e := listen(t)
	l, conn, _ := rigged(t, e, forwarder{})
	other := &kept{}
	l.Duplicate(other)
	send := func(seq uint16) {
		if err := l.SendRTP(packet(l.Buffer(), 1, seq)); err != nil {
			t.Fatal(err)
		}
	}
	send(1)
	send(2)
	l.Duplicate(nil)
	send(3)
	conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2000)
	for i := range 3 {
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if i < 2 && (len(other.packets) != 2 || !bytes.Equal(b[:n], other.packets[i])) {
			t.Errorf("packet %d: %d went the other way, or another", i, len(other.packets))
		}
	}
}
