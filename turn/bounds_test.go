package turn

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/atoll-mesh/atoll/tools/simnet"
)

// TestAllocationsAreBounded: per user, per address, and users to addresses.
func TestAllocationsAreBounded(t *testing.T) {
	in(t, func(c *Config) { c.Limits = few }, func(w *world) {
		allocate := func(h *simnet.Host, user string) int {
			username, password := w.key.Issue(time.Now(), user)
			r := w.raw(h, "UDP", username, password)
			t.Cleanup(func() { _ = r.conn.Close() })
			return code(r.ask(r.request(stun.MethodAllocate, true)))
		}
		home, office, cafe := w.newHost(), w.newHost(), w.newHost()
		for k, c := range []struct {
			at   *simnet.Host
			user string
			want int
		}{
			{home, "ann", 0}, {office, "ann", 0}, {cafe, "ann", 486}, {home, "ann", 0}, {home, "ann", 486},
			{home, "ben", 0}, {home, "ben", 0}, {home, "eve", 486}, {cafe, "eve", 0},
		} {
			if got := allocate(c.at, c.user); got != c.want {
				t.Errorf("%d, %s: %d, want %d", k, c.user, got, c.want)
			}
		}
		if s := w.server.Stats(); s.Allocations != 6 || s.OverUser != 2 || s.OverAddress != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(11 * time.Minute)
		if got := allocate(home, "eve"); got != 0 {
			t.Errorf("after the others have ended: %d", got)
		}
	})
}

// TestBytesAreBounded sends twice the rate of a user, over two allocations.
func TestBytesAreBounded(t *testing.T) {
	in(t, func(c *Config) { c.Limits = few }, func(w *world) {
		h := w.newHost()
		var relays []net.PacketConn
		for range 2 {
			conn := w.dial(h, "UDP")
			username, password := w.key.Issue(time.Now(), "ann")
			c := w.clientAs(conn, "UDP", username, password)
			relay := w.allocate(c)
			relays = append(relays, relay)
			defer end(c, conn, relay)
			if !w.comesBack(relay, w.media.LocalAddr(), "hello") {
				t.Fatal("nothing comes back")
			}
		}
		time.Sleep(10 * time.Second)
		before := w.server.Stats()
		const seconds = 20
		for range seconds * 20 {
			for _, r := range relays {
				if _, err := r.WriteTo(make([]byte, 500), w.media.LocalAddr()); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
		s := w.server.Stats()
		sent, want := s.UpBytes-before.UpBytes, uint64(few.UserRate*(seconds+1))
		if sent > want || sent < want*9/10 || s.OverRate == 0 {
			t.Errorf("%d bytes in %d s, want %d; %+v", sent, seconds, want, s)
		}
	})
}

// TestHoldingsAreBounded asks for permissions and channels without end.
func TestHoldingsAreBounded(t *testing.T) {
	in(t, func(c *Config) { c.Opened = append(c.Opened, openedTest...) }, func(w *world) {
		username, password := w.key.Issue(time.Now(), "ann")
		r := w.raw(w.newHost(), "UDP", username, password)
		defer r.conn.Close()
		if got := code(r.ask(r.request(stun.MethodAllocate, true, lifetime(3599)))); got != 0 {
			t.Fatalf("answered %d", got)
		}
		given := 0
		for k := range 100 {
			if code(r.ask(r.request(stun.MethodCreatePermission, true, peerAt{net.IPv4(203, 0, 113, byte(k)), 1}))) == 0 {
				given++
			}
		}
		if given != mostHeld {
			t.Errorf("%d permissions, want %d", given, mostHeld)
		}
		if got := code(r.ask(r.request(stun.MethodCreatePermission, true, peerAt{net.IPv4(203, 0, 113, 0), 1}))); got != 0 {
			t.Errorf("one that is there is not refreshed: %d", got)
		}
		time.Sleep(6 * time.Minute)
		if got := code(r.ask(r.request(stun.MethodCreatePermission, true, peerAt{net.IPv4(203, 0, 113, 99), 1}))); got != 0 {
			t.Errorf("after the others have ended: %d", got)
		}
		bound := 0
		for k := range 100 {
			if code(r.ask(r.request(stun.MethodChannelBind, true, channel(0x4000+k), peerAt{net.IPv4(203, 0, 113, 99), 1000 + k}))) == 0 {
				bound++
			}
		}
		if bound != mostHeld {
			t.Errorf("%d channels, want %d", bound, mostHeld)
		}
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
		w.server.mu.Lock()
		defer w.server.mu.Unlock()
		if len(w.server.holdings) != 0 {
			t.Errorf("left: %v", w.server.holdings)
		}
	})
}

// TestRequestsAreBounded floods with requests for the own address, which anybody may ask.
func TestRequestsAreBounded(t *testing.T) {
	in(t, nil, func(w *world) {
		c := w.packets(w.newHost(), ":0")
		defer c.Close()
		to := &net.UDPAddr{IP: net.ParseIP(serverAt), Port: 3478}
		for range 3000 {
			m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.WriteTo(m.Raw, to); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		answers, b := 0, make([]byte, 2048)
		for {
			if _, _, err := c.ReadFrom(b); err != nil {
				break
			}
			answers++
		}
		if s := w.server.Stats(); answers != requestBurst || s.Limited != 3000-requestBurst {
			t.Errorf("%d of 3000 are answered, want %d; %+v", answers, requestBurst, s)
		}
	})
}

// peerAt is an XOR-PEER-ADDRESS.
type peerAt struct {
	ip   net.IP
	port int
}

func (p peerAt) AddTo(m *stun.Message) error {
	return stun.XORMappedAddress{IP: p.ip, Port: p.port}.AddToAs(m, stun.AttrXORPeerAddress)
}

// channel is a CHANNEL-NUMBER.
type channel uint16

func (c channel) AddTo(m *stun.Message) error {
	m.Add(stun.AttrChannelNumber, []byte{byte(c >> 8), byte(c), 0, 0})
	return nil
}

func (c channel) String() string { return fmt.Sprintf("%#x", uint16(c)) }
