package resume

import (
	"context"
	"sync"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/signaling/bridge"
)

const (
	mostChannels = 4096 // in each direction
	detours      = 3    // nodes that are asked for one channel
)

// opener is a channel of a client that came here, whose participant is at another node.
type opener struct {
	*pipe
	answer chan wire.ChannelOpened // has room for the answer
}

// far names a channel that another node opened here.
type far struct {
	peer identity.Name
	id   uint64
}

// accepted is a channel of a participant here, whose client came to another node.
type accepted struct{ *pipe }

// pipe is one end of a channel between two nodes.
type pipe struct {
	s      *Service
	peer   identity.Name
	id     uint64
	opener bool // this node opened it
	end    bridge.End

	mu       sync.Mutex
	sent     uint64
	received uint64
	over     bool
}

// Send implements bridge.Way.
func (p *pipe) Send(text []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return false
	}
	p.sent++
	return p.s.cfg.Mesh.Send(p.peer, wire.ChannelText{ID: p.id, Opener: p.opener, Seq: p.sent, Text: text})
}

// Close implements bridge.Way.
func (p *pipe) Close(code bridge.Status, reason string) {
	if p.finish() {
		p.s.cfg.Mesh.Send(p.peer, wire.ChannelClosed{ID: p.id, Opener: p.opener, Status: uint16(code), Reason: reason})
	}
}

// finish ends the pipe on this side and reports whether it had not ended.
func (p *pipe) finish() bool {
	p.mu.Lock()
	over := p.over
	p.over = true
	p.mu.Unlock()
	p.s.mu.Lock()
	if p.opener {
		if o := p.s.openers[p.id]; o != nil && o.pipe == p {
			delete(p.s.openers, p.id)
		}
	} else if a := p.s.accepted[far{p.peer, p.id}]; a != nil && a.pipe == p {
		delete(p.s.accepted, far{p.peer, p.id})
	}
	p.s.mu.Unlock()
	return !over
}

// text takes a message from the other node.
func (p *pipe) text(f wire.ChannelText) {
	p.mu.Lock()
	over := p.over
	p.received++
	gap := f.Seq != p.received
	p.mu.Unlock()
	switch {
	case over:
	case gap:
		p.Close(bridge.StatusTryAgainLater, "messages were lost")
		p.end.Ended(bridge.StatusTryAgainLater, "messages were lost")
	default:
		p.end.Text(f.Text)
	}
}

// ended takes the end from the other node, or what stands for it.
func (p *pipe) ended(code bridge.Status, reason string) {
	if p.finish() && p.end != nil { // else it is being refused
		p.end.Ended(code, reason)
	}
}

// Open implements bridge.Elsewhere.
func (s *Service) Open(ctx context.Context, a bridge.Address, client bridge.End) (bridge.Way, bool) {
	endpoint, err := room.ParseEndpointID(a.Endpoint)
	if err != nil {
		return nil, false
	}
	at, ok := s.cfg.Rooms.Serving(a.Conference, a.Endpoint)
	if !ok {
		if at, err = identity.ParseName(a.Node); err != nil {
			return nil, false
		}
	}
	asked := make(map[identity.Name]bool)
	for range detours {
		if at == s.cfg.Self {
			s.mu.Lock()
			at = s.moved.Where(a.Endpoint)
			s.mu.Unlock()
		}
		if at == "" || asked[at] {
			return nil, false
		}
		asked[at] = true
		p, next := s.openAt(ctx, at, wire.ChannelOpen{Conference: a.Conference, Endpoint: endpoint, Password: a.Password}, client)
		if p != nil {
			return p, true
		}
		at = next
	}
	return nil, false
}

// openAt asks one node.
func (s *Service) openAt(ctx context.Context, at identity.Name, f wire.ChannelOpen, client bridge.End) (*pipe, identity.Name) {
	s.mu.Lock()
	if s.closed || len(s.openers) >= mostChannels {
		s.mu.Unlock()
		return nil, ""
	}
	s.lastID++
	f.ID = s.lastID
	o := &opener{&pipe{s: s, peer: at, id: f.ID, opener: true, end: client}, make(chan wire.ChannelOpened, 1)}
	s.openers[f.ID] = o
	s.mu.Unlock()
	s.cfg.Mesh.Want(at)
	if !s.cfg.Mesh.Send(at, f) {
		o.finish()
		return nil, ""
	}
	select {
	case answer := <-o.answer:
		if answer.OK {
			return o.pipe, ""
		}
		o.finish()
		return nil, answer.At
	case <-ctx.Done():
	case <-s.life.Done():
	}
	o.Close(bridge.StatusGoingAway, "the client is gone")
	return nil, ""
}

func (s *Service) channelOpened(from identity.Name, f wire.ChannelOpened) {
	s.mu.Lock()
	o := s.openers[f.ID]
	s.mu.Unlock()
	if o == nil || o.peer != from {
		return
	}
	select {
	case o.answer <- f:
	default:
	}
}

// channelOpen opens the channel of a participant here for a client at another node.
func (s *Service) channelOpen(from identity.Name, f wire.ChannelOpen) {
	p := &pipe{s: s, peer: from, id: f.ID}
	s.mu.Lock()
	_, twice := s.accepted[far{from, f.ID}]
	full := s.closed || twice || len(s.accepted) >= mostChannels
	if !full {
		s.accepted[far{from, f.ID}] = &accepted{p}
	}
	s.mu.Unlock()
	if full {
		s.cfg.Mesh.Send(from, wire.ChannelOpened{ID: f.ID})
		return
	}
	p.mu.Lock() // what comes next waits until the end is known
	end, ok := s.cfg.Channels.Accept(f.Conference, string(f.Endpoint), f.Password, p)
	if ok {
		p.end = end
	}
	p.mu.Unlock()
	if ok {
		s.cfg.Mesh.Send(from, wire.ChannelOpened{ID: f.ID, OK: true})
		return
	}
	p.finish()
	at, known := s.cfg.Rooms.Serving(f.Conference, string(f.Endpoint))
	if !known {
		s.mu.Lock()
		at = s.moved.Where(string(f.Endpoint))
		s.mu.Unlock()
	}
	if at == s.cfg.Self || at == from {
		at = ""
	}
	s.cfg.Mesh.Send(from, wire.ChannelOpened{ID: f.ID, At: at})
}

// pipeOf returns this node's end of a channel, nil when there is none.
func (s *Service) pipeOf(from identity.Name, id uint64, theirs bool) *pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	if theirs {
		if a := s.accepted[far{from, id}]; a != nil {
			return a.pipe
		}
		return nil
	}
	if o := s.openers[id]; o != nil && o.peer == from {
		return o.pipe
	}
	return nil
}

func (s *Service) channelText(from identity.Name, f wire.ChannelText) {
	if p := s.pipeOf(from, f.ID, f.Opener); p != nil {
		p.text(f)
	}
}

func (s *Service) channelClosed(from identity.Name, f wire.ChannelClosed) {
	if p := s.pipeOf(from, f.ID, f.Opener); p != nil {
		p.ended(bridge.Status(f.Status), f.Reason)
	}
}

// closeChannels ends the channels with nodes that are not heard any more.
func (s *Service) closeChannels(gone func(identity.Name) bool) {
	s.mu.Lock()
	var over []*pipe
	for _, o := range s.openers {
		if gone(o.peer) {
			over = append(over, o.pipe)
		}
	}
	for _, a := range s.accepted {
		if gone(a.peer) {
			over = append(over, a.pipe)
		}
	}
	s.mu.Unlock()
	for _, p := range over {
		p.ended(bridge.StatusTryAgainLater, "the other node is not heard any more")
	}
}
