package conference

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
	"github.com/atoll-mesh/atoll/signaling/focus"
)

// Session is the XMPP stream of a client as a conference uses it.
type Session interface {
	// JID returns the full JID of the client.
	JID() string
	Endpoint() room.EndpointID
	// SocketURL returns scheme and host by which the client came: "wss://host[:port]".
	SocketURL() string
	// Send queues a complete stanza and never blocks.
	Send(stanza []byte)
	// Close ends the stream with a stream error condition.
	Close(condition string)
	// Suspend cuts the socket as a lost network does; Export ends the session here and returns what another node needs to
	// go on with it.
	Suspend()
	Export() session.Stream
	// Snapshot is Export while the stream goes on; false when the client could not resume it.
	Snapshot() (session.Stream, bool)
}

// Media opens legs at this node's edge.
type Media interface {
	// Open returns a new leg that delivers to r and how a client reaches it, without the bridge channel's URL.
	Open(r LegReceiver) (Leg, focus.Transport, error)
}

// Config is what every conference of a node has in common.
type Config struct {
	Domain   string
	Node     string // name of the node, part of bridge channel URLs
	Region   string
	Codecs   []focus.Codec // offered, best first
	Media    Media
	Mesh     Mesh // nil: the node stands alone
	Log      *slog.Logger
	MaxRooms int // default 10,000
	// Key makes the id of a conference from the name of its room: the same at every node that has the key.
	Key []byte
	// Rand returns what SSRCs and first sequence numbers are made from. Nil: crypto/rand.
	Rand func() uint32
}

// Rooms is every room with somebody at this node.
type Rooms struct {
	cfg  Config
	caps focus.CapsCache

	mu    sync.Mutex
	rooms map[string]*Conference // by bare JID
	byID  map[string]*Conference // by id
	// inRooms says where the client with a full JID is or asks to be: the number of its joins on their way, and one more
	// when it is in.
	inRooms map[string]map[*Conference]int
	closing bool
	ended   sync.WaitGroup
}

// ErrFull is returned when the node holds as many rooms as it may.
var ErrFull = errors.New("open room: the node holds as many rooms as it may")

// NewRooms returns an empty set of rooms.
func NewRooms(cfg Config) *Rooms {
	if cfg.MaxRooms == 0 {
		cfg.MaxRooms = 10_000
	}
	if cfg.Mesh == nil {
		cfg.Mesh = &alone{}
	}
	return &Rooms{
		cfg:     cfg,
		rooms:   make(map[string]*Conference),
		byID:    make(map[string]*Conference),
		inRooms: make(map[string]map[*Conference]int),
	}
}

// post puts l into the mailbox of the room and reports whether the room exists. With open, a missing room is made.
func (r *Rooms) post(jid string, open bool, l letter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, err := r.find(jid, open)
	if err == nil && !c.mail.put(l) {
		err = ErrFull
	}
	return err
}

// find returns the room. With open, a missing room is made; nobody enters any more once the rooms are being closed.
func (r *Rooms) find(jid string, open bool) (*Conference, error) {
	c := r.rooms[jid]
	switch {
	case open && r.closing, c == nil && !open:
		return nil, errNoRoom
	case c != nil:
		return c, nil
	case len(r.rooms) >= r.cfg.MaxRooms:
		return nil, ErrFull
	}
	return r.open(jid), nil
}

var (
	errNoRoom  = errors.New("no such room")
	errCrowded = errors.New("the stream is in as many rooms as it may")
)

// knock posts the join of a stream, which is refused when the stream is in as many other rooms as it may. From now on the room
// is told of the stream's end, whatever becomes of the join.
func (r *Rooms) knock(stream, jid string, l letter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if in := r.inRooms[stream]; len(in) >= roomsPerSession && in[r.rooms[jid]] == 0 {
		return errCrowded
	}
	c, err := r.find(jid, true)
	if err != nil {
		return err
	}
	var join letter
	join = func(c *Conference, now time.Time) {
		if c.hold(join) {
			return
		}
		l(c, now)
		r.leave(stream, c)
	}
	if !c.mail.put(join) {
		return ErrFull
	}
	r.entered(stream, c)
	return nil
}

func (r *Rooms) open(jid string) *Conference {
	c := newConference(r, jid, r.id(jid))
	r.rooms[jid] = c
	r.byID[c.id] = c
	r.ended.Go(c.run)
	return c
}

// id returns what stands for a room in the URLs of bridge channels, which the room's name is not to be read from.
func (r *Rooms) id(jid string) string {
	mac := hmac.New(sha256.New, r.cfg.Key)
	mac.Write([]byte(jid))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// close forgets c when nothing waits for it, and reports whether it did: its loop then ends.
func (r *Rooms) close(c *Conference) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !c.mail.closeIfEmpty() {
		return false
	}
	delete(r.rooms, c.jid)
	delete(r.byID, c.id)
	return true
}

// roomsPerSession bounds the rooms that one stream can be in: a meeting, its lobby and breakout rooms.
const roomsPerSession = 8

// enter notes that the stream jid has business in c, so that its end is told there, until as many calls of leave.
func (r *Rooms) enter(jid string, c *Conference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entered(jid, c)
}

func (r *Rooms) entered(jid string, c *Conference) {
	in := r.inRooms[jid]
	if in == nil {
		in = make(map[*Conference]int)
		r.inRooms[jid] = in
	}
	in[c]++
}

func (r *Rooms) leave(jid string, c *Conference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.inRooms[jid]
	if in[c]--; in[c] > 0 {
		return
	}
	if delete(in, c); len(in) == 0 {
		delete(r.inRooms, jid)
	}
}

// each tells every room that the stream jid is in. That it is there, lost or gone comes as often as sockets come and go, and
// must not get lost.
func (r *Rooms) each(jid string, l letter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.inRooms[jid] {
		c.mail.add(l)
	}
}

// Counts are how many rooms and occupants this node serves.
type Counts struct{ Rooms, Participants int }

// Counts returns how many there are now.
func (r *Rooms) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Counts{Rooms: len(r.rooms), Participants: len(r.inRooms)}
}

// Close empties every room and waits for their loops, or for ctx.
func (r *Rooms) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closing = true
	for _, c := range r.rooms {
		c.mail.jump((*Conference).shutdown) // what waits may be the leaving of hundreds
	}
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.ended.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
