// Package edge is the transport towards clients: one UDP port on which every client of the node is reached by ICE, DTLS
// and SRTP.
//
// It is a driver: it owns the socket, its goroutines and the clock. What decides is in the engines below it: node/edge/path
// (which pair of addresses) and node/edge/counter (which packet index). DTLS handshakes are pion/dtls, the cipher is
// pion/srtp, the socket is the standard library's.
//
// # Paths and legs
//
// A [Path] is one ICE session: a pipe for sealed packets to and from one client. A [Leg] is one client's media: keys,
// counters, replay windows, the DTLS association. A leg made by [Edge.NewLeg] has a path of its own. When the leg moves
// to another node ([Leg.Export], [Edge.Import]) the path may stay where it is: it is redirected ([Path.Redirect]) to
// whatever carries sealed packets to the leg's new node and sends what comes back ([Path.Send], [Leg.Attach],
// [Leg.Deliver]). A standby has a path without a leg ([Edge.Prepare]) with the credentials of the owner's path.
//
// # Packets
//
// In: the first byte says what a datagram is (RFC 7983). A binding request belongs to the path that its USERNAME names.
// Everything else belongs to the path that its addresses belong to, and addresses belong to a path only after a binding
// request with that path's password came from them. DTLS and SRTP from anywhere else, and whatever is neither, is counted
// ([Edge.Stats]) and dropped. Records that an attacker could use to end an association from outside are dropped before
// pion sees them (see records.go).
//
// A datagram is opened in the buffer it was read into and handed to the leg's [Receiver]. What comes before a leg is
// ready is kept, at most 128 packets a path: before the handshake is through and verified, and between export and
// redirection.
//
// Out: [Leg.SendRTP] numbers a packet under the leg's own lock and takes the buffer over. Packets gather per path, in the
// shard that sends for the path, and leave at the end of the batch that the reader is working on, at once
// when neither is. Then they are sealed in place (AES-GCM; other profiles in SendRTP) and sent with one system call per 64
// clients. Packets of equal size for the same client leave as one datagram that the kernel or the network card cuts up
// (UDP segmentation offload), where that works. Packets leave from the address that the client reached.
//
// There is a shard for every processor. Who ends a batch seals and sends it; of a large batch, all but the first shard's
// part is sealed and sent by those shards' own goroutines, at the same time.
//
// RTCP comes to a second socket of the same port, which the kernel sorts it into, and wakes nobody: it is read when the reader
// has read and sent media, at most every 4 ms, and every 10 ms when there is none. Where the kernel does not do that it comes with
// the rest. So what a leg receives is in order for RTP and for RTCP, but not between them.
//
// While several clients are on their way in, the reader waits in the kernel instead of having the runtime poll for it, and keeps
// its processor meanwhile (see crowd.go): dearer, and not late by what the others have to do.
//
// The reader's batch ends when the socket is empty and no frame is open: of a frame whose last packet was not read yet the
// first ones wait for the others, at most 2 ms. Who receives can do nothing with a part of it, and it leaves as one datagram
// per client. A batch with STUN in it does not wait.
//
// The same SSRC and index are never sealed twice: [Leg.SendRTP] refuses. An index counts as used from the number on, also
// when the packet is then not sent.
//
// # Order of a leg
//
// NewLeg, SetRemote, Receiver.Connected once the handshake is done, the client's certificate has the signalled fingerprint
// and a pair is valid; then RTP and RTCP one at a time, each in the order of arrival, and Tick beside them; at last Closed, once,
// unless the owner called Close or Export before. After Closed the owner still calls Close.
//
// The handshake is answered as soon as an authenticated check came in, also before the client's credentials are known
// here: its first flight is not held up by signalling.
//
// # Goroutines
//
// One for an edge, which reads and drives the timers, and one for every processor but the first. Four for a leg from its first DTLS record until the handshake is
// through, one of ours and three of pion/dtls, and for 2 to 10 s when another record comes; else none. None for a path. Each ends with the Close of what it belongs to.
package edge

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/pion/dtls/v3"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

const (
	tickInterval = 20 * time.Millisecond
	// ticksAtOnce is how many legs at least have their tick before packets that came meanwhile may be read.
	ticksAtOnce = 16
	// silence is how long a leg lives without a valid packet of any kind.
	silence = 30 * time.Second
)

// Receiver takes what a leg receives. The calls come from the edge's goroutines and must not block. Packets are valid
// only during the call. RTP and RTCP come one at a time; Tick may run beside them, where packets come by another way than the socket. From within Connected, RTP and RTCP
// the owner may call the leg's Send functions and Close, but neither Export nor functions of the path.
type Receiver interface {
	// Connected: media flows from now on.
	Connected()
	// RTP is one decrypted RTP packet. It returns whether more packets of the same frame are to come: what came of it may
	// wait for them, but no longer than until Flush.
	RTP(packet []byte, arrived time.Time) (more bool)
	// Flush: what RTP made wait, waits no longer. It comes one at a time with RTP and RTCP.
	Flush()
	// RTCP is one decrypted compound packet.
	RTCP(compound []byte, arrived time.Time)
	// Tick comes about every 20 ms once connected.
	Tick(now time.Time)
	// Closed: the client closed, fell silent or could not be verified. Nothing comes after it.
	Closed(reason error)
}

// Config is what an Edge is made of.
type Config struct {
	// Listen is the UDP address, "host:port" or ":port"; port 0 takes a free one.
	Listen string
	// Advertise are the addresses told to clients, "ip" or "ip:port". Empty: every unicast address of the machine.
	Advertise []string
	// Loopback adds the loopback addresses, which otherwise count only when there are no others.
	Loopback bool
	// Certificate is the DTLS certificate. Nil: a new one is made.
	Certificate *tls.Certificate
	// Log takes what operators should know. Nil: nothing is logged.
	Log *slog.Logger
}

// Edge is one UDP port and the clients on it. Safe for concurrent use.
type Edge struct {
	began       time.Time // see instant
	log         *slog.Logger
	sock        *socket
	out         egress
	frames      frames
	crowd       crowd
	candidates  []Candidate
	fingerprint string
	common      []dtls.Option
	stats       counters

	random struct {
		sync.Mutex
		*mathrand.ChaCha8
	}

	mu     sync.RWMutex // guards what follows
	paths  map[string]*Path
	table  map[path.Pair]*source
	legs   map[*Leg]struct{}
	closed bool

	ticking struct { // the reader's
		paths []*Path
		legs  []*Leg
		next  int       // of legs
		since time.Time // when the first had its tick
	}

	stop chan struct{}
	work sync.WaitGroup
}

// ErrClosed says that the edge, leg or path was closed before.
var ErrClosed = errors.New("closed")

// Listen opens the port and serves it until Close.
func Listen(c Config) (*Edge, error) {
	e := &Edge{
		began: time.Now().Add(-2 * oldest), // no packet came before
		log:   c.Log,
		paths: make(map[string]*Path),
		table: make(map[path.Pair]*source),
		legs:  make(map[*Leg]struct{}),
		stop:  make(chan struct{}),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	var seed [32]byte
	rand.Read(seed[:])
	e.random.ChaCha8 = mathrand.NewChaCha8(seed)

	cert := c.Certificate
	if cert == nil {
		made, err := NewCertificate()
		if err != nil {
			return nil, err
		}
		cert = &made
	}
	var err error
	if e.fingerprint, err = certificateFingerprint(cert); err != nil {
		return nil, err
	}
	e.common = associationOptions(*cert)

	addr, err := net.ResolveUDPAddr("udp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("media address %q: %w", c.Listen, err)
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for media on %q: %w", c.Listen, err)
	}
	if e.sock, err = newSocket(conn); err != nil {
		return nil, fmt.Errorf("listen for media on %q: %w", c.Listen, err)
	}
	if e.candidates, err = candidates(e.sock.addr, e.sock.v6, c.Advertise, c.Loopback); err != nil {
		e.sock.stop()
		return nil, errors.Join(err, e.sock.close())
	}
	e.out.stats = &e.stats
	e.out.start(e.sock)
	e.work.Go(e.read)
	return e, nil
}

// Close ends every leg, without a call of Receiver.Closed, and frees the port.
func (e *Edge) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	var legs []*Leg
	for l := range e.legs {
		legs = append(legs, l)
	}
	var paths []*Path
	for _, p := range e.paths {
		paths = append(paths, p)
	}
	e.mu.Unlock()
	for _, l := range legs {
		l.Close()
	}
	for _, p := range paths {
		p.Close()
	}
	close(e.stop)
	e.sock.stop()
	e.work.Wait()
	e.out.close() // the farewells
	return e.sock.close()
}

// Candidates returns the host candidates to tell clients.
func (e *Edge) Candidates() []Candidate { return append([]Candidate(nil), e.candidates...) }

// Fingerprint returns the fingerprint of the DTLS certificate, "sha-256 AB:CD:...".
func (e *Edge) Fingerprint() string { return e.fingerprint }

// Addr returns the address of the socket.
func (e *Edge) Addr() netip.AddrPort { return e.sock.addr }

func (e *Edge) uint64() uint64 {
	e.random.Lock()
	defer e.random.Unlock()
	return e.random.Uint64()
}

// name is a random string of ICE characters (RFC 8839 5.4) with 5 bits each.
func (e *Edge) name(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}

// read takes datagrams in and does what is due, until the socket is closed.
func (e *Edge) read() {
	ticked := time.Now()
	attended := ticked
	for {
		now := time.Now()
		due := min(ticked.Add(tickInterval).Sub(now), attended.Add(attendWithin).Sub(now))
		if len(e.ticking.legs) > 0 {
			due = 0
		}
		n, err := e.wait(due)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			e.log.Error("reading media", "err", err)
			select {
			case <-e.stop:
				return
			case <-time.After(tickInterval): // an error that stays must not spin
			}
		}
		now = time.Now()
		if n > 0 {
			e.batch(n, now)
		}
		if now.Sub(attended) >= attendAfter {
			attended = now
			e.attend(now)
		}
		switch {
		case len(e.ticking.legs) > 0:
			e.tickSome(now)
		case now.Sub(ticked) >= tickInterval:
			ticked = now
			e.tick(now)
		}
	}
}

// wait waits for datagrams as long as is given, and returns how many came.
func (e *Edge) wait(within time.Duration) (int, error) {
	switch {
	case !e.crowd.here.Load():
		return e.sock.receive(within)
	case len(e.out.shards) == 1: // the others need the only processor
		return e.sock.receiveWithin(within)
	}
	for until := time.Now().Add(within); ; {
		now := time.Now()
		if e.crowd.yields(now) {
			runtime.Gosched()
		}
		left := max(0, until.Sub(now))
		n, err := e.sock.receiveWithin(min(left, shortly))
		if n > 0 || err != nil || left <= shortly {
			return n, err
		}
	}
}

// batch takes in n datagrams that were read at now, and what belongs to them.
func (e *Edge) batch(n int, now time.Time) {
	e.out.hold()
	e.frames.begin()
	e.take(e.sock.rx, n, now)
	until, wait := now.Add(frameTime), shortly
	for e.frames.open() && !e.out.urgent() {
		left := time.Until(until)
		if left <= 0 {
			break
		}
		n, err := e.sock.receiveWithin(min(left, wait))
		if err != nil {
			break
		}
		if n == 0 {
			wait = left
		}
		e.take(e.sock.rx, n, time.Now())
	}
	e.frames.end()
	e.out.release()
}

// RTCP that comes to a socket of its own waits until the reader has nothing better to do.
const (
	attendAfter  = 4 * time.Millisecond  // at least, while media comes
	attendWithin = 10 * time.Millisecond // also when none comes
	mostAttends  = 16                    // batches at once
)

// attend takes in the RTCP that came to its own socket.
func (e *Edge) attend(now time.Time) {
	n := e.sock.receiveRTCP()
	if n == 0 {
		return
	}
	e.out.hold()
	defer e.out.release()
	for range mostAttends {
		e.take(e.sock.rtcp, n, now)
		if n < batchSize {
			return
		}
		n = e.sock.receiveRTCP()
	}
}

// take takes in the n datagrams that were read at now.
func (e *Edge) take(in *inlet, n int, now time.Time) {
	for i := range n {
		if data, from, to, at, ok := in.arrival(i); ok {
			e.input(data, path.Pair{Remote: from, Local: to}, arrived(now, at))
		} else {
			e.stats.oversized.Add(1)
		}
	}
}

// input takes one datagram.
func (e *Edge) input(data []byte, at path.Pair, now time.Time) {
	if len(data) == 0 {
		e.stats.garbage.Add(1)
		return
	}
	switch first := data[0]; {
	case first < 4:
		e.inputSTUN(data, at, now)
	case first >= 20 && first < 64, first >= 128 && first < 192:
		src := e.source(at)
		if src == nil {
			if first < 64 {
				e.stats.dtlsRefused.Add(1)
			} else {
				e.stats.mediaRefused.Add(1)
			}
			return
		}
		src.heard.Store(e.instant(now))
		if src.route != src.path.route.Load() {
			src.path.due.Store(0)
		}
		if first < 64 {
			src.path.fallback.Store(src.route)
		}
		src.path.dispatch(data, now)
	default:
		e.stats.garbage.Add(1)
	}
}

func (e *Edge) inputSTUN(data []byte, at path.Pair, now time.Time) {
	var p *Path
	if len(data) >= 20 && binary.BigEndian.Uint16(data) == 1 {
		ufrag := path.Username(data)
		e.mu.RLock()
		p = e.paths[string(ufrag)]
		e.mu.RUnlock()
	} else if src := e.source(at); src != nil {
		p = src.path
	}
	if p == nil {
		e.stats.stunUnknown.Add(1)
		return
	}
	p.input(now, at, data)
}

func (e *Edge) source(at path.Pair) *source {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.table[at]
}

// tick drives the timers of paths and legs.
func (e *Edge) tick(now time.Time) {
	e.mu.RLock()
	for _, p := range e.paths {
		e.ticking.paths = append(e.ticking.paths, p)
	}
	for l := range e.legs {
		e.ticking.legs = append(e.ticking.legs, l)
	}
	e.mu.RUnlock()
	e.out.hold()
	for _, p := range e.ticking.paths {
		p.tick(now)
	}
	e.out.release()
	clear(e.ticking.paths)
	e.ticking.paths = e.ticking.paths[:0]
	e.ticking.since = now
	e.tickSome(now)
}

// tickSome drives the timers of the next legs, of as many as have waited their part of an interval; when some are left, it is to be
// called again.
func (e *Edge) tickSome(now time.Time) {
	t := &e.ticking
	due := int(int64(len(t.legs)) * int64(now.Sub(t.since)) / int64(tickInterval))
	some := t.legs[t.next:min(max(t.next+ticksAtOnce, due), len(t.legs))]
	e.out.hold()
	for i, l := range some {
		l.tick(now)
		e.crowd.count(l, now)
		some[i] = nil
	}
	e.out.release()
	if t.next += len(some); t.next == len(t.legs) {
		t.legs, t.next = t.legs[:0], 0
		e.crowd.judge(now)
	}
}
