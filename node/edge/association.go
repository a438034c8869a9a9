package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
)

// flightInterval is how long pion waits before it repeats a flight; it doubles each time.
const flightInterval = 200 * time.Millisecond

// profiles are the SRTP protection profiles in the order of preference: GCM costs a sixth of what counter mode with
// HMAC does.
var profiles = []dtls.SRTPProtectionProfile{
	dtls.SRTP_AEAD_AES_128_GCM,
	dtls.SRTP_AEAD_AES_256_GCM,
	dtls.SRTP_AES128_CM_HMAC_SHA1_80,
}

// associationOptions are the same for a new association and one that was moved here.
func associationOptions(cert tls.Certificate) []dtls.Option {
	return []dtls.Option{
		dtls.WithCertificates(cert),
		dtls.WithSRTPProtectionProfiles(profiles...),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithFlightInterval(flightInterval),
		dtls.WithMTU(dtlsMTU),
		dtls.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}),
	}
}

// association is the DTLS association of a leg, as server. Its goroutines start with the first record.
//
// When the handshake is through nothing but a farewell is to come: the association then sleeps as its state, without goroutines and
// buffers, until a record comes or it is closed. Our last flight may have been lost. The client repeats its own then, and gets ours
// again as it was: no pion is needed for that. Once media comes, the client has it, and it is forgotten. An association that was resumed,
// because a record came or because it was begun at another node, has no flight; it sleeps after a while without records.
type association struct {
	leg *Leg

	mu     sync.Mutex // guards what follows
	wire   *records
	conn   *dtls.Conn // nil before the first record and while it sleeps
	state  []byte     // while it sleeps
	flight [][]byte   // while it sleeps: what the client may not have got
	again  int        // how often that was repeated
	begun  bool
	closed bool
	// through: the handshake of conn is done, and so is pion's of one that was resumed. Before, its state is not to be read,
	// and pion says no farewell.
	through bool
	from    []byte // the state that conn is resumed from, until it is through

	since atomic.Int64 // instant at which a record came last; 0: none since it sleeps
}

// How long an association without records stays awake that was resumed, when media came and when none did.
const (
	restTime = 2 * time.Second
	muteTime = 10 * time.Second
)

// mostAgain bounds how often a last flight is repeated. Clients wait twice as long each time, so that it is minutes.
const mostAgain = 12

// farewellTime bounds how long an association that was woken for its farewell may take.
const farewellTime = 5 * time.Second

// Ends of an association.
var (
	errPeerClosed = errors.New("the client closed the DTLS association")
)

func newAssociation(l *Leg) *association {
	return &association{leg: l, wire: newRecords(l.sendRecord)}
}

// feed takes a datagram of DTLS records.
func (a *association) feed(b []byte) {
	if !acceptable(b) {
		a.leg.edge.stats.dtlsDropped.Add(1)
		return
	}
	for range 2 { // it may fall asleep meanwhile
		if repeats(b) && a.repeat() {
			return
		}
		a.since.Store(a.leg.edge.instant(time.Now()))
		a.wake()
		a.mu.Lock()
		wire := a.wire
		a.mu.Unlock()
		if wire.put(b) {
			a.begin()
			return
		}
	}
	a.leg.edge.stats.dtlsDropped.Add(1)
}

// repeat sends the last flight again, and reports false when there is none.
func (a *association) repeat() bool {
	a.mu.Lock()
	flight := a.flight
	a.again++
	much := a.again > mostAgain
	a.mu.Unlock()
	switch {
	case flight == nil:
		return false
	case much:
		a.leg.edge.stats.dtlsDropped.Add(1)
	default:
		for _, b := range flight {
			a.leg.sendRecord(b)
		}
	}
	return true
}

// rest lets an association sleep that has nothing to do. begun says that media came.
func (a *association) rest(now time.Time, begun bool) {
	after := muteTime
	if begun {
		after = restTime
	}
	if since := a.since.Load(); since == 0 || now.Sub(a.leg.edge.timeOf(since)) <= after {
		return
	}
	a.sleep()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn != nil {
		return // it is to be asked again
	}
	a.since.Store(0)
	if begun {
		a.flight = nil
	}
}

// sleep ends everything but the state, when pion is through with it.
func (a *association) sleep() {
	a.mu.Lock()
	conn := a.conn
	if conn == nil || a.closed || !a.through || !a.wire.hush() {
		a.mu.Unlock()
		return
	}
	state, err := stateOf(conn)
	if err != nil {
		a.since.Store(0) // it will not be able to in a moment either
		a.mu.Unlock()
		a.leg.edge.log.Warn("DTLS cannot rest", "err", err)
		return
	}
	a.conn, a.state, a.again = nil, state, 0
	var unread [][]byte
	a.flight, unread = a.wire.end()
	a.mu.Unlock()
	a.leg.edge.work.Go(func() { _ = conn.Close() })
	for _, b := range unread {
		a.feed(b)
	}
}

// wake goes on with a sleeping association.
func (a *association) wake() {
	a.mu.Lock()
	defer a.mu.Unlock() // not before it is under way: the state would be nowhere meanwhile
	state := a.state
	if state == nil || a.closed {
		return
	}
	a.state, a.flight, a.begun, a.through = nil, nil, false, false
	a.wire = newRecords(a.leg.sendRecord)
	a.goOn(state)
}

// stateOf returns the state of an association whose wire is dead already: what it says from then on is not heard.
func stateOf(conn *dtls.Conn) ([]byte, error) {
	state, ok := conn.ConnectionState()
	if !ok {
		return nil, errors.New("no handshake yet")
	}
	return state.MarshalBinary()
}

// begin starts the handshake when nothing was begun.
func (a *association) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.start(func() (*dtls.Conn, error) {
		options := []dtls.ServerOption{
			dtls.WithClientAuth(dtls.RequireAnyClientCert),
			// Only who knows our ICE password gets here; a cookie would cost another round trip.
			dtls.WithInsecureSkipVerifyHello(true),
		}
		for _, o := range a.leg.edge.common {
			options = append(options, o)
		}
		return dtls.ServerWithOptions(a.wire, clientAddr{}, options...)
	}, nil, a.established)
}

// resume goes on with an association that was begun at another node. Without its state there is none.
func (a *association) resume(state []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.goOn(state)
}

// goOn resumes from a state, with mu held.
func (a *association) goOn(state []byte) {
	a.start(func() (*dtls.Conn, error) {
		return resume(state, a.wire, a.leg.edge.common)
	}, state, nil)
}

// start lets a connection run, with mu held, when nothing was begun.
func (a *association) start(open func() (*dtls.Conn, error), from []byte, then func(*dtls.Conn) error) {
	if a.begun || a.closed {
		return
	}
	a.begun = true
	a.since.Store(a.leg.edge.instant(time.Now()))
	conn, err := open()
	if err != nil {
		a.leg.edge.log.Warn("media without DTLS", "err", err)
		return
	}
	a.conn, a.from = conn, from
	a.leg.edge.work.Go(func() { a.run(conn, then) })
}

// resume restores an association. The state comes from another node; pion panics on some states that it never wrote.
func resume(state []byte, wire net.PacketConn, options []dtls.Option) (conn *dtls.Conn, err error) {
	defer func() {
		if r := recover(); r != nil {
			conn, err = nil, fmt.Errorf("resume the DTLS association: %v", r)
		}
	}()
	if len(state) == 0 {
		return nil, errors.New("resume the DTLS association: it came without its state")
	}
	var s dtls.State
	if err := s.UnmarshalBinary(state); err != nil {
		return nil, fmt.Errorf("resume the DTLS association: %w", err)
	}
	if conn, err = dtls.ResumeWithOptions(&s, wire, clientAddr{}, options...); err != nil {
		return nil, fmt.Errorf("resume the DTLS association: %w", err)
	}
	return conn, nil
}

func (a *association) run(conn *dtls.Conn, then func(*dtls.Conn) error) {
	err := conn.HandshakeContext(context.Background())
	a.mu.Lock()
	if a.through = err == nil && a.conn == conn; a.through {
		a.from = nil
	}
	a.mu.Unlock()
	a.since.Store(a.leg.edge.instant(time.Now()))
	switch {
	case err == nil && then != nil:
		err = then(conn)
	case err != nil && then != nil:
		err = fmt.Errorf("DTLS handshake: %w", err)
	case err != nil:
		err = errPeerClosed // a farewell that waited while the association was resumed
	}
	if err != nil {
		a.lost(conn, err)
		return
	}
	if then != nil {
		a.sleep()
	}
	// Nothing of use comes as application data; reading finds the end.
	b := make([]byte, receiveSize)
	for {
		_, err := conn.Read(b)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			a.lost(conn, errPeerClosed)
			return
		}
	}
}

// lost ends the leg when conn is what it has.
func (a *association) lost(conn *dtls.Conn, err error) {
	a.mu.Lock()
	asleep := a.conn != conn
	a.mu.Unlock()
	if !asleep {
		a.leg.fail(err)
	}
}

// established hands the keys of a handshake to the leg.
func (a *association) established(conn *dtls.Conn) error {
	state, ok := conn.ConnectionState()
	profile, agreed := conn.SelectedSRTPProtectionProfile()
	if !ok || !agreed || len(state.PeerCertificates) == 0 {
		return errors.New("DTLS handshake: no SRTP profile in common")
	}
	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(&state, false); err != nil {
		return fmt.Errorf("export SRTP keys: %w", err)
	}
	return a.leg.keyed(config, state.PeerCertificates[0])
}

// freeze ends the association here without a word to the client and returns its state, to be resumed elsewhere.
func (a *association) freeze() ([]byte, error) {
	a.mu.Lock()
	a.wire.kill()
	conn, state, from, wire := a.conn, a.state, a.from, a.wire
	a.closed, a.state, a.from = true, nil, nil
	a.mu.Unlock()
	if conn == nil {
		return state, nil
	}
	if from == nil {
		var err error
		if from, err = stateOf(conn); err != nil {
			return nil, fmt.Errorf("export the DTLS association: %w", err)
		}
	}
	_ = wire.Close()
	_ = conn.Close()
	return from, nil
}

// close ends the association; the client is told.
func (a *association) close() {
	a.mu.Lock()
	conn, state, from, wire := a.conn, a.state, a.from, a.wire
	a.closed, a.state, a.from = true, nil, nil
	a.mu.Unlock()
	switch {
	case from != nil:
		a.leg.edge.work.Go(func() { sayFarewell(conn, wire) })
		return
	case conn != nil:
		_ = conn.Close()
	case state != nil:
		a.leg.edge.work.Go(func() { a.farewell(state) })
	}
	_ = wire.Close()
}

// farewell says good-bye for an association that slept.
func (a *association) farewell(state []byte) {
	wire := newRecords(a.leg.sendRecord)
	conn, err := resume(state, wire, a.leg.edge.common)
	clear(state)
	if err == nil {
		sayFarewell(conn, wire)
	}
}

// sayFarewell closes a connection that is being resumed.
func sayFarewell(conn *dtls.Conn, wire *records) {
	ctx, cancel := context.WithTimeout(context.Background(), farewellTime)
	defer cancel()
	_ = conn.HandshakeContext(ctx) // there is nothing to shake: this starts what Close talks to
	_ = conn.Close()
	_ = wire.Close()
}
