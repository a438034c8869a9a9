package link

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link/liveness"
	"github.com/atoll-mesh/atoll/tools/simnet"
)

// TestGarbageLeavesNothing sends what strangers may send to the port of a node with a link, and compares what the node has
// before and afterwards.
func TestGarbageLeavesNothing(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		r.mesh(true, true)
		r.linked(2*time.Second, a, b)
		time.Sleep(time.Second)
		stranger := r.net.Host("10.6.6.6")
		conn, err := stranger.ListenPacket("udp", ":4444")
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadBuffer(0); err != nil { // answers are not kept
			t.Fatal(err)
		}
		real := liveness.NewSealer([]byte("guessed")).Append(nil, &liveness.Beat{From: liveness.Label(b.name()), To: liveness.Label(a.name())})
		chance := rand.New(rand.NewPCG(1, 2))
		flood := func(n int) {
			for i := range n {
				datagram := make([]byte, chance.IntN(1400))
				for j := range datagram {
					datagram[j] = byte(chance.Uint32())
				}
				switch i % 4 {
				case 0:
					datagram = real
				case 1: // a long header of version 1: Initial, 0-RTT, Handshake, Retry
					datagram = append([]byte{0xc0 | byte(i), 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, byte(i), 0, 0}, make([]byte, 1300)...)
				case 2: // a short header
					if len(datagram) > 0 {
						datagram[0] = 0x40 | datagram[0]&0x3f
					}
				}
				if _, err := conn.WriteTo(datagram, net.UDPAddrFromAddrPort(a.addr)); err != nil {
					t.Fatal(err)
				}
				if i%50 == 49 {
					time.Sleep(time.Millisecond)
				}
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
		}
		flood(20_000) // fills pools and queues, also those of the network in memory
		before, goroutines, heap := a.report(b), runtime.NumGoroutine(), heapNow()
		flood(20_000)
		after := a.report(b)
		if got := runtime.NumGoroutine(); got > goroutines {
			t.Errorf("%d goroutines, were %d", got, goroutines)
		}
		if grown := heapNow() - heap; grown > 64<<10 {
			t.Errorf("%d bytes more than before", grown)
		}
		s := a.e.Strangers()
		t.Logf("%+v, %d bytes more, answered with %+v", s, heapNow()-heap, r.net.Stats(a.host, stranger))
		if s.Datagrams < 5000 || s.Handshakes > 2 || s.Heartbeats != 0 {
			t.Errorf("%+v", s)
		}
		before.RTT, after.RTT, before.Loss, after.Loss = 0, 0, 0, 0
		if before != after || !a.linked(b) {
			t.Errorf("%+v became %+v", before, after)
		}
		if a.logged() != "" {
			t.Errorf("log %q", a.logged())
		}
	})
}

func heapNow() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestMemberUnknownHere has another member of the cluster send heartbeats that is no peer.
func TestMemberUnknownHere(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		b.knows(false, false, a)
		time.Sleep(10 * time.Second)
		if s := a.e.Strangers(); s.Heartbeats < 10 || s.Datagrams != 0 || len(a.said()) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestGarbageIsRefusedWithoutAllocation(t *testing.T) {
	n := simnet.New(1)
	defer n.Close()
	r := &rig{t: t, net: n}
	one := &node{rig: r, key: identity.NewKey(), secret: identity.NewSecret(), host: n.Host("10.0.0.1")}
	one.start()
	defer one.stop()
	from := netip.MustParseAddrPort("[::ffff:10.6.6.6]:4444")
	b := one.e.beats
	forged := liveness.NewSealer([]byte("guessed")).Append(nil, &liveness.Beat{From: liveness.Label(one.name()), To: b.label})
	member := liveness.NewSealer(identity.HeartbeatKey(one.secret)).Append(nil, &liveness.Beat{From: liveness.Label("nobody2345"), To: b.label})
	for name, f := range map[string]func(){
		"forged":    func() { b.receive(from, forged) },
		"short":     func() { b.receive(from, forged[:3]) },
		"empty":     func() { b.receive(from, nil) },
		"no member": func() { b.receive(from, member) },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
	if b.rejected.Load() == 0 || b.strange.Load() == 0 {
		t.Error(fmt.Sprint("not counted: ", b.rejected.Load(), b.strange.Load()))
	}
}
