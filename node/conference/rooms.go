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

	mu      sync.Mutex
	rooms   map[string]*Conference              // by bare JID
	byID    map[string]*Conference              // by id
	inRooms map[string]map[*Conference]struct{} // full JID of a client: where it is or asked to be
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
	return &Rooms{
		cfg:     cfg,
		rooms:   make(map[string]*Conference),
		byID:    make(map[string]*Conference),
		inRooms: make(map[string]map[*Conference]struct{}),
	}
}

// post puts l into the mailbox of the room and reports whether the room exists. With open, a missing room is made.
func (r *Rooms) post(jid string, open bool, l letter) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.rooms[jid]
	if c == nil {
		if !open || r.closing {
			return errNoRoom
		}
		if len(r.rooms) >= r.cfg.MaxRooms {
			return ErrFull
		}
		c = r.open(jid)
	}
	if !c.mail.put(l) {
		return ErrFull
	}
	return nil
}

var errNoRoom = errors.New("no such room")

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
	for jid, in := range r.inRooms {
		if delete(in, c); len(in) == 0 {
			delete(r.inRooms, jid)
		}
	}
	return true
}

// roomsPerSession bounds the rooms that one stream can be in: a meeting, its lobby and breakout rooms.
const roomsPerSession = 8

// crowded reports whether the stream jid is in as many rooms as it may, and room is not one of them.
func (r *Rooms) crowded(jid, room string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.inRooms[jid]
	_, already := in[r.rooms[room]]
	return len(in) >= roomsPerSession && !already
}

// enter notes that the stream jid has business in c, so that its end is told there.
func (r *Rooms) enter(jid string, c *Conference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.inRooms[jid]
	if in == nil {
		in = make(map[*Conference]struct{})
		r.inRooms[jid] = in
	}
	in[c] = struct{}{}
}

func (r *Rooms) leave(jid string, c *Conference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.inRooms[jid]
	if delete(in, c); len(in) == 0 {
		delete(r.inRooms, jid)
	}
}

// each puts l into the mailbox of every room that the stream jid is in.
func (r *Rooms) each(jid string, l letter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.inRooms[jid] {
		c.mail.put(l)
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
		c.mail.put((*Conference).shutdown)
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
