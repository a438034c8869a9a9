package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
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

// association is the DTLS association of a leg, as server. Its goroutine starts with the first record.
type association struct {
	leg  *Leg
	wire *records

	mu     sync.Mutex
	conn   *dtls.Conn
	begun  bool
	closed bool
}

// Ends of an association.
var (
	errPeerClosed = errors.New("the client closed the DTLS association")
)

func newAssociation(l *Leg) *association {
	return &association{leg: l, wire: newRecords(l.sendRecord)}
}

// feed takes a datagram of DTLS records.
func (a *association) feed(b []byte) {
	if !acceptable(b) || !a.wire.put(b) {
		a.leg.edge.stats.dtlsDropped.Add(1)
		return
	}
	a.begin()
}

// begin starts the handshake when nothing was begun.
func (a *association) begin() {
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
	}, a.established)
}

// resume goes on with an association that was begun at another node. Without its state there is none.
func (a *association) resume(state []byte) {
	a.start(func() (*dtls.Conn, error) {
		return resume(state, a.wire, a.leg.edge.common)
	}, nil)
}

func (a *association) start(open func() (*dtls.Conn, error), then func(*dtls.Conn) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun || a.closed {
		return
	}
	a.begun = true
	conn, err := open()
	if err != nil {
		a.leg.edge.log.Warn("media without DTLS", "err", err)
		return
	}
	a.conn = conn
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
	switch {
	case err == nil && then != nil:
		err = then(conn)
	case err != nil && then != nil:
		err = fmt.Errorf("DTLS handshake: %w", err)
	case err != nil:
		err = errPeerClosed // a farewell that waited while the association was resumed
	}
	if err != nil {
		a.leg.fail(err)
		return
	}
	// Nothing of use comes as application data; reading finds the end.
	b := make([]byte, receiveSize)
	for {
		_, err := conn.Read(b)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			a.leg.fail(errPeerClosed)
			return
		}
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
	a.wire.kill()
	a.mu.Lock()
	conn := a.conn
	a.closed = true
	a.mu.Unlock()
	if conn == nil {
		return nil, nil
	}
	state, ok := conn.ConnectionState()
	if !ok {
		return nil, errors.New("export the DTLS association: no handshake yet")
	}
	b, err := state.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("export the DTLS association: %w", err)
	}
	_ = conn.Close()
	return b, nil
}

// close ends the association; the client is told.
func (a *association) close() {
	a.mu.Lock()
	conn := a.conn
	a.closed = true
	a.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	_ = a.wire.Close()
}
