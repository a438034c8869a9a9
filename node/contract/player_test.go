package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/signaling/stanza/stanzatest"
)

var limits = stanza.Limits{Bytes: 1 << 20, Depth: 64, Attributes: 128, Elements: 8192, Namespaces: 4096}

// patience is how long an expected message may take. It is generous: a step that fails waits this long once.
const patience = 10 * time.Second

// inbox holds the messages of one socket that no step has taken yet.
type inbox struct {
	ws   *websocket.Conn
	mu   sync.Mutex
	all  []string
	open []string
	news chan struct{}
	err  error
}

func newInbox(ctx context.Context, ws *websocket.Conn, check func(string)) *inbox {
	ws.SetReadLimit(1 << 20)
	in := &inbox{ws: ws, news: make(chan struct{}, 1)}
	go func() {
		for {
			_, raw, err := ws.Read(ctx)
			in.mu.Lock()
			if err != nil {
				in.err = err
				in.mu.Unlock()
				return
			}
			in.all, in.open = append(in.all, string(raw)), append(in.open, string(raw))
			in.mu.Unlock()
			check(string(raw))
			select {
			case in.news <- struct{}{}:
			default:
			}
		}
	}()
	return in
}

// await takes the first message that ok accepts.
func (in *inbox) await(ok func(string) bool) error {
	deadline := time.After(patience)
	for {
		in.mu.Lock()
		for i, m := range in.open {
			if ok(m) {
				in.open = append(in.open[:i:i], in.open[i+1:]...)
				in.mu.Unlock()
				return nil
			}
		}
		err := in.err
		waiting := strings.Join(in.open, "\n    ")
		in.mu.Unlock()
		if err != nil {
			return fmt.Errorf("socket ended (%w); not taken:\n    %s", err, waiting)
		}
		select {
		case <-in.news:
		case <-deadline:
			return fmt.Errorf("nothing came; not taken:\n    %s", waiting)
		}
	}
}

// player plays scripts against the node at base ("http://host:port").
type player struct {
	t        *testing.T
	base     string
	vars     vars
	streams  map[string]*inbox
	channels map[string]*inbox
}

func play(t *testing.T, base, script string) {
	t.Helper()
	steps, err := parse(script)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, base: base, vars: vars{"base": base, "ws": "ws" + strings.TrimPrefix(base, "http")}, streams: map[string]*inbox{}, channels: map[string]*inbox{}}
	p.run(steps)
	for _, in := range p.streams {
		_ = in.ws.CloseNow()
	}
	for _, in := range p.channels {
		_ = in.ws.CloseNow()
	}
}

func (p *player) run(steps []step) {
	p.t.Helper()
	for _, s := range steps {
		inner, isMacro, err := p.macro(s)
		if err == nil && !isMacro {
			err = p.step(s)
		}
		if err != nil {
			p.t.Fatalf("line %d: %s %s %s\n%v", s.line, s.who, s.verb, s.arg, err)
		}
		p.run(inner)
	}
}

func (p *player) step(s step) error {
	ctx := p.t.Context()
	switch s.verb {
	case "open":
		ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(p.base, "http")+p.vars.fill(s.arg), &websocket.DialOptions{Subprotocols: []string{"xmpp"}})
		if err != nil {
			return err
		}
		if before := p.streams[s.who]; before != nil {
			p.streams[s.who+" before"] = before
		}
		p.streams[s.who] = newInbox(ctx, ws, p.strict)
		return nil
	case "cut":
		return p.streams[s.who].ws.CloseNow()
	case ">":
		return p.streams[s.who].ws.Write(ctx, websocket.MessageText, []byte(p.vars.fill(s.arg)))
	case "<":
		pattern, err := stanza.Parse([]byte(s.arg), limits)
		if err != nil {
			return fmt.Errorf("pattern: %w", err)
		}
		return p.streams[s.who].await(func(m string) bool {
			got, err := stanza.Parse([]byte(m), limits)
			return err == nil && p.vars.element(pattern, got)
		})
	case "none":
		return p.none(s)
	case "channel":
		ws, _, err := websocket.Dial(ctx, p.vars.fill(s.arg), nil)
		if err != nil {
			return err
		}
		p.channels[s.who] = newInbox(ctx, ws, func(string) {})
		return nil
	case "channel-cut":
		return p.channels[s.who].ws.CloseNow()
	case ">>":
		return p.channels[s.who].ws.Write(ctx, websocket.MessageText, []byte(p.fillJSON(s.arg)))
	case "<<":
		var pattern any
		if err := json.Unmarshal([]byte(p.fillJSON(s.arg)), &pattern); err != nil {
			return fmt.Errorf("pattern: %w", err)
		}
		return p.channels[s.who].await(func(m string) bool { return p.matchJSON(pattern, []byte(m)) })
	case "GET", "POST":
		return p.http(s)
	}
	return fmt.Errorf("no such verb")
}

// fillJSON fills known variables only: unknown ones stay as patterns.
func (p *player) fillJSON(s string) string { return p.vars.fill(s) }

func (p *player) matchJSON(pattern any, raw []byte) bool {
	var got any
	if json.Unmarshal(raw, &got) != nil {
		return false
	}
	try := p.vars.clone()
	if !try.json(pattern, got) {
		return false
	}
	p.vars.adopt(try)
	return true
}

func (p *player) none(s step) error {
	pattern, err := stanza.Parse([]byte(s.arg), limits)
	if err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	in := p.streams[s.who]
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, m := range in.open {
		if got, err := stanza.Parse([]byte(m), limits); err == nil && p.vars.clone().element(pattern, got) {
			return fmt.Errorf("it came: %s", m)
		}
	}
	return nil
}

func (p *player) http(s step) error {
	path, body, _ := strings.Cut(s.arg, " ")
	req, err := http.NewRequestWithContext(p.t.Context(), s.verb, p.base+p.vars.fill(path), strings.NewReader(p.vars.fill(body)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	status, want, _ := strings.Cut(s.want, " ")
	if got := fmt.Sprint(resp.StatusCode); got != status {
		return fmt.Errorf("status %s, want %s: %s", got, status, raw)
	}
	if want == "" {
		return nil
	}
	var pattern any
	if err := json.Unmarshal([]byte(want), &pattern); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	if !p.matchJSON(pattern, raw) {
		return fmt.Errorf("answer is %s", raw)
	}
	return nil
}

// strict holds every message of the node against trap T1: each element carries its own literal xmlns.
func (p *player) strict(message string) {
	if err := stanzatest.CheckNamespaces([]byte(message)); err != nil {
		p.t.Errorf("%v in %s", err, message)
	}
}
