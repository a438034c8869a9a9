package turn

import (
	"net"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/atoll-mesh/atoll/tools/simnet"
	"github.com/atoll-mesh/atoll/turn/credential"
	"github.com/atoll-mesh/atoll/turn/quota"
)

// world is a server, a member with its media and another port, and a stranger, in virtual time.
type world struct {
	*testing.T
	net       *simnet.Network
	server    *Server
	host      *simnet.Host
	key       credential.Key
	media     *simnet.PacketConn // of the member
	beside    *simnet.PacketConn // another port of the member
	stranger  *simnet.PacketConn
	clients   int
	addresses int
}

const (
	serverAt  = "192.0.2.1"
	memberAt  = "192.0.2.2"
	elsewhere = "198.51.100.9"
)

// in runs f in a world, in which nothing may be left afterwards: a bubble does not end before its last goroutine.
func in(t *testing.T, change func(*Config), f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: simnet.New(1), key: credential.NewKey([]byte("secret of the cluster"))}
		defer w.net.Close()
		w.net.SetDefault(simnet.Link{Delay: 5 * time.Millisecond})
		w.host = w.net.Host(serverAt)
		member, stranger := w.net.Host(memberAt), w.net.Host(elsewhere)
		w.media, w.beside, w.stranger = w.packets(member, ":10000"), w.packets(member, ":10001"), w.packets(stranger, ":10000")
		cfg := Config{
			Realm: "meet.test", Key: w.key, UDP: w.packets(w.host, ":3478"), TCP: w.streams(":3478"), TLS: w.streams(":443"),
			Relays: []netip.Addr{w.host.Addr()},
			Listen: func(network, address string) (net.PacketConn, error) { return w.host.ListenPacket(network, address) },
		}
		if change != nil {
			change(&cfg)
		}
		var err error
		if w.server, err = Start(cfg); err != nil {
			t.Fatal(err)
		}
		w.server.SetPeers([]netip.AddrPort{netip.MustParseAddrPort(memberAt + ":10000")})
		var echoes []net.PacketConn
		for _, c := range []*simnet.PacketConn{w.media, w.beside, w.stranger} {
			go echo(c)
			echoes = append(echoes, c)
		}
		f(w)
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
		if s := w.server.Stats(); s.Allocations != 0 || s.Streams != 0 {
			t.Errorf("left behind: %+v", s)
		}
		for _, c := range echoes {
			_ = c.Close()
		}
	})
}

func (w *world) packets(h *simnet.Host, address string) *simnet.PacketConn {
	w.Helper()
	c, err := h.ListenPacket("udp", address)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func (w *world) streams(address string) net.Listener {
	w.Helper()
	l, err := w.host.Listen("tcp", address)
	if err != nil {
		w.Fatal(err)
	}
	return l
}

func echo(c net.PacketConn) {
	b := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		_, _ = c.WriteTo(b[:n], from)
	}
}

// newHost is a client's machine at an address of its own.
func (w *world) newHost() *simnet.Host {
	w.addresses++
	return w.net.Host(netip.AddrFrom4([4]byte{203, 0, 113, byte(w.addresses)}).String())
}

// ways are how clients come.
var ways = map[string]string{"UDP": "3478", "TCP": "3478", "TLS": "443"}

// dial opens a client's socket to the server.
func (w *world) dial(h *simnet.Host, way string) net.PacketConn {
	w.Helper()
	if way == "UDP" {
		return w.packets(h, ":0")
	}
	c, err := h.Dial("tcp", net.JoinHostPort(serverAt, ways[way]))
	if err != nil {
		w.Fatal(err)
	}
	return turn.NewSTUNConn(c)
}

// client is pion's, with a credential of a user.
func (w *world) client(h *simnet.Host, way, user string) *turn.Client {
	w.Helper()
	username, password := w.key.Issue(time.Now(), user)
	return w.clientAs(w.dial(h, way), way, username, password)
}

func (w *world) clientAs(conn net.PacketConn, way, username, password string) *turn.Client {
	w.Helper()
	at := net.JoinHostPort(serverAt, ways[way])
	c, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: at, TURNServerAddr: at, Conn: conn, Username: username, Password: password,
		LoggerFactory: &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
	})
	if err != nil {
		w.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		w.Fatal(err)
	}
	w.clients++
	return c
}

// allocate returns the relay of a client.
func (w *world) allocate(c *turn.Client) net.PacketConn {
	w.Helper()
	relay, err := c.Allocate()
	if err != nil {
		w.Fatal(err)
	}
	return relay
}

// end closes a client.
func end(c *turn.Client, conn interface{ Close() error }, relay net.PacketConn) {
	if relay != nil {
		_ = relay.Close()
	}
	c.Close()
	_ = conn.Close()
}

// comesBack sends something to a peer and reports whether it returns within a second.
func (w *world) comesBack(relay net.PacketConn, peer net.Addr, what string) bool {
	w.Helper()
	if _, err := relay.WriteTo([]byte(what), peer); err != nil {
		return false
	}
	return w.hears(relay, what)
}

func (w *world) hears(relay net.PacketConn, what string) bool {
	w.Helper()
	if err := relay.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		w.Fatal(err)
	}
	b := make([]byte, 2048)
	for {
		n, _, err := relay.ReadFrom(b)
		if err != nil {
			return false
		}
		if string(b[:n]) == what {
			return true
		}
	}
}

// raw speaks TURN by hand.
type raw struct {
	*testing.T
	conn     net.PacketConn
	to       net.Addr
	nonce    stun.Nonce
	username string
	password string
}

// raw opens a socket for a credential and asks for a nonce.
func (w *world) raw(h *simnet.Host, way, username, password string) *raw {
	w.Helper()
	port, err := strconv.Atoi(ways[way])
	if err != nil {
		w.Fatal(err)
	}
	r := &raw{T: w.T, conn: w.dial(h, way), to: &net.UDPAddr{IP: net.ParseIP(serverAt), Port: port}, username: username, password: password}
	answer := r.ask(r.request(stun.MethodAllocate, false))
	if err := r.nonce.GetFrom(answer); err != nil {
		w.Fatalf("%v: %v", answer, err)
	}
	return r
}

// request makes a request, with a transaction of its own.
func (r *raw) request(method stun.Method, signed bool, more ...stun.Setter) []byte {
	r.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest), udpTransport{}}, more...)
	if signed {
		setters = append(setters, stun.NewUsername(r.username), stun.NewRealm("meet.test"), r.nonce,
			stun.NewLongTermIntegrity(r.username, "meet.test", r.password))
	}
	m, err := stun.Build(setters...)
	if err != nil {
		r.Fatal(err)
	}
	return m.Raw
}

// udpTransport asks for a relay on UDP (RFC 8656 18.8).
type udpTransport struct{}

func (udpTransport) AddTo(m *stun.Message) error {
	m.Add(stun.AttrRequestedTransport, []byte{17, 0, 0, 0})
	return nil
}

// lifetime asks for a lifetime.
type lifetime uint32

func (l lifetime) AddTo(m *stun.Message) error {
	m.Add(stun.AttrLifetime, []byte{byte(l >> 24), byte(l >> 16), byte(l >> 8), byte(l)})
	return nil
}

// ask sends a request and returns the answer, nil when there is none within a second.
func (r *raw) ask(request []byte) *stun.Message {
	r.Helper()
	if _, err := r.conn.WriteTo(request, r.to); err != nil {
		return nil
	}
	if err := r.conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return nil
	}
	b := make([]byte, 2048)
	n, _, err := r.conn.ReadFrom(b)
	if err != nil {
		return nil
	}
	m := &stun.Message{Raw: b[:n]}
	if err := m.Decode(); err != nil {
		r.Fatal(err)
	}
	return m
}

// code returns the error that an answer gives, 0 for success, -1 for no answer.
func code(m *stun.Message) int {
	if m == nil {
		return -1
	}
	var e stun.ErrorCodeAttribute
	if e.GetFrom(m) != nil {
		return 0
	}
	return int(e.Code)
}

// few are limits that a test reaches.
var few = quota.Limits{User: 3, Address: 4, Total: 100, Addresses: 2, UserRate: 10_000, AddressRate: 1_000_000, Burst: time.Second, Requests: 100}
