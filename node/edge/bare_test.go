package edge

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// bare is the ICE part of a client that does just what the test says, on a socket that can be changed. Read returns what is
// not STUN.
type bare struct {
	t          testing.TB
	to         *net.UDPAddr
	local      Credentials // of the server
	ufrag, pwd string

	mu        sync.Mutex
	conn      *net.UDPConn
	packets   chan []byte
	done      chan struct{}
	news      chan struct{}
	answers   int // to our checks
	checks    int // of the server
	nominated bool
	mute      bool // checks are not answered
}

func newBare(t testing.TB, e *Edge, l *Leg) *bare {
	b := &bare{
		t: t, to: net.UDPAddrFromAddrPort(e.Addr()), local: l.Local(), ufrag: "bareufrag", pwd: "barepasswordbarepassword",
		packets: make(chan []byte, 1000), done: make(chan struct{}), news: make(chan struct{}, 1),
	}
	b.rebind()
	t.Cleanup(func() {
		close(b.done)
		b.conn.Close()
	})
	return b
}

// rebind moves the client to another port.
func (b *bare) rebind() {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	if b.conn != nil {
		b.conn.Close()
	}
	b.conn = conn
	b.nominated = false
	b.mu.Unlock()
	go b.serve(conn)
}

func (b *bare) serve(conn *net.UDPConn) {
	buf := make([]byte, 2000)
	for {
		n, from, err := conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if buf[0] >= 4 {
			select {
			case b.packets <- append([]byte(nil), buf[:n]...):
			case <-b.done:
			}
			continue
		}
		m := stun.New()
		if _, err := m.Write(buf[:n]); err != nil {
			b.t.Errorf("STUN from the server: %v", err)
			continue
		}
		b.mu.Lock()
		switch {
		case m.Type == stun.BindingSuccess:
			if err := stun.NewShortTermIntegrity(b.local.Pwd).Check(m); err != nil {
				b.t.Errorf("answer of the server: %v", err)
			}
			b.answers++
		case m.Type == stun.BindingRequest && !b.mute:
			if err := stun.NewShortTermIntegrity(b.pwd).Check(m); err != nil {
				b.t.Errorf("check of the server: %v", err)
			}
			b.checks++
			b.nominated = b.nominated || m.Contains(stun.AttrUseCandidate)
			answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
				&stun.XORMappedAddress{IP: from.IP, Port: from.Port}, stun.NewShortTermIntegrity(b.pwd), stun.Fingerprint)
			if err != nil {
				b.t.Error(err)
			}
			conn.WriteToUDP(answer.Raw, from)
		}
		b.mu.Unlock()
		select {
		case b.news <- struct{}{}:
		default:
		}
	}
}

func (b *bare) request(pwd string) []byte {
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(b.local.Ufrag+":"+b.ufrag),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{110, 0, 0, 1}},
		stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)},
		stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
	if err != nil {
		b.t.Fatal(err)
	}
	return m.Raw
}

// check sends one check to the server.
func (b *bare) check() { b.Write(b.request(b.local.Pwd)) }

func (b *bare) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.conn.WriteToUDP(p, b.to)
}

func (b *bare) Read(p []byte) (int, error) {
	select {
	case packet := <-b.packets:
		return copy(p, packet), nil
	case <-b.done:
		return 0, net.ErrClosed
	}
}

func (b *bare) wait(what string, done func() bool) {
	b.t.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		ok := done()
		b.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-b.news:
		case <-timeout:
			b.t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}
