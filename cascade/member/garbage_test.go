package member

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/simnet"
)

// rubbish returns packets that are not of the cluster, and some that begin as if they were.
func rubbish(chance *rand.Rand, label []byte) []byte {
	b := make([]byte, chance.IntN(1500))
	for i := range b {
		b[i] = byte(chance.Uint32())
	}
	switch chance.IntN(4) {
	case 0: // the right label before random bytes
		return append(append([]byte{}, label...), b...)
	case 1: // the right label, cut
		return label[:chance.IntN(len(label))]
	case 2: // another label
		return append(append([]byte{hasLabel, label[1]}, "0123456789abcdef"...), b...)
	}
	return b
}

func TestGarbageChangesNothing(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			in(t, seed, func(w *world) {
				nodes := w.cluster(3)
				time.Sleep(time.Minute)
				before := runtime.NumGoroutine()
				chance := rand.New(rand.NewPCG(seed, 1))
				evil := w.net.Host("10.66.6.6")
				target := nodes[0].list.Addr()
				packets := must(evil.ListenPacket("udp", ":0"))
				for range 2000 {
					must(packets.WriteTo(rubbish(chance, nodes[0].list.transport.label), net.UDPAddrFromAddrPort(target)))
					time.Sleep(time.Millisecond)
				}
				for i := range 300 {
					c := must(evil.Dial("tcp", target.String()))
					_, _ = c.Write(rubbish(chance, nodes[0].list.transport.label))
					if i%2 == 0 {
						_ = c.Close()
					} // the others stay and say nothing more
				}
				if got := streams(nodes[0]); got > 2*mostStreams {
					t.Errorf("%d streams at once", got)
				}
				w.within(10*time.Second, "the cluster is whole", one(nodes...))
				time.Sleep(time.Minute)
				w.within(5*time.Second, "no stream is left", func() bool { return streams(nodes[0]) == 0 })
				if after := runtime.NumGoroutine(); after > before+3 { // a push/pull or a probe may be under way
					t.Errorf("%d goroutines, before %d", after, before)
				}
				if got := nodes[0].list.Members(); len(got) != 3 {
					t.Errorf("members %v", got)
				}
				if got := nodes[0].lines.with("level=WARN"); len(got) > 2 {
					t.Errorf("lines %q", got)
				}
				for _, n := range nodes {
					if got := n.sees(Dead); len(got) > 0 {
						t.Errorf("dead %v", got)
					}
				}
			})
		})
	}
}

// TestSilentStreamsDoNotShutOthersOut opens streams and says nothing, without end, while another node joins.
func TestSilentStreamsDoNotShutOthersOut(t *testing.T) {
	in(t, 1, func(w *world) {
		first := w.add()
		evil := w.net.Host("10.66.6.6")
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					go func() { _, _ = evil.Dial("tcp", first.list.Addr().String()) }()
				}
			}
		}()
		time.Sleep(10 * time.Second)
		if got := streams(first); got < mostStreams/2 || got > 2*mostStreams {
			t.Errorf("%d streams at once", got)
		}
		second := w.add(first.address())
		w.within(20*time.Second, "the other is in", one(first, second))
		close(stop)
		time.Sleep(10 * time.Second)
		w.within(5*time.Second, "no stream is left", func() bool { return streams(first) == 0 })
	})
}

// TestLongStreamIsCutOff sends what begins as a state of 20 MB.
func TestLongStreamIsCutOff(t *testing.T) {
	in(t, 1, func(w *world) {
		n := w.add()
		w.net.SetDefault(simnet.Link{Delay: time.Millisecond})
		c := must(w.net.Host("10.66.6.6").Dial("tcp", n.list.Addr().String()))
		must(c.Write(append(n.list.transport.label, 10, 1, 0x31, 0x2d, 0)))
		sent := 0
		for b := make([]byte, 1<<14); sent < 20<<20; {
			k, err := c.Write(b)
			sent += k
			if err != nil {
				break
			}
		}
		if sent < mostBytes || sent > mostBytes+1<<20 {
			t.Errorf("took %d bytes", sent)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
