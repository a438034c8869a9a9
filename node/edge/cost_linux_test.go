//go:build linux && !race

package edge

import (
	"encoding/binary"
	"fmt"
	"net"
	"testing"

	"github.com/pion/srtp/v3"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

// keyed returns both ends of a key.
func keyed(t testing.TB) (*sealer, *opener) {
	t.Helper()
	const profile = srtp.ProtectionProfileAeadAes128Gcm
	key, salt := make([]byte, 16), make([]byte, 12)
	seal, err := newSealer(key, salt, profile)
	if err != nil {
		t.Fatal(err)
	}
	open, err := newOpener(key, salt, profile)
	if err != nil {
		t.Fatal(err)
	}
	return seal, open
}

// BenchmarkSealInPlace is numbering and sealing of 1100 bytes without anything around it.
func BenchmarkSealInPlace(b *testing.B) {
	seal, _ := keyed(b)
	buf := make([]byte, 1100, bufferSize)
	buf[0], buf[1] = 0x80, 100
	seq := uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		seq++
		binary.BigEndian.PutUint16(buf[2:], seq)
		if _, err := seal.sealRTP(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is the replay check and opening of 1100 bytes; half of it is making the next one.
func BenchmarkOpen(b *testing.B) {
	seal, open := keyed(b)
	buf := make([]byte, 1100, bufferSize)
	seq := uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		seq++
		buf[0], buf[1] = 0x80, 100
		binary.BigEndian.PutUint16(buf[2:], seq)
		sealed, err := seal.sealRTP(buf)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := open.openRTP(sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func TestOpeningDoesNotAllocate(t *testing.T) {
	seal, open := keyed(t)
	buf := make([]byte, 1100, bufferSize)
	seq := uint16(0)
	once := func() {
		seq++
		buf[0], buf[1] = 0x80, 100
		binary.BigEndian.PutUint16(buf[2:], seq)
		sealed, err := seal.sealRTP(buf)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := open.openRTP(sealed); err != nil {
			t.Fatal(err)
		}
	}
	once()
	if n := allocations(1000, once); n != 0 {
		t.Errorf("%v allocations to seal and open a packet", n)
	}
}

// BenchmarkSendRun sends packets that are sealed already to 50 clients that do not read: singly, and in runs that the kernel cuts up.
func BenchmarkSendRun(b *testing.B) {
	for _, length := range []int{1, 3, 6, 10} {
		b.Run(fmt.Sprintf("length=%d", length), func(b *testing.B) {
			listening, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				b.Fatal(err)
			}
			sock, err := newSocket(listening)
			if err != nil {
				b.Fatal(err)
			}
			defer sock.close()
			tx := sock.newSender()
			defer tx.close()
			var routes []*route
			for range 50 {
				conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				conn.SetReadBuffer(4096)
				routes = append(routes, sock.newRoute(path.Pair{Remote: conn.LocalAddr().(*net.UDPAddr).AddrPort()}))
			}
			packet := make([]byte, 1116)
			b.ReportAllocs()
			for b.Loop() {
				for _, r := range routes {
					for range length {
						if tx.full() {
							tx.send()
						}
						tx.push(r, packet)
					}
				}
				tx.send()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(routes)*length), "ns/packet")
		})
	}
}

// A frame to many clients in one batch: numbered, levelled, sealed and sent without allocating.
func TestSendingFramesDoesNotAllocate(t *testing.T) {
	e := listen(t)
	var legs []*Leg
	for range 10 {
		l, conn, _ := rigged(t, e, forwarder{})
		conn.SetReadBuffer(4096)
		legs = append(legs, l)
	}
	seq := uint16(0)
	frame := func() {
		e.out.hold()
		for range 6 {
			seq++
			for _, l := range legs {
				b := append(l.Buffer(), make([]byte, 1000+seq%2)...)
				b[0], b[1], b[11] = 0x80, 100, 1
				binary.BigEndian.PutUint16(b[2:], seq)
				if err := l.SendRTP(b); err != nil {
					t.Fatal(err)
				}
			}
		}
		e.out.release()
	}
	for range 50 {
		frame() // the lists grow to their size
	}
	if n := allocations(200, frame); n != 0 {
		t.Errorf("%v allocations in 60 packets", n)
	}
}
