package member

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	questionVersion = 1
	mostSealed      = 16 << 10
	nonceSize       = 12
	// questionTime bounds a question with its answer: whoever answers may look something up first.
	questionTime  = 15 * time.Second
	mostQuestions = 8 // answered at once
)

// Question is what one node asks another that it need not be in a cluster with yet.
type Question struct {
	From identity.Name `json:"from"`
	// Task is what the other is to do, in a form that is agreed elsewhere; it may be empty.
	Task json.RawMessage `json:"task,omitempty"`
}

// Answer is what a node says of itself and of who asks.
type Answer struct {
	Version int             `json:"version"`
	From    identity.Name   `json:"from"`
	Domain  string          `json:"domain"` // of the cluster
	You     netip.Addr      `json:"you"`    // where the question came from
	Clock   int64           `json:"clock"`  // unix milliseconds when it was answered
	Done    json.RawMessage `json:"done,omitempty"`

	// RoundTrip is how long connecting took, which is a round trip.
	RoundTrip time.Duration `json:"-"`
	// Received is when the answer was there.
	Received time.Time `json:"-"`
}

// envelope seals questions and answers with a key that every node of the cluster has.
type envelope struct {
	label []byte // with its header
	aead  cipher.AEAD
}

func newEnvelope(secret identity.Secret) (envelope, error) {
	block, err := aes.NewCipher(secret.Derive("gossip question"))
	if err != nil {
		return envelope{}, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return envelope{}, err
	}
	label := hex.EncodeToString(secret.Derive("gossip question label")[:8])
	return envelope{append([]byte{hasLabel, byte(len(label))}, label...), aead}, nil
}

// write seals a value and writes it. About is what it belongs to: an answer belongs to its question's nonce.
func (e envelope) write(w io.Writer, before []byte, value any, about []byte) (nonce []byte, err error) {
	plain, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	size := len(plain) + e.aead.Overhead()
	if size > mostSealed {
		return nil, fmt.Errorf("%d bytes, at most %d", size, mostSealed)
	}
	nonce = make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails
	b := append(append(append([]byte{}, before...), questionVersion), nonce...)
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	_, err = w.Write(e.aead.Seal(b, nonce, plain, about))
	return nonce, err
}

// read reads what write wrote.
func (e envelope) read(r io.Reader, value any, about []byte) (nonce []byte, err error) {
	var version [1]byte
	if _, err := io.ReadFull(r, version[:]); err != nil {
		return nil, err
	}
	switch version[0] {
	case questionVersion:
	case hasLabel:
		return nil, errOtherSecret
	default:
		return nil, fmt.Errorf("version %d, want %d", version[0], questionVersion)
	}
	head := make([]byte, nonceSize+2)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(head[nonceSize:]))
	if size > mostSealed {
		return nil, fmt.Errorf("%d bytes, at most %d", size, mostSealed)
	}
	sealed := make([]byte, size)
	if _, err := io.ReadFull(r, sealed); err != nil {
		return nil, err
	}
	plain, err := e.aead.Open(nil, head[:nonceSize], sealed, about)
	if err != nil {
		return nil, err
	}
	return head[:nonceSize], json.Unmarshal(plain, value)
}

var (
	aboutQuestion = []byte("atoll question")
	aboutAnswer   = []byte("atoll answer")
)

// Ask asks the node whose gossip is at an address.
func Ask(ctx context.Context, network Network, secret identity.Secret, addr netip.AddrPort, q Question) (Answer, error) {
	var a Answer
	e, err := newEnvelope(secret)
	if err != nil {
		return a, fmt.Errorf("ask %v: %w", addr, err)
	}
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	began := time.Now()
	conn, err := network.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return a, fmt.Errorf("ask: %w", err) // it names the address
	}
	defer func() { _ = conn.Close() }()
	took := time.Since(began)
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	nonce, err := e.write(conn, e.label, q, aboutQuestion)
	if err == nil {
		_, err = e.read(conn, &a, append(append([]byte{}, aboutAnswer...), nonce...))
	}
	a.RoundTrip, a.Received = took, time.Now()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return a, fmt.Errorf("ask %v: it does not answer; does it have another secret?", addr)
	case err != nil:
		return a, fmt.Errorf("ask %v: %w", addr, err)
	}
	a.You = a.You.Unmap().WithZone("")
	return a, nil
}

// clerk answers questions.
type clerk struct {
	envelope
	self   identity.Name
	domain string
	do     func(ctx context.Context, from netip.Addr, task []byte) []byte
	busy   atomic.Int32
}

// serve answers one question. The label has been read.
func (d *clerk) serve(ctx context.Context, conn net.Conn) error {
	if d.busy.Add(1) > mostQuestions {
		d.busy.Add(-1)
		return errors.New("too many questions at once")
	}
	defer d.busy.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	var q Question
	nonce, err := d.read(conn, &q, aboutQuestion)
	if err != nil {
		return fmt.Errorf("read a question: %w", err)
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return fmt.Errorf("read a question: %w", err)
	}
	a := Answer{From: d.self, Domain: d.domain, You: from.Addr().Unmap().WithZone("")}
	if d.do != nil && len(q.Task) > 0 {
		a.Done = d.do(ctx, a.You, q.Task)
	}
	a.Clock = time.Now().UnixMilli()
	_, err = d.write(conn, nil, a, append(append([]byte{}, aboutAnswer...), nonce...))
	return err
}
