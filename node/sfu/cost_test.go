package sfu

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// sink is an Egress that gives out the same buffer again.
type sink struct{ buffer [1500]byte }

func (s *sink) Buffer() []byte          { return s.buffer[:0] }
func (s *sink) Warm()                   {}
func (s *sink) SendRTP(...[]byte) error { return nil }
func (s *sink) SendRTCP([]byte) error   { return nil }

// fanOut returns a function that delivers one packet of about 1100 bytes from a sender of the codec to n receivers.
func fanOut(t testing.TB, n int, codec Codec) (send func(), receivers []*Participant) {
	r := newRig(t)
	a := r.join(1, 1)
	a.codec = codec
	for i := range n {
		id := endpoint(byte(10 + i))
		p := r.room.Join(r.now, id, &sink{})
		p.Connected(r.now)
		r.do(r.room.SetConstraints(r.now, id, Constraints{LastN: -1, Default: 720}))
		receivers = append(receivers, p)
	}
	a.film(true, 0)
	b := append(a.frame(0, false)[0], make([]byte, 1060)...)
	var h packet.Header
	if err := packet.Parse(b, r.room.set.extensions, &h); err != nil {
		t.Fatal(err)
	}
	seq, ts, tcc := a.seq[0], a.ts[0], a.tcc
	work := make([]byte, len(b))
	return func() {
		seq++
		tcc++
		if seq%3 == 0 {
			ts += 3000
		}
		copy(work, b)
		binary.BigEndian.PutUint16(work[2:], seq)
		binary.BigEndian.PutUint32(work[4:], ts)
		binary.BigEndian.PutUint16(work[h.TransportSeq:], tcc)
		r.now = r.now.Add(4 * time.Millisecond)
		a.RTP(work, r.now)
	}, receivers
}

func TestForwardingDoesNotAllocate(t *testing.T) {
	for name, codec := range videoCodecs {
		send, receivers := fanOut(t, 5, codec)
		for range 2000 {
			send() // the cache grows to its size
		}
		if n := testing.AllocsPerRun(2000, send); n != 0 {
			t.Errorf("%s: %v allocations a packet", name, n)
		}
		if n := receivers[0].Counters().ForwardedPackets; n < 4000 {
			t.Errorf("%s: %d packets were forwarded", name, n)
		}
	}
}

func TestTicksDoNotAllocate(t *testing.T) {
	r := newRig(t)
	a := r.join(1, 3)
	b := r.room.Join(r.now, endpoint(2), &sink{})
	b.Connected(r.now)
	a.Participant.out = &sink{}
	if n := testing.AllocsPerRun(200, func() {
		r.now = r.now.Add(20 * time.Millisecond)
		a.Participant.Tick(r.now)
		b.Tick(r.now)
	}); n != 0 {
		t.Errorf("%v allocations a tick", n)
	}
}

// Fifty whose cameras are not muted and send nothing wait for each other: nobody is to wake up for that every 20 ms.
func TestWhoWaitsForSilentCamerasRests(t *testing.T) {
	r := newRig(t)
	for n := range 50 {
		r.join(byte(n+1), 1)
	}
	p := r.room.Join(r.now, endpoint(99), &sink{})
	p.Connected(r.now)
	r.do(r.room.SetConstraints(r.now, p.id, Constraints{LastN: -1, Default: 720}))
	open := 0
	for _, s := range p.down.slots {
		if s.open {
			open++
		}
	}
	if open < 99 {
		t.Fatalf("%d slots are open", open)
	}
	awake := 0
	if n := testing.AllocsPerRun(50, func() {
		r.now = r.now.Add(20 * time.Millisecond)
		p.Tick(r.now)
		if p.rest.Load() == 0 {
			awake++
		}
	}); n != 0 || awake != 0 {
		t.Errorf("%v allocations a tick, awake after %d of 51", n, awake)
	}
}

// A large room has a hundred slots for each who is in it, and as many receivers for each source.
func TestWhatThereIsMostOfIsSmall(t *testing.T) {
	for what, size := range map[string]struct{ is, most uintptr }{
		"slot":   {unsafe.Sizeof(slot{}), 128},
		"target": {unsafe.Sizeof(target{}), 48},
		"wanted": {unsafe.Sizeof(wanted{}), 16},
	} {
		if size.is > size.most {
			t.Errorf("a %s has %d bytes, at most %d", what, size.is, size.most)
		}
	}
}

// BenchmarkJoin is what the conference's loop does when one more joins a room of n.
func BenchmarkJoin(b *testing.B) {
	for _, n := range []int{20, 100, 200} {
		b.Run(fmt.Sprintf("people=%d", n), func(b *testing.B) {
			r := newRig(b)
			for i := range n {
				r.join(byte(i), 3)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.join(250, 3)
			}
		})
	}
}

func BenchmarkForward(b *testing.B) {
	for _, n := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("receivers=%d", n), func(b *testing.B) {
			send, _ := fanOut(b, n, VP8)
			for range 2000 {
				send()
			}
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/forward")
		})
	}
}
