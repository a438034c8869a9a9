package hostile

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"testing"

	"github.com/pion/stun/v4"
)

// TestDatagrams: whatever comes to the media port without a session is dropped, counted by what it looked like, and never
// answered.
func TestDatagrams(t *testing.T) {
	t.Parallel()
	n := serve(t)
	conn, err := net.Dial("udp", n.media)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	noise := func(first byte, size int) []byte {
		b := make([]byte, size)
		_, _ = rand.Read(b)
		if size > 0 {
			b[0] = first
		}
		return b
	}
	record := func(kind byte, body []byte) []byte { // DTLS 1.2, epoch 0
		b := append([]byte{kind, 0xfe, 0xfd}, make([]byte, 10)...)
		binary.BigEndian.PutUint16(b[11:], uint16(len(body)))
		return append(b, body...)
	}
	binding := func(setters ...stun.Setter) []byte {
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, setters...)...)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	truncated := binding(stun.NewUsername("a:b"))
	for reason, datagrams := range map[string][][]byte{
		"garbage": {{}, noise(64, 100), noise(100, 1200), noise(4, 50), noise(200, 1472), noise(255, 9000), []byte("GET / HTTP/1.1\r\n\r\n")},
		"stun": {
			noise(0, 1), noise(0, 20), noise(1, 100), noise(3, 1472),
			{0, 1},
			truncated[:21],
			binding(), binding(stun.NewUsername("nobody:x")), binding(stun.NewUsername(""), stun.Fingerprint),
			binding(stun.NewUsername("nobody:x"), stun.NewShortTermIntegrity("guess"), stun.Fingerprint),
		},
		"dtls": {
			noise(20, 100), noise(22, 1), noise(63, 1472), record(22, []byte{1, 0, 0, 0}),
			record(22, noise(1, 200)), record(21, []byte{2, 40}), record(23, []byte("hello")),
		},
		"srtp": {noise(128, 12), noise(0x90, 1200), noise(191, 1), {0x80, 200, 0, 1}, {0x80}, noise(0x80, 1472)},
	} {
		name := `atoll_media_dropped_total{reason="` + reason + `"}`
		before := n.metric(name)
		const rounds = 20
		for range rounds {
			for _, d := range datagrams {
				if _, err := conn.Write(d); err != nil {
					t.Fatal(err)
				}
			}
		}
		n.reaches(name, before+float64(rounds*len(datagrams)))
		if got := n.metric(name) - before; got != float64(rounds*len(datagrams)) {
			t.Errorf("%s: %v counted of %d", reason, got, rounds*len(datagrams))
		}
	}
	if got := n.metric("atoll_media_sent_packets_total"); got != 0 {
		t.Errorf("%v answers", got)
	}
	n.works()
}
