package resume

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/standby"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/bridge"
	"github.com/atoll-mesh/atoll/signaling/stream"
)

// Mesh is the way to the other nodes.
type Mesh interface {
	// Tell sends a frame over the link to a node, never over another node. Send may take another node's way.
	Tell(to identity.Name, f wire.Frame) bool
	Send(to identity.Name, f wire.Frame) bool
	// Want asks for a link, and reports whether there is one.
	Want(peer identity.Name) bool
	// Alive returns the nodes that can be asked, and those of them that take new participants.
	Alive() (alive, open []identity.Name)
}

// Streams are the clients of this node.
type Streams interface {
	Prove(token string) (s *stream.Session, known bool)
	Session(jid string) *stream.Session
	Import(session.Stream) (*stream.Session, error)
}

// Rooms are the rooms of this node.
type Rooms interface {
	Snapshot(each func(*session.Participant))
	// Where returns the rooms that a client is in.
	Where(jid string) []string
	// Serving returns the node that the participant of a conference is at, as far as this node knows.
	Serving(conference, endpoint string) (identity.Name, bool)
}

// Channels are the bridge channels of this node.
type Channels interface {
	Accept(conference, endpoint, password string, w bridge.Way) (*bridge.Far, bool)
}

// Mover moves participants.
type Mover interface {
	// Give moves a participant to a node that its client has come to. When it has returned without an error, it is there.
	Give(ctx context.Context, room string, endpoint room.EndpointID, to identity.Name) error
	// Revive goes on here with a participant whose node is dead, or who has no media. It waits for its client's socket.
	Revive(ctx context.Context, p *session.Participant, dead bool) error
}

// Config is what a Service is made of.
type Config struct {
	Self     identity.Name
	Standby  bool // push records
	Keeps    bool // give no session to another node
	Limits   standby.Limits
	Mesh     Mesh
	Streams  Streams
	Rooms    Rooms
	Channels Channels
	Mover    Mover
	Log      *slog.Logger
}

const (
	every     = time.Second // between looks at the participants
	gifts     = 64          // sessions that are given up at once
	giveUp    = 2500 * time.Millisecond
	forgetful = 3 // looks after which a session that is not seen is over
)

// Service is this node's part in finding sessions. Close ends it.
type Service struct {
	cfg  Config
	life context.Context
	end  context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	keeper   *standby.Keeper
	trail    *standby.Trail // by address of the token
	moved    *standby.Trail // by endpoint
	flights  map[string]*flight
	asked    map[uint64]*flight // by id of the Seek
	lastID   uint64
	gifts    int
	giving   map[string]chan struct{} // by token; closed when the session has gone, or stays
	pushed   map[string]*push         // by full JID
	awaited  map[string]*push         // the same, by token
	look     int
	openers  map[uint64]*opener
	accepted map[far]*accepted
	stats    Stats
}

// Stats counts since the start; the first three are as of now.
type Stats struct {
	Records, RecordBytes int // that other nodes keep here
	Channels             int // that are passed on, at both ends

	Searches, Found uint64
	Given           uint64 // sessions that left for the node that their client came to
	Revived         uint64 // participants of dead nodes
	Refused         uint64 // questions with a wrong token
	Full            uint64 // records that were refused
}

// New returns a service that runs until Close.
func New(cfg Config) *Service {
	s := &Service{
		cfg: cfg, keeper: standby.NewKeeper(cfg.Limits), trail: standby.NewTrail(), moved: standby.NewTrail(),
		flights: make(map[string]*flight), asked: make(map[uint64]*flight), pushed: make(map[string]*push), awaited: make(map[string]*push),
		giving:  make(map[string]chan struct{}),
		openers: make(map[uint64]*opener), accepted: make(map[far]*accepted),
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.done.Go(s.run)
	return s
}

// Close ends everything and wipes all records.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.done.Wait()
	s.mu.Lock()
	s.keeper.Close()
	for _, p := range s.pushed {
		p.copy.Wipe()
	}
	s.mu.Unlock()
	s.closeChannels(func(identity.Name) bool { return true })
}

// Stats returns the counters.
func (s *Service) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Records, out.RecordBytes = s.keeper.Len()
	out.Channels = len(s.openers) + len(s.accepted)
	return out
}

func (s *Service) run() {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.tick(time.Now())
		case <-s.life.Done():
			return
		}
	}
}

func (s *Service) tick(now time.Time) {
	alive, _ := s.cfg.Mesh.Alive()
	heard := make(map[identity.Name]bool, len(alive))
	for _, n := range alive {
		heard[n] = true
	}
	s.mu.Lock()
	s.keeper.Tick(now, func(holder identity.Name) bool { return heard[holder] })
	s.mu.Unlock()
	s.closeChannels(func(n identity.Name) bool { return !heard[n] })
	if s.cfg.Standby {
		s.pushAll()
	}
}

// spawn runs f in a goroutine that Close waits for, and reports whether it does.
func (s *Service) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.done.Go(f)
	return true
}

// Session implements mesh.Sessions.
func (s *Service) Session(from identity.Name, f wire.Frame) {
	switch f := f.(type) {
	case wire.Seek:
		s.seek(from, f)
	case wire.Sought:
		s.sought(from, f)
	case wire.Keep:
		s.mu.Lock()
		answer, due, err := s.keeper.Keep(time.Now(), from, f)
		s.mu.Unlock()
		if due {
			s.answer(from, answer, err)
		}
	case wire.Amend:
		s.mu.Lock()
		answer, err := s.keeper.Amend(time.Now(), from, f)
		s.mu.Unlock()
		s.answer(from, answer, err)
	case wire.Kept:
		s.kept(from, f)
	case wire.Wipe:
		s.mu.Lock()
		s.keeper.Wipe(from, f)
		s.mu.Unlock()
	case wire.ChannelOpen:
		s.channelOpen(from, f)
	case wire.ChannelOpened:
		s.channelOpened(from, f)
	case wire.ChannelText:
		s.channelText(from, f)
	case wire.ChannelClosed:
		s.channelClosed(from, f)
	}
}

// answer tells a holder what is kept of its session.
func (s *Service) answer(to identity.Name, kept wire.Kept, err error) {
	if err != nil {
		s.mu.Lock()
		s.stats.Full++
		s.mu.Unlock()
		s.cfg.Log.Debug("record refused", "peer", string(to), "error", err)
	}
	s.cfg.Mesh.Tell(to, kept)
}
