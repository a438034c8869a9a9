package janus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// Config says who joins.
type Config struct {
	URL     string
	ID      int                 // of who sends, not 0; other clients subscribe to it
	SSRCs   *participant.SSRCs  // nil for one who only receives
	Codec   uint8               // payload type of video
	Network participant.Network // nil for this machine's own
	OnRTP   func(*rtp.Header, []byte, time.Time)
	OnRTCP  func([]byte)
}

// Client is one session.
type Client struct {
	cfg     Config
	ws      *websocket.Conn
	life    context.Context
	end     context.CancelFunc
	done    sync.WaitGroup
	session uint64
	next    atomic.Int64

	mu      sync.Mutex
	pending map[string]chan message
	up      chan struct{} // has room for what Janus says of each handle: that media flows

	sending   uint64 // handles
	receiving uint64
	Out       *participant.Transport // nil until Publish
	In        *participant.Transport // nil until Subscribe
}

// message is what Janus says.
type message struct {
	Janus       string `json:"janus"`
	Transaction string `json:"transaction"`
	Data        struct {
		ID uint64 `json:"id"`
	} `json:"data"`
	Error *struct {
		Reason string `json:"reason"`
	} `json:"error"`
	Plugin struct {
		Data struct {
			VideoRoom string `json:"videoroom"`
			Error     string `json:"error"`
		} `json:"data"`
	} `json:"plugindata"`
	JSEP *jsep `json:"jsep"`
}

type jsep struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// Dial opens a session.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	ws, _, err := websocket.Dial(ctx, cfg.URL, &websocket.DialOptions{Subprotocols: []string{"janus-protocol"}})
	if err != nil {
		return nil, fmt.Errorf("dial janus: %w", err)
	}
	ws.SetReadLimit(4 << 20)
	c := &Client{cfg: cfg, ws: ws, pending: make(map[string]chan message), up: make(chan struct{}, 2)}
	c.life, c.end = context.WithCancel(context.Background())
	c.done.Go(c.read)
	m, err := c.request(ctx, map[string]any{"janus": "create"}, false)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("create session: %w", err)
	}
	c.session = m.Data.ID
	return c, nil
}

func (c *Client) read() {
	for {
		_, raw, err := c.ws.Read(c.life)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(raw, &m) != nil || m.Janus == "ack" {
			continue // the event follows
		}
		if m.Janus == "webrtcup" {
			select {
			case c.up <- struct{}{}:
			default:
			}
			continue
		}
		c.mu.Lock()
		waiting := c.pending[m.Transaction]
		delete(c.pending, m.Transaction)
		c.mu.Unlock()
		if waiting != nil {
			waiting <- m
		}
	}
}

// request sends and waits for the answer.
func (c *Client) request(ctx context.Context, body map[string]any, inSession bool) (message, error) {
	transaction := strconv.FormatInt(c.next.Add(1), 10)
	body["transaction"] = transaction
	if inSession {
		body["session_id"] = c.session
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return message{}, err
	}
	answer := make(chan message, 1)
	c.mu.Lock()
	c.pending[transaction] = answer
	c.mu.Unlock()
	if err := c.ws.Write(ctx, websocket.MessageText, raw); err != nil {
		return message{}, fmt.Errorf("ask janus: %w", err)
	}
	select {
	case m := <-answer:
		switch {
		case m.Error != nil:
			return m, errors.New(m.Error.Reason)
		case m.Plugin.Data.Error != "":
			return m, errors.New(m.Plugin.Data.Error)
		}
		return m, nil
	case <-ctx.Done():
		return message{}, fmt.Errorf("wait for janus: %w", ctx.Err())
	}
}

func (c *Client) attach(ctx context.Context) (uint64, error) {
	m, err := c.request(ctx, map[string]any{"janus": "attach", "plugin": "janus.plugin.videoroom"}, true)
	if err != nil {
		return 0, fmt.Errorf("attach: %w", err)
	}
	return m.Data.ID, nil
}

func (c *Client) ask(ctx context.Context, handle uint64, body map[string]any, with *jsep) (message, error) {
	full := map[string]any{"janus": "message", "handle_id": handle, "body": body}
	if with != nil {
		full["jsep"] = with
	}
	m, err := c.request(ctx, full, true)
	if err != nil {
		return m, fmt.Errorf("%s: %w", body["request"], err)
	}
	return m, nil
}

// Publish begins to send. It returns once media is connected.
func (c *Client) Publish(ctx context.Context) (err error) {
	if c.sending, err = c.attach(ctx); err != nil {
		return err
	}
	if _, err := c.ask(ctx, c.sending, map[string]any{"request": "join", "ptype": "publisher", "room": roomNumber, "id": c.cfg.ID}, nil); err != nil {
		return err
	}
	if c.Out, err = participant.NewTransportOn(c.cfg.Network, nil, c.cfg.OnRTCP); err != nil {
		return err
	}
	sdp, err := offer(c.Out, *c.cfg.SSRCs, c.cfg.Codec)
	if err != nil {
		return err
	}
	m, err := c.ask(ctx, c.sending, map[string]any{"request": "publish"}, &jsep{"offer", sdp})
	if err != nil {
		return err
	}
	if m.JSEP == nil {
		return errors.New("publish: there is no answer")
	}
	remote := readRemote(m.JSEP.SDP)
	remote.Controlled = true
	if err := c.Out.Connect(ctx, remote); err != nil {
		return err
	}
	select {
	case <-c.up: // nobody can subscribe before
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait until media flows: %w", ctx.Err())
	}
}

// Subscribe begins to get what the senders of those ids send, beside what the client gets already. It returns once media is
// connected.
func (c *Client) Subscribe(ctx context.Context, ids ...int) error {
	var streams []map[string]any
	for _, id := range ids {
		streams = append(streams, map[string]any{"feed": id})
	}
	body := map[string]any{"request": "update", "subscribe": streams}
	first := c.In == nil
	if first {
		var err error
		if c.receiving, err = c.attach(ctx); err != nil {
			return err
		}
		if c.In, err = participant.NewTransportOn(c.cfg.Network, c.cfg.OnRTP, nil); err != nil {
			return err
		}
		body = map[string]any{"request": "join", "ptype": "subscriber", "room": roomNumber, "streams": streams}
	}
	m, err := c.ask(ctx, c.receiving, body, nil)
	if err != nil {
		return err
	}
	if m.JSEP == nil {
		return fmt.Errorf("%s: there is no offer", body["request"])
	}
	sdp, err := answer(m.JSEP.SDP, c.In)
	if err != nil {
		return err
	}
	// Janus checks at once when it has the answer, and again only after a second: we are ready before.
	connected := make(chan error, 1)
	if first {
		c.done.Go(func() { connected <- c.In.Connect(ctx, readRemote(m.JSEP.SDP)) })
	}
	if _, err := c.ask(ctx, c.receiving, map[string]any{"request": "start", "room": roomNumber}, &jsep{"answer", sdp}); err != nil {
		return err
	}
	if !first {
		return nil
	}
	return <-connected
}

// Close ends the session and waits for every goroutine.
func (c *Client) Close() {
	for _, t := range []*participant.Transport{c.Out, c.In} {
		if t != nil {
			t.Close(true)
		}
	}
	_ = c.ws.CloseNow()
	c.end()
	c.done.Wait()
}
