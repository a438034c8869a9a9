package sfu

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/sfu/packet"
)

// drain is a RelayEgress that keeps nothing.
type drain struct{ packets int }

func (d *drain) Send(room.SourceName, int, Class, []byte) { d.packets++ }

// passOn returns a function that has one packet come in, from a participant here or from another node, and go to n nodes
// and as many participants.
func passOn(t testing.TB, n int, codec Codec, remote bool) (send func(), out *drain) {
	r := newRig(t)
	a := r.known(1)
	delete(r.people, 1)
	var m *Remote
	if remote {
		m = r.room.JoinRemote(r.now, a.id, deaf{})
	} else {
		a.Participant = r.room.Join(r.now, a.id, a.wire)
	}
	r.do(r.room.SetSources(r.now, a.id, a.source(1)))
	a.codec = codec
	out = &drain{}
	for i := range n {
		node := fmt.Sprint(i)
		r.room.JoinRelay(r.now, node, out)
		r.do(r.room.Pull(r.now, node, a.camera(), 720))
		id := endpoint(byte(10 + i))
		r.room.Join(r.now, id, &sink{}).Connected(r.now)
		r.do(r.room.SetConstraints(r.now, id, Constraints{LastN: -1, Default: 720}))
	}
	mark := packet.NewMark(0).WithCycle(4)
	key, other := a.frame(0, true)[0], append(a.frame(0, false)[0], make([]byte, 1060)...)
	if remote {
		key = packet.AppendMarked(nil, key, mark.WithPicture(true, &packet.Descriptor{}))
		other = packet.AppendMarked(nil, other, mark)
	}
	deliver := func(b []byte) {
		if remote {
			m.RTP(a.camera(), 0, b, r.now)
		} else {
			a.RTP(b, r.now)
		}
	}
	deliver(key)
	seq := uint32(4)<<16 | uint32(a.seq[0])
	work := make([]byte, len(other))
	return func() {
		seq++
		copy(work, other)
		binary.BigEndian.PutUint16(work[2:], uint16(seq))
		if remote {
			binary.BigEndian.PutUint16(work[18:], uint16(seq>>16)) // the lower bytes of the cycle
		}
		r.now = r.now.Add(4 * time.Millisecond)
		deliver(work)
	}, out
}

func TestPassingOnDoesNotAllocate(t *testing.T) {
	for name, codec := range videoCodecs {
		for _, remote := range []bool{false, true} {
			send, out := passOn(t, 3, codec, remote)
			for range 2000 {
				send() // the cache grows to its size
			}
			before := out.packets
			if n := testing.AllocsPerRun(2000, send); n != 0 {
				t.Errorf("%s, remote %v: %v allocations a packet", name, remote, n)
			}
			if n := out.packets - before; n != 3*2001 {
				t.Errorf("%s, remote %v: %d packets to other nodes", name, remote, n)
			}
		}
	}
}

// TestRepairDoesNotAllocate: a NACK of another node, answered again and again.
func TestRepairDoesNotAllocate(t *testing.T) {
	r, a, y, _ := pulled(t, 1)
	y.out = &drain{}
	a.film(true, 0)
	for range 10 {
		a.film(false, 0)
	}
	b := compound(t, nackOf(a.seq[0]-9, a.seq[0]-5, a.seq[0]-1))
	ask := func() {
		r.now = r.now.Add(time.Second)
		y.Feedback(a.camera(), 0, b, r.now)
	}
	ask()
	if n := testing.AllocsPerRun(200, ask); n != 0 || y.Counters().Retransmitted < 600 {
		t.Errorf("%v allocations, %+v", n, y.Counters())
	}
}

func BenchmarkPassOn(b *testing.B) {
	for name, remote := range map[string]bool{"origin": false, "relay": true} {
		b.Run(name, func(b *testing.B) {
			send, _ := passOn(b, 2, VP8, remote)
			for range 2000 {
				send()
			}
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
		})
	}
}
