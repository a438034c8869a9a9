package edge

import (
	"bytes"
	"encoding/binary"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

// Packets of all sizes for several clients, sent in one batch, arrive whole, in order and apart: with and without
// segmentation offload.
func TestABatchArrivesApart(t *testing.T) {
	for _, segmentation := range []bool{true, false} {
		e := listen(t)
		for _, s := range e.out.shards {
			s.sending.Lock()
			if segmentation && !s.tx.segmentation {
				t.Error("the kernel does not cut datagrams up")
			}
			s.tx.segmentation = segmentation
			s.sending.Unlock()
		}
		const clients, packets = 3, 60
		var paths []*Path
		var conns []*net.UDPConn
		for range clients {
			l, conn, _ := rigged(t, e, forwarder{})
			paths, conns = append(paths, l.Path()), append(conns, conn)
		}
		body := func(client, i int) []byte {
			b := bytes.Repeat([]byte{byte(client)}, []int{1100, 1100, 1099, 1100, 1, 1200}[i%6])
			return append(b, byte(i))
		}
		e.out.hold()
		for i := range packets {
			for c, p := range paths {
				if err := p.Send(body(c, i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		e.out.release()
		for c, conn := range conns {
			b := make([]byte, 65536)
			conn.SetReadDeadline(time.Now().Add(patience))
			for i := range packets {
				n, err := conn.Read(b)
				if err != nil {
					t.Fatalf("client %d, packet %d: %v", c, i, err)
				}
				if !bytes.Equal(b[:n], body(c, i)) {
					t.Fatalf("client %d, packet %d: %d bytes of %d, number %d", c, i, n, b[0], b[n-1])
				}
			}
		}
		if s := e.Stats(); s.Sent != clients*packets || s.SendFailed != 0 {
			t.Errorf("%d sent, %d failed", s.Sent, s.SendFailed)
		}
	}
}

func TestPacketsWaitOnlyForABatch(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	sock, err := newSocket(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer sock.close()
	g := &egress{stats: &counters{}}
	g.start(sock)
	defer g.close()
	p := &Path{shard: g.shards[0]}
	p.route.Store(sock.newRoute(path.Pair{Remote: conn.LocalAddr().(*net.UDPAddr).AddrPort()}))
	step := func(what string, sent uint64, do func()) {
		t.Helper()
		do()
		if got := g.stats.sent.Load(); got != sent {
			t.Errorf("%s: %d sent, want %d", what, got, sent)
		}
	}
	send := func() { g.queue(p, outgoing{packet: append(newBuffer(), 0x80)}) }
	step("outside a batch", 1, send)
	step("in a batch", 1, func() { g.hold(); g.hold(); send(); send() })
	step("at the end of one of two", 3, g.release)
	step("in the other", 3, send)
	step("at its end", 4, g.release)
	step("a batch without end", 4+flushAt, func() {
		g.hold()
		for range flushAt + 1 {
			send()
		}
	})
	p.route.Store(nil)
	step("without a route", 4+flushAt, g.release)
	step("without a route", 4+flushAt, send)
	if failed := g.stats.sendFailed.Load(); failed != 2 {
		t.Errorf("%d failed, want 2", failed)
	}
}

// One packet up becomes fifty down, each rewritten and sealed. The clients do not read. CPU is that of the process, the
// kernel's part included.
func BenchmarkForward(b *testing.B) {
	for name, burst := range map[string]int{"audio": 1, "video": 4} {
		b.Run(name, func(b *testing.B) {
			e := listen(b)
			const receivers = 50
			var out []*Leg
			for range receivers {
				l, conn, _ := rigged(b, e, forwarder{})
				conn.SetReadBuffer(4096)
				out = append(out, l)
			}
			_, conn, up := rigged(b, e, forwarder{func(packet []byte) {
				for i, l := range out {
					p := append(l.Buffer(), packet...)
					binary.BigEndian.PutUint32(p[8:], uint32(i))
					if err := l.SendRTP(p); err != nil {
						b.Error(err)
					}
				}
			}})
			plain := make([]byte, 1100)
			plain[0], plain[1] = 0x80, 100
			seq := uint16(0)
			sealed := make([]byte, 0, 1200)
			var before syscall.Rusage
			syscall.Getrusage(syscall.RUSAGE_SELF, &before)
			b.ResetTimer()
			for i := 0; i < b.N; i += burst {
				want := e.stats.sent.Load() + uint64(burst*receivers)
				for range burst {
					binary.BigEndian.PutUint16(plain[2:], seq)
					seq++
					s, err := up.EncryptRTP(sealed, plain, nil)
					if err != nil {
						b.Fatal(err)
					}
					conn.Write(s)
				}
				for deadline := time.Now().Add(time.Second); e.stats.sent.Load() < want; {
					if time.Now().After(deadline) {
						b.Fatal("packets are missing")
					}
					time.Sleep(20 * time.Microsecond)
				}
			}
			var after syscall.Rusage
			syscall.Getrusage(syscall.RUSAGE_SELF, &after)
			cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
			b.ReportMetric(float64(cpu)/float64(b.N*receivers), "cpu-ns/forward")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*receivers), "ns/forward")
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	e := listen(b)
	l, _, _ := rigged(b, e, forwarder{})
	l.Attach(discard{})
	plain := make([]byte, 1100)
	plain[0], plain[1] = 0x80, 100
	for i := range b.N {
		binary.BigEndian.PutUint16(plain[2:], uint16(i))
		if err := l.SendRTP(append(l.Buffer(), plain...)); err != nil {
			b.Fatal(err)
		}
	}
}
