package edge

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/pion/srtp/v3"

	"github.com/atoll-mesh/atoll/node/edge/counter"
	"github.com/atoll-mesh/atoll/node/edge/path"
	"github.com/atoll-mesh/atoll/node/prefetch"
)

// Credentials are the ICE credentials that the client must be told.
type Credentials struct{ Ufrag, Pwd string }

// Why a leg does not do what it is asked, or ended.
var (
	// ErrNotConnected says that the handshake is not through yet.
	ErrNotConnected = errors.New("the client is not connected")
	// ErrFrozen says that the leg was exported: it lives elsewhere.
	ErrFrozen = errors.New("the leg has moved")
	// ErrFingerprint says that the client's certificate is not the one that was signalled.
	ErrFingerprint = errors.New("the client's certificate does not have the signalled fingerprint")

	errConsent = errors.New("the client does not answer checks any more")
	errSilent  = errors.New("the client has been silent for 30 s")
)

// Pipe is a way to the client for sealed packets. A [Path] is one; what carries packets to a path at another node is
// another. The packet is valid during the call only; Send must not block.
type Pipe interface{ Send(sealed []byte) error }

type phase uint8

const (
	waiting phase = iota
	connected
	frozen
	ended
)

// Leg is one client's media: keys, counters and the DTLS association. Safe for concurrent use.
type Leg struct {
	edge       *Edge
	born       time.Time
	receiver   Receiver
	path       atomic.Pointer[Path]   // nil when the path is elsewhere
	warm       atomic.Pointer[sealer] // out.seal, for who does not have the lock
	local      path.Credentials
	dtls       *association
	heard      atomic.Int64 // instant of the last valid packet; zero: not yet due
	open       atomic.Bool  // packets may be delivered
	begun      atomic.Bool  // the client's media came
	taking     sync.Mutex   // held while the receiver takes a packet: two paths may bring one at a time
	unfinished bool         // guarded by the edge's frames

	mu     sync.Mutex // guards what follows
	phase  phase
	remote path.Credentials
	want   fingerprint
	peer   []byte // the client's certificate, once the handshake is through
	config srtp.Config

	out struct {
		sync.Mutex
		seal *sealer // nil before the handshake, and after the end
		pipe Pipe    // nil: the own path
		also Pipe    // gets the same packets; nil: nobody
		err  error   // why seal is nil
	}
	in struct {
		sync.Mutex
		open *opener
	}
}

// NewLeg makes a leg with a path of its own that waits for a client.
func (e *Edge) NewLeg(r Receiver) (*Leg, error) {
	local := path.Credentials{Ufrag: e.name(12), Pwd: e.name(32)}
	p, err := e.newPath(local, path.Switches{Answer: true, Check: true, Nominate: true, Send: true})
	if err != nil {
		return nil, fmt.Errorf("new leg: %w", err)
	}
	l := e.newLeg(r)
	l.local = local
	l.path.Store(p)
	p.owner.Store(l)
	p.deliverTo(l.deliver)
	if err := e.register(l); err != nil {
		p.Close()
		return nil, fmt.Errorf("new leg: %w", err)
	}
	return l, nil
}

func (e *Edge) newLeg(r Receiver) *Leg {
	l := &Leg{edge: e, born: time.Now(), receiver: r}
	l.out.err = ErrNotConnected
	l.dtls = newAssociation(l)
	return l
}

func (e *Edge) register(l *Leg) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return fmt.Errorf("edge: %w", ErrClosed)
	}
	e.legs[l] = struct{}{}
	return nil
}

// Local returns the credentials that the client must be told.
func (l *Leg) Local() Credentials { return Credentials(l.local) }

// Connected reports whether media flows: the handshake is through, and the leg has not moved or ended.
func (l *Leg) Connected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.phase == connected
}

// Path returns the leg's own path, nil when it has none at this edge.
func (l *Leg) Path() *Path { return l.path.Load() }

// SetRemote sets what the client signalled: its credentials and its certificate's fingerprint, "sha-256 AB:CD:...". A
// second call may change the credentials only.
func (l *Leg) SetRemote(ufrag, pwd, print string) error {
	f, err := parseFingerprint(print)
	if err != nil {
		return err
	}
	if ufrag == "" || pwd == "" {
		return errors.New("the client's ICE credentials are empty")
	}
	l.mu.Lock()
	switch {
	case l.phase == frozen || l.phase == ended:
		l.mu.Unlock()
		return fmt.Errorf("set the client's credentials: leg: %w", ErrClosed)
	case l.want.hash != 0 && l.want.String() != f.String():
		l.mu.Unlock()
		return errors.New("the client's certificate fingerprint cannot change")
	}
	l.want = f
	l.remote = path.Credentials{Ufrag: ufrag, Pwd: pwd}
	remote := l.remote
	l.mu.Unlock()
	l.heard.CompareAndSwap(0, l.edge.instant(time.Now()))
	if p := l.path.Load(); p != nil {
		p.SetRemote(remote)
	}
	return nil
}

// keyed takes the keys of a finished handshake.
func (l *Leg) keyed(c srtp.Config, certificate []byte) error {
	seal, err := newSealer(c.Keys.LocalMasterKey, c.Keys.LocalMasterSalt, c.Profile)
	if err != nil {
		return err
	}
	open, err := newOpener(c.Keys.RemoteMasterKey, c.Keys.RemoteMasterSalt, c.Profile)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.config, l.peer = c, certificate
	l.mu.Unlock()
	l.arm(seal, open)
	l.proceed(time.Now())
	return nil
}

func (l *Leg) arm(seal *sealer, open *opener) {
	l.in.Lock()
	l.in.open = open
	l.in.Unlock()
	l.out.Lock()
	if l.out.err == nil || errors.Is(l.out.err, ErrNotConnected) { // not ended meanwhile
		l.out.seal = seal
		l.warm.Store(seal)
	}
	l.out.Unlock()
}

// proceed lets media flow when everything is there: keys, the right certificate, a way to the client.
func (l *Leg) proceed(now time.Time) {
	l.mu.Lock()
	if l.phase != waiting || l.peer == nil || l.want.hash == 0 {
		l.mu.Unlock()
		return
	}
	if !l.want.matches(l.peer) {
		l.mu.Unlock()
		l.fail(ErrFingerprint)
		return
	}
	p := l.path.Load()
	if p != nil && p.route.Load() == nil {
		l.mu.Unlock()
		return
	}
	l.phase = connected
	l.mu.Unlock()
	p.in.Lock()
	defer p.in.Unlock()
	l.out.Lock()
	ready := l.out.seal != nil
	if ready {
		l.out.err = nil
	}
	l.out.Unlock()
	if !ready { // closed meanwhile
		return
	}
	l.receiver.Connected()
	l.open.Store(true)
	p.release()
}

// deliver takes a sealed packet, which it opens in place, and reports whether it did.
func (l *Leg) deliver(b []byte, now time.Time) bool {
	if isDTLS(b) {
		l.dtls.feed(b)
		return true
	}
	if !l.open.Load() {
		return false
	}
	rtcp := len(b) > 1 && b[1] >= 192 && b[1] < 224 // RFC 5761 4
	var plain []byte
	var err error
	l.in.Lock()
	switch {
	case l.in.open == nil:
		l.in.Unlock()
		return false
	case rtcp:
		plain, err = l.in.open.openRTCP(b)
	default:
		plain, err = l.in.open.openRTP(b)
	}
	l.in.Unlock()
	c := &l.edge.stats
	switch {
	case errors.Is(err, counter.ErrUsed):
		c.mediaReplayed.Add(1)
		return true
	case err != nil:
		c.mediaForged.Add(1)
		return true
	}
	if !l.begun.Load() {
		l.begun.Store(true)
	}
	c.received.Add(1)
	c.receivedBytes.Add(uint64(len(b)))
	l.heard.Store(l.edge.instant(now))
	l.taking.Lock()
	defer l.taking.Unlock()
	if rtcp {
		l.receiver.RTCP(plain, now)
	} else {
		more := l.receiver.RTP(plain, now)
		if !l.edge.frames.note(l, more) && more {
			l.receiver.Flush()
		}
	}
	return true
}

// flush ends a frame of which nothing more is waited for.
func (l *Leg) flush() {
	l.taking.Lock()
	defer l.taking.Unlock()
	l.receiver.Flush()
}

// Deliver takes a sealed packet that came for the leg over a path at another node. It is opened in place and valid
// during the call only. It reports whether the leg took it: not when it is not connected, or has moved.
func (l *Leg) Deliver(sealed []byte) bool {
	if p := l.path.Load(); p != nil { // one packet at a time, by whichever path
		p.in.Lock()
		defer p.in.Unlock()
	}
	return l.deliver(sealed, time.Now())
}

// Attach makes p the way to the client; nil is the leg's own path.
func (l *Leg) Attach(p Pipe) {
	l.out.Lock()
	l.out.pipe = p
	l.out.Unlock()
}

// Duplicate has every packet of media sent over p too: a client that changes its path hears it on either. Nil ends that.
func (l *Leg) Duplicate(p Pipe) {
	l.out.Lock()
	l.out.also = p
	l.out.Unlock()
}

// Buffer returns an empty buffer with room for a packet of 1500 bytes and its tag, to be filled for SendRTP.
func (l *Leg) Buffer() []byte { return newBuffer() }

// SendRTP seals RTP packets in place and sends them, in order. The buffers belong to the edge from the call on, whatever the
// result; the list does not. The same SSRC and index are not sealed twice: counter.ErrUsed. An error is that of the first
// packet that is not sent; the others are.
func (l *Leg) SendRTP(packets ...[]byte) error {
	l.out.Lock()
	defer l.out.Unlock()
	way, err := l.way()
	if err != nil {
		for _, b := range packets {
			recycle(b)
		}
		return err
	}
	if way == nil || l.out.also != nil || l.out.seal.gcm == nil {
		for _, b := range packets {
			if failed := l.send(way, b, (*sealer).sealRTP); err == nil {
				err = failed
			}
		}
		return err
	}
	// They are numbered here and sealed when they leave.
	var numbered [numberedAtOnce]outgoing
	n := 0
	for _, b := range packets {
		index, failed := l.out.seal.number(b)
		if failed != nil {
			recycle(b)
			if err == nil {
				err = failed
			}
			continue
		}
		numbered[n] = outgoing{b, l.out.seal.gcm, index}
		if n++; n == len(numbered) {
			l.edge.out.queue(way, numbered[:n]...)
			n = 0
		}
	}
	if n > 0 {
		l.edge.out.queue(way, numbered[:n]...)
	}
	return err
}

// Warm says that packets will be sent in a moment: what is needed for it is fetched.
func (l *Leg) Warm() {
	prefetch.Lines(unsafe.Pointer(&l.out), 2)
	if p := l.path.Load(); p != nil {
		p.warm()
	}
	if s := l.warm.Load(); s != nil {
		s.warm()
	}
}

// numberedAtOnce is how many packets are queued under one lock.
const numberedAtOnce = 16

// SendRTCP seals a compound RTCP packet and sends it. The caller keeps compound.
func (l *Leg) SendRTCP(compound []byte) error {
	l.out.Lock()
	defer l.out.Unlock()
	way, err := l.way()
	if err != nil {
		return err
	}
	return l.send(way, append(newBuffer(), compound...), (*sealer).sealRTCP)
}

// way returns the path to send over, nil when there is a pipe. The caller holds l.out.
func (l *Leg) way() (*Path, error) {
	switch p := l.path.Load(); {
	case l.out.err != nil:
		return nil, l.out.err
	case l.out.pipe != nil:
		return nil, nil
	case p == nil || p.route.Load() == nil:
		l.edge.stats.sendFailed.Add(1)
		return nil, ErrNoRoute
	default:
		return p, nil
	}
}

// send seals b at once and sends it over the path, or the pipe when that is nil. The caller holds l.out.
func (l *Leg) send(way *Path, b []byte, seal func(*sealer, []byte) ([]byte, error)) error {
	sealed, err := seal(l.out.seal, b)
	if err != nil {
		recycle(b)
		return err
	}
	if l.out.also != nil {
		_ = l.out.also.Send(sealed) // the other way has it
	}
	if way != nil {
		l.edge.out.queue(way, outgoing{packet: sealed})
		return nil
	}
	err = l.out.pipe.Send(sealed)
	recycle(sealed)
	return err
}

// sendRecord sends a DTLS record.
func (l *Leg) sendRecord(b []byte) {
	l.out.Lock()
	defer l.out.Unlock()
	switch {
	case l.out.pipe != nil:
		// A record that is lost is sent again.
		_ = l.out.pipe.Send(b)
	default:
		if p := l.path.Load(); p != nil {
			p.sendRecord(b)
		}
	}
}

func (l *Leg) tick(now time.Time) {
	open := l.open.Load()
	if !open {
		l.mu.Lock()
		phase := l.phase
		l.mu.Unlock()
		if phase == frozen || phase == ended {
			return
		}
	}
	if heard := l.heard.Load(); heard != 0 && now.Sub(l.edge.timeOf(heard)) > silence {
		l.fail(errSilent)
		return
	}
	if open {
		l.dtls.rest(now, l.begun.Load())
		l.receiver.Tick(now)
		return
	}
	l.proceed(now)
}

// fail ends the leg from this side and tells the receiver.
func (l *Leg) fail(reason error) {
	if l.end(ended) {
		l.shut()
		l.receiver.Closed(reason)
	}
}

// Close ends the leg and tells the client. The receiver hears nothing more. A leg that was exported is only forgotten.
func (l *Leg) Close() {
	if l.end(ended) {
		l.shut()
	}
}

// end moves a living leg to its last phase and reports whether it was living.
func (l *Leg) end(to phase) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase == frozen || l.phase == ended {
		return false
	}
	l.phase = to
	return true
}

// shut closes what an ended leg holds.
func (l *Leg) shut() {
	l.open.Store(false)
	l.dtls.close()
	l.disarm(ErrClosed)
	l.edge.forget(l)
	if p := l.path.Load(); p != nil {
		p.owner.Store(nil)
		p.Close()
	}
	l.wipe()
}

// disarm takes the keys away from sending and receiving. When it returns nothing is sealed or opened any more.
func (l *Leg) disarm(err error) (*sealer, *opener) {
	l.out.Lock()
	seal := l.out.seal
	l.out.seal, l.out.err = nil, err
	l.warm.Store(nil)
	l.out.Unlock()
	if p := l.path.Load(); p != nil && seal != nil {
		p.shard.drain()
	}
	l.in.Lock()
	open := l.in.open
	l.in.open = nil
	l.in.Unlock()
	return seal, open
}

func (e *Edge) forget(l *Leg) {
	e.mu.Lock()
	delete(e.legs, l)
	e.mu.Unlock()
}

// wipe overwrites the keys that the leg keeps for its export. The ciphers hold others that cannot be reached.
func (l *Leg) wipe() {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := &l.config.Keys
	for _, b := range [][]byte{k.LocalMasterKey, k.LocalMasterSalt, k.RemoteMasterKey, k.RemoteMasterSalt} {
		clear(b)
	}
}
