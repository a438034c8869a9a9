package directory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// What a service keeps at most.
const (
	maxRooms   = 100_000
	maxLeases  = 20_000    // of one peer
	maxHeaders = 128 << 20 // bytes
	maxTTL     = time.Minute
)

// ErrFull is the error of a lease that the service has no room for. It is not the sender's fault.
var ErrFull = errors.New("directory is full")

// Service is the serving side of the directory on one node.
type Service struct {
	live    map[identity.Name]bool
	rooms   map[string]*entry
	leases  map[identity.Name]int // of each peer
	headers int                   // bytes
	agenda  agenda
}

// entry is a room that somebody holds.
type entry struct {
	name   string
	leases map[identity.Name]*lease
	header []byte
}

type lease struct {
	incarnation uint64
	expiry      deadline
}

// NewService returns a service that knows of no rooms.
func NewService() *Service {
	return &Service{rooms: map[string]*entry{}, leases: map[identity.Name]int{}}
}

// SetLive says which members are alive.
func (s *Service) SetLive(_ time.Time, names []identity.Name) []Effect {
	s.live = make(map[identity.Name]bool, len(names))
	for _, n := range names {
		s.live[n] = true
	}
	return nil
}

// Handle takes a Claim, Lease or Release. An error is the sender's fault unless it is [ErrFull].
func (s *Service) Handle(now time.Time, from identity.Name, frame wire.Frame) ([]Effect, error) {
	room := wire.RoomOf(frame)
	if room == "" || len(room) > wire.MaxRoom {
		return nil, fmt.Errorf("%T from %s about a room of %d bytes", frame, from, len(room))
	}
	switch f := frame.(type) {
	case wire.Claim:
		return s.claim(from, f), nil
	case wire.Lease:
		return s.lease(now, from, f)
	case wire.Release:
		e := s.rooms[room]
		if e == nil || e.leases[from] == nil || f.Incarnation < e.leases[from].incarnation {
			return nil, nil
		}
		return s.end(e, from), nil
	}
	return nil, fmt.Errorf("%T from %s is not for a directory server", frame, from)
}

// Tick forgets leases that were not taken again in time.
func (s *Service) Tick(now time.Time) []Effect { return s.agenda.tick(now) }

// Next returns when Tick is to be called; the zero time says never.
func (s *Service) Next() time.Time { return s.agenda.next() }

// Rooms returns how many rooms the service has leases for.
func (s *Service) Rooms() int { return len(s.rooms) }

func (s *Service) claim(from identity.Name, f wire.Claim) []Effect {
	answer := wire.ClaimAnswer{Room: f.Room, ID: f.ID}
	if e := s.rooms[f.Room]; e != nil {
		answer.Known, answer.Holders, answer.Header = true, e.holders(), e.header
	}
	return []Effect{Send{from, answer}}
}

func (s *Service) lease(now time.Time, from identity.Name, f wire.Lease) ([]Effect, error) {
	if f.TTL <= 0 {
		return nil, fmt.Errorf("lease of %s for %v", from, f.TTL)
	}
	if len(f.Header) > wire.MaxHeader {
		return nil, fmt.Errorf("lease of %s with a header of %d bytes, at most %d", from, len(f.Header), wire.MaxHeader)
	}
	e := s.rooms[f.Room]
	if e == nil {
		if len(s.rooms) >= maxRooms {
			return nil, fmt.Errorf("%w: %d rooms", ErrFull, len(s.rooms))
		}
		e = &entry{name: f.Room, leases: map[identity.Name]*lease{}}
	}
	l := e.leases[from]
	if l != nil && f.Incarnation < l.incarnation {
		return nil, nil
	}
	fresh := l == nil
	if fresh {
		switch {
		case len(e.leases) >= wire.MaxHolders:
			return nil, fmt.Errorf("%w: %d nodes hold the room", ErrFull, len(e.leases))
		case s.leases[from] >= maxLeases:
			return nil, fmt.Errorf("%w: %d leases of %s", ErrFull, s.leases[from], from)
		}
		l = &lease{expiry: deadline{
			key: f.Room + "\x00" + string(from),
			due: func(time.Time) []Effect { return s.end(e, from) },
		}}
		s.rooms[f.Room], e.leases[from] = e, l
		s.leases[from]++
	}
	l.incarnation = f.Incarnation
	s.agenda.set(&l.expiry, now.Add(min(f.TTL, maxTTL)))
	var err error
	if f.HasHeader {
		err = s.keep(e, f.Header)
	}
	if fresh {
		return s.tell(e, from), err
	}
	return []Effect{Send{from, wire.Holders{Room: e.name, Nodes: e.holders()}}}, err
}

func (s *Service) keep(e *entry, header []byte) error {
	n := s.headers - len(e.header) + len(header)
	if n > maxHeaders {
		return fmt.Errorf("%w: %d bytes of headers", ErrFull, s.headers)
	}
	s.headers, e.header = n, header
	return nil
}

// end ends a lease, and forgets the room with the last.
func (s *Service) end(e *entry, holder identity.Name) []Effect {
	s.agenda.remove(&e.leases[holder].expiry)
	delete(e.leases, holder)
	if s.leases[holder]--; s.leases[holder] == 0 {
		delete(s.leases, holder)
	}
	if len(e.leases) == 0 {
		s.headers -= len(e.header)
		delete(s.rooms, e.name)
		return nil
	}
	return s.tell(e, "")
}

// tell tells all holders of each other: those that are alive, and the one that is there anyway because it just sent.
func (s *Service) tell(e *entry, sender identity.Name) []Effect {
	holders := e.holders()
	var out []Effect
	for _, n := range holders {
		if s.live[n] || n == sender {
			out = append(out, Send{n, wire.Holders{Room: e.name, Nodes: holders}})
		}
	}
	return out
}

// holders returns a new list, in order.
func (e *entry) holders() []identity.Name { return slices.Sorted(maps.Keys(e.leases)) }
