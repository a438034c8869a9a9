package handover

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/node/session"
)

// adopting are rooms that participants come to.
type adopting struct {
	Rooms
	adopt      func(conference.Arrival) error
	adopted    chan error
	unexpected chan struct{}
}

func (r adopting) Expect(_ string, _ room.EndpointID, _ []wire.Want, _ time.Time, ready func()) error {
	ready()
	return nil
}
func (r adopting) Unexpect(string, room.EndpointID) { r.unexpected <- struct{}{} }

func (r adopting) Adopt(_ context.Context, _ string, arrivals []conference.Arrival) error {
	err := r.adopt(arrivals[0])
	r.adopted <- err
	return err
}

// away is a stream whose client is not there.
type away struct{ Stream }

func (away) Close(string) {}
func (away) Settle()      {}

// take has a participant come by a path of its own, and returns the edge and the credentials of the path.
func take(t *testing.T, adopt func(m *Mover, r adopting, a conference.Arrival) error) (*Mover, adopting, edge.Credentials) {
	t.Helper()
	e, err := edge.Listen(edge.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	var m *Mover
	rooms := adopting{adopted: make(chan error, 1), unexpected: make(chan struct{}, 8)}
	rooms.adopt = func(a conference.Arrival) error { return adopt(m, rooms, a) }
	m = New(Config{
		Mesh: nowhere{}, Edge: e, Rooms: rooms, Log: slog.New(slog.DiscardHandler),
		Import: func(session.Stream, bool) (Stream, error) { return away{}, nil },
	})
	t.Cleanup(m.Close)
	const from, jid, endpoint = identity.Name("peer"), "room@conference.meet.test", room.EndpointID("0123abcd")
	m.Moved(from, wire.Prepare{Room: jid, Endpoint: endpoint, Move: 1})
	local := m.arrival(from, 1, jid).path.Local()
	key, salt := bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 12)
	value := session.Encode(&session.Participant{Room: jid, Endpoint: endpoint, Epoch: 2, Media: session.Media{
		Profile: 7, LocalKey: key, LocalSalt: salt, RemoteKey: key, RemoteSalt: salt, LocalUfrag: local.Ufrag, LocalPwd: local.Pwd,
		RemoteUfrag: "ufrag", RemotePwd: "password", RemoteFingerprint: "sha-256 " + strings.TrimSuffix(strings.Repeat("AA:", 32), ":"),
	}})
	m.Moved(from, wire.Take{Room: jid, Endpoint: endpoint, Move: 1, Epoch: 2, Value: value})
	return m, rooms, local
}

// The other node is lost while its participant is being taken in. It has given it away: the path that the client is at stays.
func TestAnArrivalKeepsItsPathWhenTheLinkIsLost(t *testing.T) {
	_, rooms, _ := take(t, func(m *Mover, r adopting, a conference.Arrival) error {
		m.Unlinked(a.From)
		<-r.unexpected // the last thing that is done about it
		leg, err := a.Open(deaf{})
		if err != nil {
			return err
		}
		if leg.(*edge.Leg).Path() == nil {
			return errors.New("it has no way to its client")
		}
		return nil
	})
	if err := <-rooms.adopted; err != nil {
		t.Error(err)
	}
}

// The path of one whom the room does not take is closed.
func TestAnArrivalThatIsNotTakenLeavesNoPath(t *testing.T) {
	m, rooms, local := take(t, func(*Mover, adopting, conference.Arrival) error { return errors.New("no room") })
	<-rooms.adopted
	m.Close()
	if p, err := m.cfg.Edge.Prepare(local, false); err != nil {
		t.Error(err)
	} else {
		p.Close()
	}
}
