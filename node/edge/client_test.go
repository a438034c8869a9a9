package edge

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
)

const patience = 10 * time.Second

var quiet = &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}

// client is a client made of pion's own ICE agent, DTLS and SRTP.
type client struct {
	t           testing.TB
	agent       *ice.Agent
	cert        tls.Certificate
	fingerprint string
	profiles    []dtls.SRTPProtectionProfile

	conn  io.ReadWriter
	wire  *records
	dtls  *dtls.Conn
	state dtls.State

	send, receive *srtp.Context
	sending       sync.Mutex

	lose func(record []byte) bool // before dial; nil for nothing

	mu     sync.Mutex
	sealed map[uint64][]byte // SSRC and index of everything received, to find nonces used twice
	rtp    map[uint32][]uint16
	rtcp   map[uint32]int
	bad    []error
	roc    map[uint32]uint32
	last   map[uint32]uint16
	news   chan struct{}
	closed chan struct{}
}

func newClient(t testing.TB) *client {
	t.Helper()
	agent, err := ice.NewAgentWithOptions(
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}), ice.WithIncludeLoopback(),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), ice.WithLoggerFactory(quiet),
		ice.WithInterfaceFilter(func(name string) bool { return name == "lo" }),
	)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{
		t: t, agent: agent, cert: cert, profiles: profiles,
		sealed: map[uint64][]byte{}, rtp: map[uint32][]uint16{}, rtcp: map[uint32]int{},
		roc: map[uint32]uint32{}, last: map[uint32]uint16{},
		news: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	c.fingerprint, _ = certificateFingerprint(&cert)
	if err := agent.OnCandidate(func(ice.Candidate) {}); err != nil {
		t.Fatal(err)
	}
	if err := agent.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func (c *client) close() {
	c.agent.Close()
	if c.wire != nil {
		c.wire.kill()
		c.dtls.Close()
	}
}

// dial connects to a leg: ICE as controlled agent, then DTLS as client.
func (c *client) dial(l *Leg, candidates []Candidate) error {
	if err := c.check(l, candidates); err != nil {
		return err
	}
	return c.handshake(l.edge.Fingerprint())
}

func (c *client) check(l *Leg, candidates []Candidate) error {
	for _, k := range candidates {
		host, err := ice.NewCandidateHost(&ice.CandidateHostConfig{
			Network: "udp", Address: k.Addr.Addr().String(), Port: int(k.Addr.Port()), Component: 1,
			Priority: k.Priority, Foundation: k.Foundation,
		})
		if err != nil {
			return err
		}
		if err := c.agent.AddRemoteCandidate(host); err != nil {
			return err
		}
	}
	// The agent takes them later, and one that it has when it has chosen another it never checks.
	eventually(c.t, "the candidates", func() bool {
		known, err := c.agent.GetRemoteCandidates()
		return err != nil || len(known) == len(candidates)
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	local := l.Local()
	conn, err := c.agent.Accept(ctx, local.Ufrag, local.Pwd)
	if err != nil {
		return fmt.Errorf("ICE: %w", err)
	}
	c.conn = conn
	return nil
}

func (c *client) handshake(fingerprint string) error {
	c.wire = newRecords(func(b []byte) { c.conn.Write(b) })
	conn, err := dtls.ClientWithOptions(c.wire, clientAddr{}, dtls.WithCertificates(c.cert), dtls.WithLoggerFactory(quiet),
		dtls.WithSRTPProtectionProfiles(c.profiles...), dtls.WithInsecureSkipVerify(true),
		dtls.WithFlightInterval(100*time.Millisecond), dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret))
	if err != nil {
		return err
	}
	c.dtls = conn
	go c.read()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("DTLS: %w", err)
	}
	go func() {
		defer close(c.closed)
		b := make([]byte, 2000)
		for {
			if _, err := conn.Read(b); err != nil {
				return
			}
		}
	}()
	c.state, _ = conn.ConnectionState()
	want, err := parseFingerprint(fingerprint)
	if err != nil {
		return err
	}
	if !want.matches(c.state.PeerCertificates[0]) {
		return fmt.Errorf("the server's certificate is another")
	}
	profile, _ := conn.SelectedSRTPProtectionProfile()
	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(&c.state, true); err != nil {
		return err
	}
	k := config.Keys
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.send, err = srtp.CreateContext(k.LocalMasterKey, k.LocalMasterSalt, config.Profile); err != nil {
		return err
	}
	// The client's own replay protection is on, as in a browser.
	c.receive, err = srtp.CreateContext(k.RemoteMasterKey, k.RemoteMasterSalt, config.Profile,
		srtp.SRTPReplayProtection(1024), srtp.SRTCPReplayProtection(64))
	return err
}

func (c *client) read() {
	b := make([]byte, 2000)
	for {
		n, err := c.conn.Read(b)
		if err != nil {
			return
		}
		if isDTLS(b[:n]) {
			if c.lose == nil || !c.lose(b[:n]) {
				c.wire.put(b[:n])
			}
			continue
		}
		c.mu.Lock()
		c.take(append([]byte(nil), b[:n]...))
		c.mu.Unlock()
		select {
		case c.news <- struct{}{}:
		default:
		}
	}
}

func (c *client) take(b []byte) {
	if c.receive == nil {
		return
	}
	if b[1] >= 192 && b[1] < 224 {
		plain, err := c.receive.DecryptRTCP(nil, b, nil)
		if err != nil {
			c.bad = append(c.bad, err)
			return
		}
		c.rtcp[binary.BigEndian.Uint32(plain[4:])]++
		return
	}
	ssrc, seq := binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:])
	if last, ok := c.last[ssrc]; ok && last > 0xf000 && seq < 0x1000 {
		c.roc[ssrc]++
	}
	c.last[ssrc] = seq
	key := uint64(ssrc)<<48 ^ uint64(c.roc[ssrc])<<16 ^ uint64(seq)
	if c.sealed[key] != nil {
		c.bad = append(c.bad, fmt.Errorf("ssrc %d seq %d was sealed twice", ssrc, seq))
	}
	c.sealed[key] = b
	if _, err := c.receive.DecryptRTP(nil, b, nil); err != nil {
		c.bad = append(c.bad, err)
		return
	}
	c.rtp[ssrc] = append(c.rtp[ssrc], seq)
}

// wait waits until done, which is called with the lock held.
func (c *client) wait(what string, done func() bool) {
	c.t.Helper()
	timeout := time.After(patience)
	for {
		c.mu.Lock()
		ok, bad := done(), c.bad
		c.mu.Unlock()
		if len(bad) > 0 {
			c.t.Fatalf("%s: %v", what, bad)
		}
		if ok {
			return
		}
		select {
		case <-c.news:
		case <-timeout:
			c.t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}

func (c *client) sendRTP(ssrc uint32, seq uint16) {
	c.sending.Lock()
	defer c.sending.Unlock()
	b, err := c.send.EncryptRTP(nil, packet(nil, ssrc, seq), nil)
	if err != nil {
		c.t.Error(err)
	}
	c.conn.Write(b)
}

func (c *client) sendRTCP(ssrc uint32) {
	c.sending.Lock()
	defer c.sending.Unlock()
	b, err := c.send.EncryptRTCP(nil, report(ssrc), nil)
	if err != nil {
		c.t.Error(err)
	}
	c.conn.Write(b)
}

// packet is an RTP packet with 100 bytes of payload.
func packet(b []byte, ssrc uint32, seq uint16) []byte {
	b = append(b, 0x80, 100)
	b = binary.BigEndian.AppendUint16(b, seq)
	b = binary.BigEndian.AppendUint32(b, uint32(seq)*3000)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	for i := range 100 {
		b = append(b, byte(i))
	}
	return b
}

// report is an empty receiver report.
func report(ssrc uint32) []byte { return binary.BigEndian.AppendUint32([]byte{0x80, 201, 0, 1}, ssrc) }

// recorder is a Receiver that keeps what it hears.
type recorder struct {
	t         testing.TB
	mu        sync.Mutex
	rtp       map[uint32][]uint16
	rtcp      map[uint32]int
	ticks     int
	connected bool
	reason    error
	news      chan struct{}
}

func newRecorder(t testing.TB) *recorder {
	return &recorder{t: t, rtp: map[uint32][]uint16{}, rtcp: map[uint32]int{}, news: make(chan struct{}, 1)}
}

func (r *recorder) note(f func()) {
	r.mu.Lock()
	f()
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *recorder) Connected() {
	r.note(func() {
		if r.connected || r.reason != nil || len(r.rtp) > 0 {
			r.t.Error("Connected is not the first call")
		}
		r.connected = true
	})
}

func (r *recorder) Flush() {}

func (r *recorder) RTP(b []byte, _ time.Time) bool {
	r.note(func() {
		if len(b) != 112 || b[111] != 99 {
			r.t.Errorf("RTP of %d bytes is damaged", len(b))
		}
		ssrc := binary.BigEndian.Uint32(b[8:])
		r.rtp[ssrc] = append(r.rtp[ssrc], binary.BigEndian.Uint16(b[2:]))
	})
	return false
}

func (r *recorder) RTCP(b []byte, _ time.Time) {
	r.note(func() { r.rtcp[binary.BigEndian.Uint32(b[4:])]++ })
}

func (r *recorder) Tick(time.Time) { r.note(func() { r.ticks++ }) }

func (r *recorder) Closed(reason error) {
	r.note(func() {
		if r.reason != nil {
			r.t.Error("Closed twice")
		}
		r.reason = reason
	})
}

func (r *recorder) wait(what string, done func() bool) {
	r.t.Helper()
	timeout := time.After(patience)
	for {
		r.mu.Lock()
		ok := done()
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-r.news:
		case <-timeout:
			r.t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}

func listen(t testing.TB) *Edge {
	t.Helper()
	e, err := Listen(Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// join connects a new client to a new leg.
func join(t testing.TB, e *Edge) (*Leg, *recorder, *client) {
	t.Helper()
	r, c := newRecorder(t), newClient(t)
	l, err := e.NewLeg(r)
	if err != nil {
		t.Fatal(err)
	}
	invite(t, l, c)
	if err := c.dial(l, e.Candidates()); err != nil {
		t.Fatal(err)
	}
	r.wait("connected", func() bool { return r.connected })
	return l, r, c
}

func invite(t testing.TB, l *Leg, c *client) {
	t.Helper()
	ufrag, pwd, err := c.agent.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.SetRemote(ufrag, pwd, c.fingerprint); err != nil {
		t.Fatal(err)
	}
}
