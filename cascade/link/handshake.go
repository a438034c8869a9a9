package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

const (
	protocolControl = "atoll-control-1"
	protocolMedia   = "atoll-media-1"

	handshakeSilence = 10 * time.Second // of a peer that is heard: it is slow
	unheardSilence   = 3 * time.Second
	maxDials         = 4 // at once, of peers that are heard; and as many of others
	silence          = 15 * time.Second
	keepAlive        = 5 * time.Second
	maxHello         = 1024
	maxDrift         = time.Minute
)

// Why a connection is closed: application error codes of QUIC.
const (
	codeStops    quic.ApplicationErrorCode = 0
	codeUnwanted quic.ApplicationErrorCode = 1
	codeReplaced quic.ApplicationErrorCode = 2
	codeStranger quic.ApplicationErrorCode = 3
	codeMisfit   quic.ApplicationErrorCode = 4
	codeGarbage  quic.ApplicationErrorCode = 5
	codeOverflow quic.ApplicationErrorCode = 6
	codeRefused  quic.ApplicationErrorCode = 7
)

var (
	errStops    = errors.New("this node stops")
	errUnwanted = errors.New("no node wants the link")
	errGone     = errors.New("no longer a member")
)

// leaf is the node's certificate, made anew when it is due.
type leaf struct {
	authority identity.Authority
	key       identity.Key

	mu   sync.Mutex
	made tls.Certificate
}

func (l *leaf) at(now time.Time) (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made.Leaf == nil || identity.Stale(l.made, now) {
		made, err := l.authority.Issue(l.key, now)
		if err != nil {
			return nil, err
		}
		l.made = made
	}
	made := l.made
	return &made, nil
}

func (e *Endpoint) serverTLS() *tls.Config {
	base := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{protocolControl, protocolMedia},
		ClientAuth:             tls.RequireAnyClientCert, // verified below, for our own words
		SessionTicketsDisabled: true,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return e.leaf.at(time.Now()) },
	}
	outer := base.Clone()
	outer.GetConfigForClient = func(info *tls.ClientHelloInfo) (*tls.Config, error) {
		from := info.Conn.RemoteAddr()
		inner := base.Clone()
		inner.VerifyConnection = func(state tls.ConnectionState) error {
			_, err := e.verify(state)
			if err != nil {
				e.trouble.note("refused a connection", "", from, err)
			}
			return err
		}
		return inner, nil
	}
	return outer
}

// clientTLS leaves the certificate of the other node to be verified when TLS is done: so that one gets ours and can say why it
// refuses it, when it does.
func (e *Endpoint) clientTLS(protocol string) *tls.Config {
	return &tls.Config{
		MinVersion:           tls.VersionTLS13,
		NextProtos:           []string{protocol},
		InsecureSkipVerify:   true, // verified in dial
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return e.leaf.at(time.Now()) },
	}
}

func (e *Endpoint) verify(state tls.ConnectionState) (identity.Name, error) {
	if len(state.PeerCertificates) == 0 {
		return "", errors.New("the other node has no certificate")
	}
	return e.authority.Verify(state.PeerCertificates[0], time.Now())
}

func serverConfig() *quic.Config {
	c := clientConfig(0, handshakeSilence)
	c.MaxIncomingStreams = 1 // the one with the Hello
	c.KeepAlivePeriod = 0
	return c
}

func clientConfig(packet uint16, patience time.Duration) *quic.Config {
	return &quic.Config{
		Versions:                       []quic.Version{quic.Version1},
		HandshakeIdleTimeout:           patience,
		MaxIdleTimeout:                 silence,
		KeepAlivePeriod:                keepAlive,
		InitialStreamReceiveWindow:     256 << 10,
		MaxStreamReceiveWindow:         4 << 20,
		InitialConnectionReceiveWindow: 512 << 10,
		MaxConnectionReceiveWindow:     8 << 20,
		MaxIncomingStreams:             -1,
		MaxIncomingUniStreams:          wire.Lanes,
		InitialPacketSize:              packet,
		EnableDatagrams:                true,
	}
}

// dial connects to a peer at an address. What answers is the peer. Few are dialled at once, so that a slow node gets
// somewhere; those whose heartbeats are not heard do not hold up the others.
func (e *Endpoint) dial(ctx context.Context, peer identity.Name, addr netip.AddrPort, protocol string, packet uint16, heard bool) (*quic.Conn, error) {
	turns, patience := e.dials[0], unheardSilence
	if heard {
		turns, patience = e.dials[1], handshakeSilence
	}
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	conn, err := e.transport.Dial(ctx, net.UDPAddrFromAddrPort(addr), e.clientTLS(protocol), clientConfig(packet, patience))
	var idle *quic.IdleTimeoutError
	if errors.As(err, &idle) {
		err = context.DeadlineExceeded
	}
	if err != nil {
		return nil, explain(err)
	}
	name, err := e.verify(conn.ConnectionState().TLS)
	if err == nil && name != peer {
		err = fmt.Errorf("%s answers at the address of %s", name, peer)
	}
	if err != nil {
		_ = conn.CloseWithError(codeMisfit, err.Error())
		return nil, err
	}
	return conn, nil
}

// explain says in our own words why a connection ended.
func explain(err error) error {
	var (
		application *quic.ApplicationError
		transport   *quic.TransportError
		idle        *quic.IdleTimeoutError
		handshake   *quic.HandshakeTimeoutError
		reset       *quic.StatelessResetError
	)
	switch {
	case errors.As(err, &application) && application.Remote:
		return fmt.Errorf("closed by the other node: %.200q", application.ErrorMessage)
	case errors.As(err, &transport) && transport.Remote && transport.ErrorCode.IsCryptoError():
		return errors.New("the other node refuses our certificate: it has another secret, or its clock or ours is wrong")
	case errors.As(err, &idle):
		return fmt.Errorf("nothing heard for %v", silence)
	case errors.As(err, &handshake), errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer")
	case errors.As(err, &reset):
		return errors.New("the other node started again")
	}
	return err
}

// hello returns our Hello as it is sent now.
func (e *Endpoint) hello() []byte {
	h := e.cfg.Hello
	h.Clock = uint64(time.Now().UnixMilli())
	return wire.AppendFramed(nil, h, h.Newest)
}

// readHello reads a Hello and nothing behind it.
func readHello(r io.Reader) (wire.Hello, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return wire.Hello{}, err
	}
	length := int(head[0])<<24 | int(head[1])<<16 | int(head[2])<<8 | int(head[3])
	if length == 0 || length > maxHello {
		return wire.Hello{}, fmt.Errorf("hello of %d bytes, want 1 to %d", length, maxHello)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return wire.Hello{}, err
	}
	frame, err := wire.Parse(body, wire.Version)
	if err != nil {
		return wire.Hello{}, err
	}
	h, ok := frame.(wire.Hello)
	if !ok {
		return wire.Hello{}, fmt.Errorf("%T instead of a hello", frame)
	}
	return h, nil
}

// agree returns the version to speak with a peer that says h.
func (e *Endpoint) agree(peer identity.Name, h wire.Hello, now time.Time) (uint16, error) {
	if h.Name != peer {
		return 0, fmt.Errorf("hello of %s with the certificate of %s", h.Name, peer)
	}
	drift := time.UnixMilli(int64(h.Clock)).Sub(now).Round(time.Second)
	if drift.Abs() > maxDrift {
		return 0, fmt.Errorf("the clocks of %s and %s differ by %v, at most %v", peer, e.self, drift.Abs(), maxDrift)
	}
	return wire.Negotiate(e.cfg.Hello, h)
}
