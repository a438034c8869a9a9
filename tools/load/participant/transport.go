package participant

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// Remote is what the other side of a transport was signalled as. It is the DTLS server, and controls ICE unless it says otherwise.
type Remote struct {
	Ufrag, Pwd  string
	Fingerprint string   // "AB:CD:…", sha-256
	Candidates  []string // as in RFC 8839 5.1, without "candidate:"
	Controlled  bool     // it answers an offer of ours: we control ICE
}

// Transport is the client's end of ICE, DTLS and SRTP: a controlled agent, a DTLS client, and one SRTP context for each
// way. Its only goroutine of its own reads; it ends with Close.
type Transport struct {
	agent       *ice.Agent
	away        *ice.UDPMuxDefault // the only socket, on another network; else nil
	certificate tls.Certificate
	fingerprint string

	life       context.Context
	end        context.CancelFunc
	connecting sync.Mutex               // held by Connect; what it guards is Connect's until it returned
	current    atomic.Pointer[ice.Conn] // what is sent goes here
	dtls       *dtls.Conn
	records    *recordPipe
	muted      atomic.Bool

	sendMu   sync.Mutex
	send     *srtp.Context
	sendRTCP *srtp.Context
	sealed   []byte
	recv     atomic.Pointer[srtp.Context]

	onRTP  func(header *rtp.Header, packet []byte, arrived time.Time)
	onRTCP func(compound []byte)

	opening   sync.Mutex // one packet at a time, by whichever generation it came
	restarted sync.WaitGroup
	unopened  atomic.Int64
	done      sync.WaitGroup
}

// sharedCertificate is the certificate of every participant of a process: making one costs more than a join.
var sharedCertificate = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
})

// NewTransport gathers local candidates. onRTP gets the parsed header and the whole opened packet, onRTCP an opened
// compound packet; both buffers are valid during the call only, and one goroutine makes all calls. Either may be nil.
func NewTransport(onRTP func(*rtp.Header, []byte, time.Time), onRTCP func([]byte)) (*Transport, error) {
	return NewTransportOn(nil, onRTP, onRTCP)
}

// NewTransportOn is NewTransport with the sockets of a network, nil for this machine's own.
func NewTransportOn(network Network, onRTP func(*rtp.Header, []byte, time.Time), onRTCP func([]byte)) (*Transport, error) {
	certificate, err := sharedCertificate()
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	sum := sha256.Sum256(certificate.Certificate[0])
	t := &Transport{certificate: certificate, fingerprint: colons(sum[:]), onRTP: onRTP, onRTCP: onRTCP}
	if network != nil {
		socket, err := network.ListenPacket(netip.AddrPortFrom(network.Addr(), 0).String())
		if err != nil {
			return nil, fmt.Errorf("open media socket: %w", err)
		}
		if d, ok := socket.(diverter); ok {
			d.Divert(t.media)
		}
		t.away = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket})
	}
	t.life, t.end = context.WithCancel(context.Background())
	if t.agent, err = t.gather(); err != nil {
		t.Close(false)
		return nil, err
	}
	return t, nil
}

// gather makes an agent and waits for its candidates.
func (t *Transport) gather() (*ice.Agent, error) {
	options := []ice.AgentOption{
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithIncludeLoopback(),
		ice.WithCheckInterval(20 * time.Millisecond),
		ice.WithHostAcceptanceMinWait(0),
		ice.WithPrflxAcceptanceMinWait(0),
	}
	if t.away != nil {
		options = append(options, ice.WithUDPMux(t.away))
	}
	agent, err := ice.NewAgentWithOptions(options...)
	if err != nil {
		return nil, fmt.Errorf("make ice agent: %w", err)
	}
	gathered := make(chan struct{})
	err = agent.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			close(gathered)
		}
	})
	if err == nil {
		err = agent.GatherCandidates()
	}
	if err != nil {
		_ = agent.Close()
		return nil, fmt.Errorf("gather candidates: %w", err)
	}
	<-gathered
	return agent, nil
}

// Local returns the credentials to signal.
func (t *Transport) Local() (ufrag, pwd, fingerprint string, err error) {
	ufrag, pwd, err = t.agent.GetLocalUserCredentials()
	return ufrag, pwd, t.fingerprint, err
}

// LocalCandidates returns the candidates to signal to a peer that, unlike a node, wants them.
func (t *Transport) LocalCandidates() ([]string, error) {
	candidates, err := t.agent.GetLocalCandidates()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, c := range candidates {
		out = append(out, c.Marshal())
	}
	return out, nil
}

// Connect runs ICE and DTLS against remote and starts receiving. It is called once.
func (t *Transport) Connect(ctx context.Context, remote Remote) error {
	t.connecting.Lock()
	defer t.connecting.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.life, cancel)()
	conn, err := accept(ctx, t.agent, remote)
	if err != nil {
		return err
	}
	t.current.Store(conn)
	t.records = newRecordPipe(route{t}, &t.muted)
	t.done.Go(func() { t.read(conn) })
	t.dtls, err = dtls.ClientWithOptions(t.records, conn.RemoteAddr(),
		dtls.WithCertificates(t.certificate),
		dtls.WithInsecureSkipVerify(true),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM),
		dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) == 0 {
				return errors.New("the peer has no certificate")
			}
			sum := sha256.Sum256(raw[0])
			if got := colons(sum[:]); !strings.EqualFold(got, remote.Fingerprint) {
				return fmt.Errorf("certificate is %s, signalled was %s", got, remote.Fingerprint)
			}
			return nil
		}))
	if err != nil {
		return fmt.Errorf("start dtls: %w", err)
	}
	if err := t.dtls.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("dtls handshake: %w", err)
	}
	return t.keys()
}

func (t *Transport) keys() error {
	state, ok := t.dtls.ConnectionState()
	if !ok {
		return errors.New("dtls has no state after the handshake")
	}
	cfg := srtp.Config{Profile: srtp.ProtectionProfileAeadAes128Gcm}
	if err := cfg.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return fmt.Errorf("export srtp keys: %w", err)
	}
	k := cfg.Keys
	send, err := srtp.CreateContext(k.LocalMasterKey, k.LocalMasterSalt, cfg.Profile)
	if err != nil {
		return fmt.Errorf("make srtp context: %w", err)
	}
	sendRTCP, err := srtp.CreateContext(k.LocalMasterKey, k.LocalMasterSalt, cfg.Profile)
	if err != nil {
		return fmt.Errorf("make srtcp context: %w", err)
	}
	recv, err := srtp.CreateContext(k.RemoteMasterKey, k.RemoteMasterSalt, cfg.Profile, srtp.SRTPReplayProtection(512), srtp.SRTCPReplayProtection(128))
	if err != nil {
		return fmt.Errorf("make srtp context: %w", err)
	}
	t.recv.Store(recv)
	t.sendMu.Lock()
	defer t.sendMu.Unlock()
	t.send, t.sendRTCP = send, sendRTCP
	return nil
}

// read tells DTLS from SRTP (RFC 7983) until ICE ends. What arrives before the keys is lost.
func (t *Transport) read(conn *ice.Conn) {
	defer func() {
		if t.current.Load() == conn {
			t.records.close()
		}
	}()
	buf := make([]byte, 2048)
	opened := make([]byte, 0, 2048)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		arrived := time.Now()
		switch b := buf[:n]; {
		case n < 12:
		case b[0] >= 20 && b[0] <= 63:
			t.records.push(b)
		case b[0] >= 128 && b[0] <= 191:
			if recv := t.recv.Load(); recv != nil && t.current.Load() == conn {
				t.opening.Lock()
				t.open(recv, opened, b, arrived)
				t.opening.Unlock()
			}
		}
	}
}

// diverter is a socket that hands media over by itself, so that it need not go through ICE.
type diverter interface {
	Divert(func(packet []byte, arrived time.Time))
}

// media takes what a diverter hands over, on its goroutine.
func (t *Transport) media(packet []byte, arrived time.Time) {
	if recv := t.recv.Load(); recv != nil && len(packet) >= 12 {
		t.opening.Lock()
		t.open(recv, packet[:0], packet, arrived)
		t.opening.Unlock()
	}
}

func (t *Transport) open(recv *srtp.Context, dst, b []byte, arrived time.Time) {
	if b[1] >= 192 && b[1] <= 223 {
		out, err := recv.DecryptRTCP(dst, b, nil)
		if err != nil {
			t.unopened.Add(1)
		} else if t.onRTCP != nil {
			t.onRTCP(out)
		}
		return
	}
	var h rtp.Header
	out, err := recv.DecryptRTP(dst, b, &h)
	if err != nil {
		t.unopened.Add(1)
	} else if t.onRTP != nil {
		t.onRTP(&h, out, arrived)
	}
}

// Unopened returns how many packets came that did not open: forged, replayed or sealed with other keys.
func (t *Transport) Unopened() int64 { return t.unopened.Load() }

// WriteRTP seals and sends one RTP packet.
func (t *Transport) WriteRTP(packet []byte) error {
	t.sendMu.Lock()
	defer t.sendMu.Unlock()
	if t.send == nil {
		return errors.New("write rtp: not connected")
	}
	sealed, err := t.send.EncryptRTP(t.sealed[:0], packet, nil)
	return t.write(sealed, err)
}

// WriteRTCP seals and sends one compound RTCP packet.
func (t *Transport) WriteRTCP(compound []byte) error {
	t.sendMu.Lock()
	defer t.sendMu.Unlock()
	if t.sendRTCP == nil {
		return errors.New("write rtcp: not connected")
	}
	sealed, err := t.sendRTCP.EncryptRTCP(t.sealed[:0], compound, nil)
	return t.write(sealed, err)
}

func (t *Transport) write(sealed []byte, err error) error {
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	t.sealed = sealed
	_, err = t.current.Load().Write(sealed)
	return err
}

// Mute makes the transport send no DTLS record from here on, so that what follows is a vanishing.
func (t *Transport) Mute() { t.muted.Store(true) }

// Close ends DTLS, when polite with a close_notify, and ICE, and waits for every goroutine. It interrupts a Connect.
func (t *Transport) Close(polite bool) {
	if !polite {
		t.Mute()
	}
	t.end()
	t.connecting.Lock()
	defer t.connecting.Unlock()
	if t.dtls != nil {
		_ = t.dtls.Close()
	}
	_ = t.agent.GracefulClose()
	t.restarted.Wait()
	if t.away != nil {
		_ = t.away.Close()
	}
	t.done.Wait()
}

func colons(sum []byte) string {
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}
