package handover

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/signaling/focus"
)

// nowhere is a mesh without other nodes.
type nowhere struct{}

func (nowhere) Tell(identity.Name, wire.Frame) bool                               { return false }
func (nowhere) OpenTunnel(identity.Name, uint32, bool, func([]byte, bool))        {}
func (nowhere) CloseTunnel(identity.Name, uint32, bool)                           {}
func (nowhere) Tunnel(identity.Name, uint32, bool, bool, link.Class, []byte) bool { return false }
func (nowhere) Misbehaved(identity.Name, error)                                   {}

// told are rooms whose clients can be told nothing.
type told struct {
	Rooms
	restart func()
}

func (r told) Restart(context.Context, string, room.EndpointID, identity.Name, focus.Transport, func(conference.Answer)) error {
	r.restart()
	return errors.New("its socket is lost")
}

// deaf takes no media.
type deaf struct{}

func (deaf) Connected()                 {}
func (deaf) RTP([]byte, time.Time) bool { return false }
func (deaf) Flush()                     {}
func (deaf) RTCP([]byte, time.Time)     {}
func (deaf) Tick(time.Time)             {}
func (deaf) Closed(error)               {}

// The socket of a guest is back before it is known that the guest could not be told of its path: it is told then.
func TestAGuestComesBackWhileItCannotBeTold(t *testing.T) {
	e, err := edge.Listen(edge.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	leg, err := e.NewLeg(deaf{})
	if err != nil {
		t.Fatal(err)
	}
	tries, once := make(chan struct{}, 3), true
	var m *Mover
	m = New(Config{Mesh: nowhere{}, Edge: e, Log: slog.New(slog.DiscardHandler), Rooms: told{restart: func() {
		tries <- struct{}{}
		if once {
			once = false
			m.Resumed("a@meet.test/1")
		}
	}}})
	if !m.host(&guest{m: m, full: "a@meet.test/1", leg: leg}) {
		t.Fatal("there is no room")
	}
	m.Resumed("a@meet.test/1")
	for i := range 2 {
		select {
		case <-tries:
		case <-time.After(5 * time.Second):
			t.Fatalf("it was tried %d times, want twice", i)
		}
	}
	m.Close()
	if len(tries) > 0 {
		t.Error("it was tried once more than it came back")
	}
}
