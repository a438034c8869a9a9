package sfu

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// busy is a wire over whose first packet of an SSRC something else happens, elsewhere, at the same time.
type busy struct {
	wire
	ssrc      uint32
	meanwhile func()
	done      chan struct{}
}

func (w *busy) SendRTP(run ...[]byte) error {
	if f := w.meanwhile; f != nil && binary.BigEndian.Uint32(run[0][8:]) == w.ssrc {
		w.meanwhile = nil
		go func() {
			f()
			close(w.done)
		}()
		select { // it may have to wait for what happens here
		case <-w.done:
		case <-time.After(50 * time.Millisecond):
		}
	}
	return w.wire.SendRTP(run...)
}

// TestWhatComesWhileAnArrivalCatchesUp: a sound that comes while somebody who arrived is sent what was missed of another is not
// missed too. Nobody is asked for a key frame.
func TestWhatComesWhileAnArrivalCatchesUp(t *testing.T) {
	r := newRig(t)
	a, c, b := r.join(1, 1), r.join(3, 1), r.join(2, 1)
	to := newRig(t)
	to.now = r.now
	n := uint32(5_000_000)
	to.room = NewRoom(Config{Rand: func() uint32 { n += 7919; return n }})
	a2, c2 := to.join(1, 1), to.join(3, 1)
	to.do(to.room.Expect(to.now, b.id, r.room.Gets(b.id)))
	send := func(key bool, people ...*person) {
		for _, p := range people {
			p.film(key, 0)
			p.speak(9)
		}
	}
	send(true, a, c, a2, c2)
	before := b.wire.take(t)
	f := b.Export()
	r.wait(300 * time.Millisecond)
	to.wait(300 * time.Millisecond)
	for _, p := range []*person{a2, c2} {
		p.wire.plis(t)
	}

	send(false, a2, c2) // between the nodes
	last, _ := b.ssrc(c.mic())
	w := &busy{ssrc: last, meanwhile: func() { a2.speak(9) }, done: make(chan struct{})}
	b2 := to.known(2)
	b2.Participant = to.room.Import(to.now, b.id, w, false, &f)
	b2.Connected(to.now)
	to.do(to.room.SetSources(to.now, b2.id, b2.source(1)))
	b2.want(-1, 720)
	<-w.done
	send(false, a2, c2)

	after := w.take(t)
	for name, want := range map[room.SourceName]int{a.camera(): 6, a.mic(): 3, c.camera(): 6, c.mic(): 2} {
		ssrc, _ := b.ssrc(name)
		got, was := on(after, ssrc), on(before, ssrc)
		if len(got) != want {
			t.Errorf("%s: %d packets, want %d", name, len(got), want)
		}
		for i, p := range got {
			if want := was[len(was)-1].SequenceNumber + uint16(i) + 1; p.SequenceNumber != want {
				t.Errorf("%s: packet %d has number %d, want %d", name, i, p.SequenceNumber, want)
			}
		}
	}
	to.wait(300 * time.Millisecond)
	for _, p := range []*person{a2, c2} {
		if asked := p.wire.plis(t); len(asked) != 0 {
			t.Errorf("%d key frames were asked for", len(asked))
		}
	}
}
