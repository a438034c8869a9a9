package hostile

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// bridged is a bridge channel on which anything can be said.
type bridged struct {
	t     *testing.T
	ws    *websocket.Conn
	heard chan string // closed when the channel ends
	ended error
}

func (c *client) channel(url string) *bridged {
	c.t.Helper()
	ws, _, err := websocket.Dial(c.t.Context(), url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	b := &bridged{t: c.t, ws: ws, heard: make(chan string, 10_000)}
	go func() {
		defer close(b.heard)
		for {
			_, raw, err := ws.Read(c.t.Context())
			if err != nil {
				b.ended = err
				return
			}
			b.heard <- string(raw)
		}
	}()
	c.t.Cleanup(func() { _ = ws.CloseNow() })
	b.await("ServerHello")
	return b
}

func (b *bridged) send(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return b.ws.Write(ctx, websocket.MessageText, []byte(text))
}

// await skips to the first message with the text.
func (b *bridged) await(text string) string {
	b.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m, ok := <-b.heard:
			if !ok {
				b.t.Fatalf("waiting for %s: the channel ended: %v", text, b.ended)
			}
			if strings.Contains(m, text) {
				return m
			}
		case <-deadline:
			b.t.Fatalf("waiting for %s: nothing came", text)
		}
	}
}

// over waits until the node has closed the channel and returns with which code.
func (b *bridged) over() websocket.StatusCode {
	b.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, ok := <-b.heard:
			if !ok {
				return websocket.CloseStatus(b.ended)
			}
		case <-deadline:
			b.t.Fatal("the channel does not end")
		}
	}
}

func message(text string) string {
	return `{"colibriClass":"EndpointMessage","to":"","msgPayload":{"text":"` + text + `"}}`
}

// TestChannel: a bridge channel needs the password of its session, and one that breaks the rules closes alone.
func TestChannel(t *testing.T) {
	t.Parallel()
	n := serve(t)
	a, b, evil := n.in("channel"), n.in("channel"), n.in("channel")
	var url string
	chats := map[*client]*bridged{}
	for _, c := range []*client{a, b, evil} {
		o := c.offered()
		if got := c.jingle("channel", o.sid, "session-accept", accepting("", "")); got != "" {
			t.Fatal(got)
		}
		chats[c] = c.channel(o.channel)
		url = o.channel // evil's in the end
	}
	base, _, _ := strings.Cut(url, "?")
	another := base[:strings.LastIndex(base, "/")+1] + a.id + url[len(base):]
	for name, try := range map[string]string{
		"no password":         base,
		"wrong password":      base + "?pwd=00000000000000000000000000000000",
		"password of another": another,
		"no such endpoint":    base[:strings.LastIndex(base, "/")+1] + "ffffffff" + url[len(base):],
		"no such conference":  strings.Replace(url, "/colibri-ws/", "/colibri-ws/x/", 1),
		"long":                url + strings.Repeat("x", 5000),
		"traversal":           strings.Replace(url, evil.id, "..%2f"+a.id, 1),
	} {
		_, resp, err := websocket.Dial(t.Context(), try, nil)
		if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
	}
	n.reaches("atoll_channels_refused_total", 6)
	goOn := func(after string) {
		t.Helper()
		if err := chats[a].send(message("after " + after)); err != nil {
			t.Fatal(err)
		}
		chats[b].await("after " + after)
	}

	// Nonsense that is not too much of it is passed over.
	for _, nonsense := range []string{
		"", "x", "{", "null", "[]", "1e999", `"`, "{}", `{"colibriClass":1}`, `{"colibriClass":"Unknown"}`,
		strings.Repeat("[", 30_000), strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		`{"colibriClass":"ReceiverVideoConstraints","lastN":-99999999999999999999,"defaultConstraints":{"maxHeight":1e300}}`,
		`{"colibriClass":"ReceiverVideoConstraints","constraints":{"` + strings.Repeat("x", 1000) + `":{"maxHeight":-5}}}`,
		`{"colibriClass":"ReceiverVideoConstraints","selectedSources":[` + strings.TrimSuffix(strings.Repeat(`"`+a.id+`-v0",`, 2000), ",") + `]}`,
		`{"colibriClass":"SourceVideoTypeMessage","sourceName":"` + a.id + `-v0","videoType":"none"}`,
		`{"colibriClass":"EndpointMessage","to":"` + strings.Repeat("f", 1000) + `","msgPayload":{}}`,
		`{"colibriClass":"EndpointMessage","from":"` + a.id + `","to":"","msgPayload":{"forged":true}}`,
		`{"colibriClass":"EndpointStats","from":"` + a.id + `","forged":true}`,
		`{"colibriClass":"DominantSpeakerEndpointChangeEvent","dominantSpeakerEndpoint":"` + a.id + `"}`,
		`{"colibriClass":"VideoSourcesMap","mappedSources":[]}`,
		strings.Repeat("\xff", 100),
	} {
		if err := chats[evil].send(nonsense); err != nil {
			t.Fatalf("%.100q: %v", nonsense, err)
		}
	}
	for range 2 {
		if got := chats[b].await("forged"); !strings.Contains(got, `"from":"`+evil.id+`"`) {
			t.Errorf("who said %s", got)
		}
	}
	goOn("nonsense")

	for name, c := range map[string]struct {
		say  func(*bridged) error
		code websocket.StatusCode
	}{
		"binary": {func(b *bridged) error { return b.ws.Write(t.Context(), websocket.MessageBinary, []byte("{}")) }, websocket.StatusUnsupportedData},
		"large":  {func(b *bridged) error { return b.send(message(strings.Repeat("x", 100<<10))) }, websocket.StatusMessageTooBig},
		"10,000 at once": {func(b *bridged) error {
			for range 10_000 {
				if b.send(message("x")) != nil {
					break // it is closed already
				}
			}
			return nil
		}, websocket.StatusPolicyViolation},
		"10 MB at once": {func(b *bridged) error {
			for range 170 {
				if b.send(message(strings.Repeat("x", 60<<10))) != nil {
					break
				}
			}
			return nil
		}, websocket.StatusPolicyViolation},
	} {
		channel := evil.channel(url)
		if err := c.say(channel); err != nil {
			t.Fatal(err)
		}
		if got := channel.over(); got != c.code && got != -1 { // -1: cut off while it was still talking
			t.Errorf("%s: closed with %d, want %d", name, got, c.code)
		}
		goOn(name)
	}

	n.reaches("atoll_channels_broken_total", 4)

	// A channel that is opened again and again replaces the one before.
	first := evil.channel(url)
	for i := range 20 {
		next := evil.channel(url)
		first.over()
		first = next
		goOn(fmt.Sprint("channel ", i))
	}
	if err := first.send(message("the last one")); err != nil {
		t.Fatal(err)
	}
	chats[a].await("the last one")
}
