package mesh

import (
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// Sink takes the packets of one subscription. It is called from the link's goroutines and must not block; the packet is valid
// during the call and may be written to.
type Sink interface {
	Packet(encoding int, packet []byte, arrived time.Time)
}

// flow is one direction of a subscription: the peer that may send for it, and the number.
type flow struct {
	peer identity.Name
	sub  uint32
}

// sinks are who takes what. Reads take no lock.
type sinks struct{ all sync.Map } // flow to Sink

func (s *sinks) add(f flow, to Sink) (fresh bool) {
	_, there := s.all.Swap(f, to)
	return !there
}

func (s *sinks) remove(f flow) (was bool) {
	_, was = s.all.LoadAndDelete(f)
	return was
}

func (s *sinks) get(f flow) Sink {
	v, _ := s.all.Load(f)
	to, _ := v.(Sink)
	return to
}

// count goes through all of them: it is for reports.
func (s *sinks) count() (n int) {
	for range s.all.Range {
		n++
	}
	return n
}

// NextSub returns a number for a subscription that no other has.
func (m *Mesh) NextSub() uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sub = m.sub&(1<<24-1) + 1
	return m.sub
}

// Receive has the media of our subscription sub, as far as it comes from the peer, taken by to.
func (m *Mesh) Receive(peer identity.Name, sub uint32, to Sink) {
	if m.in.add(flow{peer, sub}, to) {
		m.moves(peer, 1)
	}
}

// Ignore ends Receive.
func (m *Mesh) Ignore(peer identity.Name, sub uint32) {
	if m.in.remove(flow{peer, sub}) {
		m.moves(peer, -1)
	}
}

// Serve has the feedback about the peer's subscription sub taken by to.
func (m *Mesh) Serve(peer identity.Name, sub uint32, to Sink) {
	if m.out.add(flow{peer, sub}, to) {
		m.moves(peer, 1)
	}
}

// Refuse ends Serve.
func (m *Mesh) Refuse(peer identity.Name, sub uint32) {
	if m.out.remove(flow{peer, sub}) {
		m.moves(peer, -1)
	}
}

// moves counts the subscriptions with a peer: a link that carries media is watched more closely.
func (m *Mesh) moves(peer identity.Name, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.moving[peer] += n; m.moving[peer] <= 0 {
		delete(m.moving, peer)
	}
}

// buffers are for datagrams on their way: the link copies what it queues.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// SendMedia sends a packet of the peer's subscription sub to it.
func (m *Mesh) SendMedia(peer identity.Name, sub uint32, encoding int, class link.Class, packet []byte) {
	m.datagram(peer, sub, encoding, false, class, packet)
}

// SendFeedback sends RTCP about our subscription sub to the peer that it is served by.
func (m *Mesh) SendFeedback(peer identity.Name, sub uint32, encoding int, compound []byte) {
	m.datagram(peer, sub, encoding, true, link.Audio, compound)
}

func (m *Mesh) datagram(peer identity.Name, sub uint32, encoding int, feedback bool, class link.Class, packet []byte) {
	b := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	*b = append(wire.AppendFlow((*b)[:0], wire.Flow{Sub: sub, Encoding: encoding, Feedback: feedback}), packet...)
	m.links.SendMedia(peer, class, *b)
	buffers.Put(b)
}

// packet takes a datagram from a peer.
func (m *Mesh) packet(peer identity.Name, datagram []byte, arrived time.Time) {
	f, packet, err := wire.ParseFlow(datagram)
	if err != nil {
		m.links.Misbehaved(peer, err)
		return
	}
	if t, ok := f.Tunnel(); ok {
		m.tunnelled(peer, t, packet)
		return
	}
	from := &m.in
	if f.Feedback {
		from = &m.out
	}
	if to := from.get(flow{peer, f.Sub}); to != nil { // what comes late is for nobody
		to.Packet(f.Encoding, packet, arrived)
	}
}
