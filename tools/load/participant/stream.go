package participant

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const (
	nsFraming = "urn:ietf:params:xml:ns:xmpp-framing"
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind    = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSM      = "urn:xmpp:sm:3"
	nsMUC     = "http://jabber.org/protocol/muc"
	nsMUCUser = "http://jabber.org/protocol/muc#user"
)

var limits = stanza.Limits{Bytes: 1 << 20, Depth: 64, Attributes: 128, Elements: 8192, Namespaces: 2048}

// Stream is an XMPP client stream over WebSocket (RFC 7395) with stream management (XEP-0198).
type Stream struct {
	url, domain string
	onStanza    func(raw []byte, st *stanza.Element)
	onRaw       func(sent bool, message []byte)
	network     Network // nil for this machine's own

	JID   string
	token string

	order sync.Mutex // held from the count of a stanza to its last byte: the server counts in the order of the wire

	mu       sync.Mutex
	ws       *websocket.Conn
	cancel   context.CancelFunc // nil until the reading goroutine runs
	sent     uint32
	acked    uint32
	received uint32
	unacked  [][]byte
	nextID   int
	pending  map[string]chan *stanza.Element
	failed   chan struct{}
	done     sync.WaitGroup
}

// NewStream returns a stream that is not connected. url is the WebSocket's, onStanza gets every stanza that is not the
// answer to a Request; onRaw, when not nil, every message in both directions.
func NewStream(url, domain string, onStanza func([]byte, *stanza.Element), onRaw func(bool, []byte)) *Stream {
	return &Stream{url: url, domain: domain, onStanza: onStanza, onRaw: onRaw, pending: make(map[string]chan *stanza.Element)}
}

// Connect opens a socket, authenticates anonymously, binds a resource and enables stream management.
func (s *Stream) Connect(ctx context.Context) error {
	if err := s.open(ctx, s.url); err != nil {
		return err
	}
	s.write(ctx, `<iq id="_bind_auth_2" type="set" xmlns="jabber:client"><bind xmlns="`+nsBind+`"/></iq>`)
	bound, err := s.expect(ctx, "iq")
	if err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	bind := bound.Child(nsBind, "bind")
	if bind == nil || bind.Child(nsBind, "jid") == nil {
		return fmt.Errorf("bind: answer is %s", bound.Raw)
	}
	s.JID = bind.Child(nsBind, "jid").Text
	s.write(ctx, `<enable resume="true" xmlns="`+nsSM+`"/>`)
	enabled, err := s.expect(ctx, "enabled")
	if err != nil {
		return fmt.Errorf("enable stream management: %w", err)
	}
	s.token = enabled.Attr("id")
	s.mu.Lock()
	s.sent, s.acked, s.received = 0, 0, 0
	s.mu.Unlock()
	s.start()
	return nil
}

// Cut drops the socket without a word, as a lost network does. It returns when no callback runs any more.
func (s *Stream) Cut() {
	s.mu.Lock()
	ws, cancel := s.ws, s.cancel
	s.mu.Unlock()
	if ws != nil {
		_ = ws.CloseNow()
	}
	if cancel != nil {
		cancel()
	}
	s.done.Wait()
}

// Failed is closed when the present socket ended for whatever reason. It is nil before Connect returned.
func (s *Stream) Failed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Resume opens a new socket, at url when it is not empty, and resumes the session there.
func (s *Stream) Resume(ctx context.Context, url string) error {
	if url == "" {
		url = s.url
	}
	sep := "?"
	if strings.Contains(url, "?") {
		sep = "&"
	}
	if err := s.open(ctx, url+sep+"previd="+s.token); err != nil {
		return err
	}
	s.mu.Lock()
	h := s.received
	s.mu.Unlock()
	s.write(ctx, fmt.Sprintf(`<resume h="%d" previd="%s" xmlns="%s"/>`, h, s.token, nsSM))
	resumed, err := s.expect(ctx, "resumed")
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	if err := s.ack(resumed.Attr("h")); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	s.mu.Lock()
	again := append([][]byte(nil), s.unacked...)
	s.mu.Unlock()
	s.order.Lock()
	for _, m := range again {
		s.write(ctx, string(m))
	}
	s.order.Unlock()
	s.start()
	return nil
}

func (s *Stream) open(ctx context.Context, url string) error {
	client, over := dialer(s.network)
	defer over()
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{"xmpp"}, HTTPClient: client})
	if err != nil {
		return fmt.Errorf("dial %s: %w", url, err)
	}
	ws.SetReadLimit(1 << 20)
	s.mu.Lock()
	s.ws = ws
	s.mu.Unlock()
	for i := range 2 {
		s.write(ctx, `<open to="`+s.domain+`" version="1.0" xmlns="`+nsFraming+`"/>`)
		if _, err := s.expect(ctx, "open"); err != nil {
			return fmt.Errorf("open stream: %w", err)
		}
		if _, err := s.expect(ctx, "features"); err != nil {
			return fmt.Errorf("stream features: %w", err)
		}
		if i == 1 {
			break
		}
		s.write(ctx, `<auth mechanism="ANONYMOUS" xmlns="`+nsSASL+`"/>`)
		if _, err := s.expect(ctx, "success"); err != nil {
			return fmt.Errorf("authenticate: %w", err)
		}
	}
	return nil
}

// expect reads messages until one with the local name comes; only used before start.
func (s *Stream) expect(ctx context.Context, local string) (*stanza.Element, error) {
	for range 8 {
		raw, st, err := s.readOne(ctx)
		if err != nil {
			return nil, err
		}
		if st.Local == local {
			return st, nil
		}
		if st.Local == "failed" || st.Local == "failure" || st.Local == "error" {
			return nil, fmt.Errorf("got %s", raw)
		}
	}
	return nil, fmt.Errorf("no <%s> in 8 messages", local)
}

func (s *Stream) readOne(ctx context.Context) ([]byte, *stanza.Element, error) {
	_, raw, err := s.ws.Read(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s.onRaw != nil {
		s.onRaw(false, raw)
	}
	st, err := stanza.Parse(raw, limits)
	if err != nil {
		return raw, nil, fmt.Errorf("parse %.200s: %w", raw, err)
	}
	return raw, st, nil
}

func (s *Stream) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	s.cancel = cancel
	s.failed = make(chan struct{})
	failed := s.failed
	s.mu.Unlock()
	s.done.Go(func() {
		defer close(failed)
		for {
			raw, st, err := s.readOne(ctx)
			if err != nil {
				return
			}
			s.handle(ctx, raw, st)
		}
	})
}

func (s *Stream) handle(ctx context.Context, raw []byte, st *stanza.Element) {
	switch st.Local {
	case "r":
		s.mu.Lock()
		h := s.received
		s.mu.Unlock()
		s.write(ctx, fmt.Sprintf(`<a h="%d" xmlns="%s"/>`, h, nsSM))
	case "a":
		if err := s.ack(st.Attr("h")); err != nil {
			_ = s.ws.CloseNow()
		}
	case "iq", "message", "presence":
		s.mu.Lock()
		s.received++
		var waiter chan *stanza.Element
		if t := st.Attr("type"); st.Local == "iq" && (t == "result" || t == "error") {
			waiter = s.pending[st.Attr("id")]
			delete(s.pending, st.Attr("id"))
		}
		s.mu.Unlock()
		if waiter != nil {
			waiter <- st
			return
		}
		s.onStanza(raw, st)
	}
}

func (s *Stream) ack(value string) error {
	var h uint32
	if _, err := fmt.Sscan(value, &h); err != nil {
		return fmt.Errorf("h %q: %w", value, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := h - s.acked; n > uint32(len(s.unacked)) {
		return fmt.Errorf("h=%d acknowledges more than the %d sent", h, s.sent)
	}
	s.unacked = s.unacked[h-s.acked:]
	s.acked = h
	return nil
}

// Send sends a complete stanza and counts it. On a cut stream it is kept for Resume.
func (s *Stream) Send(xml string) {
	s.order.Lock()
	defer s.order.Unlock()
	s.mu.Lock()
	s.sent++
	s.unacked = append(s.unacked, []byte(xml))
	ask := s.sent%5 == 0
	s.mu.Unlock()
	s.write(context.Background(), xml)
	if ask {
		s.write(context.Background(), `<r xmlns="`+nsSM+`"/>`)
	}
}

func (s *Stream) write(ctx context.Context, xml string) {
	s.mu.Lock()
	ws := s.ws
	s.mu.Unlock()
	if s.onRaw != nil {
		s.onRaw(true, []byte(xml))
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = ws.Write(ctx, websocket.MessageText, []byte(xml))
}

// NewID returns an id that this stream has not used.
func (s *Stream) NewID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextID++
	return fmt.Sprintf("p%d", s.nextID)
}

// Request sends an IQ and waits for its answer. payload is the child element.
func (s *Stream) Request(ctx context.Context, to, kind, payload string) (*stanza.Element, error) {
	id := s.NewID()
	answer := make(chan *stanza.Element, 1)
	s.mu.Lock()
	s.pending[id] = answer
	s.mu.Unlock()
	s.Send(fmt.Sprintf(`<iq id="%s" to="%s" type="%s" xmlns="jabber:client">%s</iq>`, id, to, kind, payload))
	select {
	case st := <-answer:
		return st, nil
	case <-s.Failed():
		return nil, fmt.Errorf("iq to %s: the stream ended", to)
	case <-ctx.Done():
		s.mu.Lock()
		delete(s.pending, id)
		s.mu.Unlock()
		return nil, fmt.Errorf("iq to %s: %w", to, ctx.Err())
	}
}

// Close says <close/> and waits for the server's, at most a second.
func (s *Stream) Close() {
	s.mu.Lock()
	ws, cancel, failed := s.ws, s.cancel, s.failed
	s.mu.Unlock()
	if ws == nil {
		return
	}
	if cancel == nil {
		s.Cut()
		return
	}
	s.write(context.Background(), `<close xmlns="`+nsFraming+`"/>`)
	select {
	case <-failed:
	case <-time.After(time.Second):
	}
	cancel()
	_ = ws.CloseNow()
	s.done.Wait()
}
