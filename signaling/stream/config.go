package stream

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Config is what a Server is made from.
type Config struct {
	// Domain is the XMPP domain of the clients.
	Domain string
	// Node is the short name of this node, [A-Za-z0-9]+: resume tokens begin with it.
	Node string
	// Handler gets what the clients send.
	Handler Handler
	// Log gets the life of sessions at debug level. Nil discards.
	Log *slog.Logger
	// Origins are the web origins ("https://example.org") whose pages may connect besides those of the host that is
	// asked. "*" allows all. A request without Origin does not come from a page and is allowed.
	Origins []string
	// Address returns the address that a request came from, for the connect rate. Nil stands for the peer of the
	// connection.
	Address func(*http.Request) netip.Addr
	// Elsewhere finds the sessions of tokens that this server does not know. Nil: there is no other server.
	Elsewhere Elsewhere
	// Coming reports whether a session may be on its way here from another server: a client that is quicker waits for it.
	// Nil stands for never.
	Coming func() bool
	// Limits bounds what clients can take. Zero fields stand for their defaults.
	Limits Limits
}

// Elsewhere is the other servers of a cluster.
type Elsewhere interface {
	// Fetch looks for the session of a resume token that has the right form, and brings it here by [Server.Import]. It returns nil
	// when it did, or when somebody else did meanwhile. It is called on the goroutine of a socket, for at most Limits.Fetch, and
	// for at most Limits.Fetches sockets at once.
	Fetch(ctx context.Context, token string) error
}

// Limits bounds what clients can take. A field that is zero stands for its default.
type Limits struct {
	Sessions int // sessions, and separately sockets: 20000

	FirstMessage int           // bytes of a message before authentication: 10 KiB
	Message      int           // bytes of a message after it: 256 KiB
	Negotiation  time.Duration // until authenticated, and again until bound or resumed: 10 s

	StanzaRate, StanzaBurst int // stanzas and other elements of a stream, per second: 20, 200
	ByteRate, ByteBurst     int // bytes, per second: 64 KiB, 512 KiB

	// Connects from one IPv4 address or IPv6 /64 per second: 20, 400. Loopback is exempt.
	ConnectRate, ConnectBurst int

	// Waiting for the socket, and separately for acknowledgement: 2048 stanzas, 2 MiB. That is the burst of ten clients in
	// the same room, or the presence of a room of several hundred, within one round trip.
	QueueStanzas, QueueBytes int

	Write  time.Duration // for a batch of messages to leave: 10 s
	Ping   time.Duration // between WebSocket pings: 30 s
	Pong   time.Duration // for the answer: 20 s
	Resume time.Duration // a suspended session waits for its client: 60 s
	Linger time.Duration // a stream that the server ends has to say so and to close: 2 s
	Fetch  time.Duration // for a session to come from another server: 4 s

	Fetches int // searches for sessions at other servers at once: 256
}

func (l Limits) orDefault() Limits {
	for _, f := range [...]struct {
		field *int
		value int
	}{
		{&l.Sessions, 20000},
		{&l.FirstMessage, 10 << 10},
		{&l.Message, 256 << 10},
		{&l.StanzaRate, 20},
		{&l.StanzaBurst, 200},
		{&l.ByteRate, 64 << 10},
		{&l.ByteBurst, 512 << 10},
		{&l.ConnectRate, 20},
		{&l.ConnectBurst, 400},
		{&l.QueueStanzas, 2048},
		{&l.QueueBytes, 2 << 20},
		{&l.Fetches, 256},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	for _, f := range [...]struct {
		field *time.Duration
		value time.Duration
	}{
		{&l.Negotiation, 10 * time.Second},
		{&l.Write, 10 * time.Second},
		{&l.Ping, 30 * time.Second},
		{&l.Pong, 20 * time.Second},
		{&l.Resume, 60 * time.Second},
		{&l.Linger, 2 * time.Second},
		{&l.Fetch, 4 * time.Second},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}
