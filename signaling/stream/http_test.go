package stream

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
)

func TestHTTP(t *testing.T) {
	s := NewServer(Config{Domain: "meet.test", Node: "n1", Handler: &recorder{}, Origins: []string{"https://app.test"}})
	defer s.Close()
	upgrade := func(protocol string) http.Header {
		h := http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
		}
		if protocol != "" {
			h.Set("Sec-WebSocket-Protocol", protocol)
		}
		return h
	}
	for _, c := range []struct {
		name, method, origin string
		header               http.Header
		status               int
		cors                 string
	}{
		{"keep-alive", "GET", "", nil, 200, ""},
		{"keep-alive from a configured origin", "GET", "https://app.test", nil, 200, "https://app.test"},
		{"keep-alive from our page", "GET", "http://meet.test", nil, 200, "http://meet.test"},
		{"keep-alive from elsewhere", "GET", "https://evil.test", nil, 200, ""},
		{"post", "POST", "", nil, 405, ""},
		{"no subprotocol", "GET", "", upgrade(""), 400, ""},
		{"another subprotocol", "GET", "", upgrade("mqtt"), 400, ""},
		{"upgrade from elsewhere", "GET", "https://evil.test", upgrade("xmpp"), 403, ""},
		{"upgrade from null", "GET", "null", upgrade("xmpp"), 403, ""},
	} {
		r := httptest.NewRequest(c.method, "http://meet.test/xmpp-websocket", nil)
		maps.Copy(r.Header, c.header)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.name, w.Code, c.status)
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != c.cors {
			t.Errorf("%s: allows %q, want %q", c.name, got, c.cors)
		}
		if w.Header().Get("X-Jitsi-Shard") != "" {
			t.Errorf("%s: names a shard", c.name)
		}
		if c.status == 200 && w.Body.Len() != 0 {
			t.Errorf("%s: body %q", c.name, w.Body)
		}
	}
}

func TestUpgradeFromConfiguredOrigin(t *testing.T) {
	s := NewServer(Config{Domain: "meet.test", Node: "n1", Handler: &recorder{}, Origins: []string{"https://app.test"}})
	h := httptest.NewServer(s)
	defer h.Close()
	defer s.Close()
	ws, _, err := websocket.Dial(t.Context(), h.URL, &websocket.DialOptions{ //nolint:bodyclose // the socket is the body
		Subprotocols: []string{"mqtt", "xmpp"}, HTTPHeader: http.Header{"Origin": {"https://APP.test"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if ws.Subprotocol() != "xmpp" {
		t.Errorf("subprotocol %q", ws.Subprotocol())
	}
	_ = ws.CloseNow()
}

func TestConnectRateAnswers(t *testing.T) {
	s := NewServer(Config{Domain: "meet.test", Node: "n1", Handler: &recorder{}, Limits: Limits{ConnectBurst: 1}})
	defer s.Close()
	codes := make([]int, 2)
	for i := range codes {
		r := httptest.NewRequest("GET", "http://meet.test/xmpp-websocket", nil)
		r.RemoteAddr = "192.0.2.1:5"
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Protocol", "xmpp")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		codes[i] = w.Code
	}
	if codes[0] == http.StatusTooManyRequests || codes[1] != http.StatusTooManyRequests {
		t.Errorf("got %v, want the second to be 429", codes)
	}
}
