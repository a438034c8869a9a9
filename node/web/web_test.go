package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/node/config"
)

var quiet = slog.New(slog.DiscardHandler)

// echo answers with its name and what it was asked.
func echo(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s://%s%s from %s %s", name, r.URL.Scheme, r.Host, r.URL.Path, r.RemoteAddr, body)
	})
}

var services = Services{XMPP: echo("xmpp"), Bridge: echo("bridge"), Conference: echo("conference"), Health: func() error { return nil }}

var builtFiles = fstest.MapFS{
	"index.html":         {Data: []byte("<!doctype html><title>page</title>")},
	"assets/main-abc.js": {Data: []byte("main()")},
	"assets/main.css":    {Data: []byte("body{}")},
	"icon.svg":           {Data: []byte("<svg/>")},
}

func face(t *testing.T, cfg Config) http.Handler {
	t.Helper()
	cfg.Log = quiet
	if cfg.Domain == "" {
		cfg.Domain = "meet.example.org"
	}
	return public(cfg, services, newPage(builtFiles))
}

// ask sends one request, with headers "Name: value", from a stranger's address.
func ask(h http.Handler, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	return askFrom(h, "198.51.100.7:1234", method, target, body, headers...)
}

func askFrom(h http.Handler, remote, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	r.RemoteAddr = remote
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPaths(t *testing.T) {
	h := face(t, Config{})
	cases := []struct {
		method, path string
		status       int
		begin, kind  string
	}{
		{"GET", "/", 200, "<!doctype html><title>page", "text/html; charset=utf-8"},
		{"GET", "/demo", 200, "<!doctype html><title>page", "text/html; charset=utf-8"},
		{"GET", "/Room%20with.dots", 200, "<!doctype html><title>page", "text/html; charset=utf-8"},
		{"GET", "/demo?jwt=x", 200, "<!doctype html><title>page", "text/html; charset=utf-8"},
		{"HEAD", "/demo", 200, "", "text/html; charset=utf-8"},
		{"GET", "/index.html", 200, "<!doctype html><title>page", "text/html; charset=utf-8"},
		{"GET", "/assets/main-abc.js", 200, "main()", "text/javascript; charset=utf-8"},
		{"GET", "/assets/main.css", 200, "body{}", "text/css; charset=utf-8"},
		{"GET", "/icon.svg", 200, "<svg/>", "image/svg+xml"},
		{"GET", "/assets/none.js", 404, "", ""},
		{"GET", "/assets/", 404, "", ""},
		{"GET", "/a/b/c", 404, "", ""},
		{"POST", "/demo", 405, "", ""},
		{"GET", "/config.js", 200, "var config = {", "text/javascript; charset=utf-8"},
		{"POST", "/config.js", 405, "", ""},
		{"GET", "/about/health", 200, "ok", "text/plain; charset=utf-8"},
		{"GET", "/xmpp-websocket?room=demo", 200, "xmpp http://example.com/xmpp-websocket", ""},
		{"POST", "/xmpp-websocket", 405, "", ""},
		{"GET", "/colibri-ws/node/conf/endpoint?pwd=x", 200, "bridge http://example.com/colibri-ws/node/conf/endpoint", ""},
		{"GET", "/conference-request/v1", 405, "", ""},
		{"GET", "/metrics", 200, "<!doctype html><title>page", ""}, // a room: the public face has no metrics
		{"GET", "/api/v1/rooms", 404, "", ""},
		{"GET", "/debug/pprof/", 404, "", ""},
	}
	for _, c := range cases {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			w := ask(h, c.method, c.path, nil)
			if w.Code != c.status || !strings.HasPrefix(w.Body.String(), c.begin) {
				t.Errorf("%d %.60q, want %d %q", w.Code, w.Body, c.status, c.begin)
			}
			if c.kind != "" && w.Header().Get("Content-Type") != c.kind {
				t.Errorf("type %q, want %q", w.Header().Get("Content-Type"), c.kind)
			}
		})
	}
}

func TestHealthFails(t *testing.T) {
	s := services
	s.Health = func() error { return errors.New("disk of node7 is full") }
	w := ask(public(Config{Log: quiet}, s, newPage(builtFiles)), "GET", "/about/health", nil)
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "node7") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestPageProtectsItself(t *testing.T) {
	header := ask(face(t, Config{}), "GET", "/demo", nil, "Host: meet.example.org:8443").Header()
	policy := header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'self'", "connect-src 'self' ws://meet.example.org:8443 wss://meet.example.org:8443 wss://meet.example.org wss://*.meet.example.org;", "frame-ancestors 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q has no %q", policy, want)
		}
	}
	for _, never := range []string{"unsafe", " *", "*;", "* ", "http:", "https:"} {
		if strings.Contains(policy, never) {
			t.Errorf("policy %q has %q", policy, never)
		}
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := ask(face(t, Config{}), "GET", "/assets/main-abc.js", nil).Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("assets: Cache-Control %q", got)
	}
}

func TestPageIsNotSentTwice(t *testing.T) {
	h := face(t, Config{})
	tag := ask(h, "GET", "/demo", nil).Header().Get("ETag")
	if w := ask(h, "GET", "/other", nil, "If-None-Match: "+tag); tag == "" || w.Code != http.StatusNotModified {
		t.Errorf("tag %q: %d", tag, w.Code)
	}
}

func TestABinaryWithoutPageSaysSo(t *testing.T) {
	h := public(Config{Domain: "localhost", Log: quiet}, services, newPage(fstest.MapFS{}))
	if w := ask(h, "GET", "/demo", nil); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/config.js", nil); w.Code != http.StatusOK {
		t.Errorf("config.js: %d", w.Code)
	}
}

func TestHostsThatAreNone(t *testing.T) {
	for _, host := range []string{"", "a b", "x;script-src *", "x,y", "x'y", "x\"y", "x/y", "a@b", "<x>", "::", "x:y:z", "1::2", "[1.2.3.4]:80", "[x]", "x[::1]", strings.Repeat("a", 300)} {
		if w := ask(face(t, Config{}), "GET", "/config.js", nil, "Host: "+host); w.Code != http.StatusBadRequest {
			t.Errorf("host %q: %d %s", host, w.Code, w.Body)
		}
	}
}

// parse reads the JSON of a config.js.
func parse(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	text, ok := strings.CutPrefix(w.Body.String(), "var config = ")
	text, end := strings.CutSuffix(text, ";\n")
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil || !ok || !end {
		t.Fatalf("config.js %q: %v", w.Body, err)
	}
	return all
}

func TestClientConfig(t *testing.T) {
	h := face(t, Config{Region: "eu", Codecs: []string{"VP8", "VP9", "H264", "AV1"}})
	got := parse(t, ask(h, "GET", "/config.js?room=demo", nil, "Host: localhost:8080"))
	want := map[string]any{
		"hosts":                 map[string]any{"domain": "meet.example.org", "muc": "conference.meet.example.org", "focus": "focus.meet.example.org"},
		"websocket":             "ws://localhost:8080/xmpp-websocket",
		"websocketKeepAliveUrl": "http://localhost:8080/xmpp-websocket",
		"enableWebsocketResume": true,
		"conferenceRequestUrl":  "http://localhost:8080/conference-request/v1",
		"p2p":                   map[string]any{"enabled": false, "stunServers": []any{}},
		"bridgeChannel":         map[string]any{"preferSctp": false},
		"videoQuality":          map[string]any{"codecPreferenceOrder": []any{"VP8", "VP9", "H264", "AV1"}},
		"flags":                 map[string]any{"ssrcRewritingEnabled": true},
		"useTurnUdp":            true,
		"deploymentInfo":        map[string]any{"region": "eu"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestURLsRepeatHowTheClientCame(t *testing.T) {
	const stranger, proxy, loopback, loopback6 = "198.51.100.7:1", "192.0.2.9:1", "127.0.0.1:1", "[::1]:1"
	cases := map[string]struct {
		remote, target string
		headers        []string
		want           string
	}{
		"in clear":                    {stranger, "http://h.example:8080/config.js", nil, "ws://h.example:8080"},
		"by TLS":                      {stranger, "https://h.example/config.js", nil, "wss://h.example"},
		"v6":                          {stranger, "http://[2001:db8::1]:8080/config.js", nil, "ws://[2001:db8::1]:8080"},
		"a stranger forwards":         {stranger, "http://h.example/config.js", []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "Forwarded: proto=https;host=evil.example"}, "ws://h.example"},
		"loopback forwards":           {loopback, "http://h.example/config.js", []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: p.example"}, "wss://p.example"},
		"loopback forwards by v6":     {loopback6, "http://h.example/config.js", []string{"X-Forwarded-Proto: HTTPS"}, "wss://h.example"},
		"a trusted proxy":             {proxy, "http://h.example/config.js", []string{"Forwarded: for=1.2.3.4;proto=https;host=p.example"}, "wss://p.example"},
		"RFC 7239 counts before X-":   {loopback, "http://h.example/config.js", []string{"Forwarded: proto=https;host=\"p.example:8443\"", "X-Forwarded-Host: x.example"}, "wss://p.example:8443"},
		"the last of two X- hosts":    {loopback, "http://h.example/config.js", []string{"X-Forwarded-Host: evil.example, p.example"}, "ws://p.example"},
		"back through trusted ones":   {loopback, "http://h.example/config.js", []string{"Forwarded: for=1.2.3.4;proto=https;host=p.example, for=192.0.2.9;proto=http;host=inner.example"}, "wss://p.example"},
		"not behind an untrusted one": {loopback, "http://h.example/config.js", []string{"Forwarded: for=1.2.3.4;proto=https;host=evil.example, for=1.2.3.5;proto=http;host=p.example"}, "ws://p.example"},
		"a host that is none":         {loopback, "http://h.example/config.js", []string{"X-Forwarded-Host: x;y", "X-Forwarded-Proto: gopher"}, "ws://h.example"},
	}
	h := face(t, Config{Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := parse(t, askFrom(h, c.remote, "GET", c.target, nil, c.headers...))
			if got["websocket"] != c.want+"/xmpp-websocket" {
				t.Errorf("websocket %v, want %s", got["websocket"], c.want)
			}
		})
	}
}

func TestHandlersSeeTheClient(t *testing.T) {
	h := face(t, Config{})
	w := askFrom(h, "127.0.0.1:9", "GET", "http://inner/xmpp-websocket", nil, "X-Forwarded-For: 9.9.9.9, 203.0.113.5", "X-Forwarded-Proto: https", "X-Forwarded-Host: p.example")
	if want := "xmpp https://p.example/xmpp-websocket from 203.0.113.5:0"; !strings.HasPrefix(w.Body.String(), want) {
		t.Errorf("%q, want %q", w.Body, want)
	}
	if w := ask(h, "GET", "http://h.example/xmpp-websocket", nil, "X-Forwarded-For: 203.0.113.5"); !strings.Contains(w.Body.String(), "from 198.51.100.7:1234") {
		t.Errorf("a stranger chose its address: %q", w.Body)
	}
}

func TestOrigins(t *testing.T) {
	listed, err := config.ParseOrigin("https://portal.example")
	if err != nil {
		t.Fatal(err)
	}
	own, given := face(t, Config{}), face(t, Config{Origins: []config.Origin{listed}})
	cases := []struct {
		h       http.Handler
		headers []string
		status  int
	}{
		{own, nil, 200},
		{own, []string{"Origin: https://meet.example.org"}, 200},
		{own, []string{"Origin: https://n1.meet.example.org"}, 200},
		{own, []string{"Host: 192.0.2.1:8080", "Origin: http://192.0.2.1:8080"}, 200},
		{own, []string{"Host: 192.0.2.1:8080", "Origin: http://192.0.2.1"}, 403},
		{own, []string{"Origin: https://evil.example"}, 403},
		{own, []string{"Origin: https://portal.example"}, 403},
		{own, []string{"Origin: null"}, 403},
		{own, []string{"Origin: "}, 403},
		{own, []string{"Origin: https://meet.example.org", "Origin: https://evil.example"}, 403},
		{given, []string{"Origin: https://portal.example"}, 200},
		{given, []string{"Host: meet.example.org", "Origin: https://meet.example.org"}, 200},
		{given, []string{"Origin: https://n1.meet.example.org"}, 403},
	}
	for _, c := range cases {
		for _, path := range []string{"/xmpp-websocket", "/colibri-ws/n/c/e"} {
			w := ask(c.h, "GET", path, nil, c.headers...)
			if w.Code != c.status {
				t.Errorf("%s %q: %d, want %d", path, c.headers, w.Code, c.status)
			}
			if allowed := w.Header().Get("Access-Control-Allow-Origin"); (allowed != "") != (c.status == 200 && len(c.headers) > 0) || allowed == "*" {
				t.Errorf("%s %q: allowed origin %q", path, c.headers, allowed)
			}
		}
	}
}

func TestConferenceRequest(t *testing.T) {
	h := face(t, Config{})
	cases := map[string]struct {
		body, origin string
		status       int
		want         string
	}{
		"good":            {`{"room":"demo"}`, "", 200, `{"room":"demo"}`},
		"of our page":     {`{"room":"demo"}`, "https://meet.example.org", 200, `{"room":"demo"}`},
		"of another page": {`{"room":"demo"}`, "https://evil.example", 403, ""},
		"no JSON":         {`room=demo`, "", 400, ""},
		"two values":      {`{} {}`, "", 400, ""},
		"nothing":         {``, "", 400, ""},
		"largest":         {`"` + strings.Repeat("a", largestRequest-2) + `"`, "", 200, "aaa"},
		"too large":       {`"` + strings.Repeat("a", largestRequest-1) + `"`, "", 413, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			headers := []string{"Content-Type: application/json"}
			if c.origin != "" {
				headers = append(headers, "Origin: "+c.origin)
			}
			w := ask(h, "POST", "/conference-request/v1?room=demo", strings.NewReader(c.body), headers...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%d %.80q, want %d", w.Code, w.Body, c.status)
			}
			if w.Code == http.StatusOK && w.Header().Get("Access-Control-Allow-Origin") != c.origin {
				t.Errorf("allowed origin %q", w.Header().Get("Access-Control-Allow-Origin"))
			}
		})
	}
	w := ask(h, "OPTIONS", "/conference-request/v1", nil, "Origin: https://n1.meet.example.org", "Access-Control-Request-Method: POST")
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Methods") != "POST" || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	if w := ask(h, "OPTIONS", "/conference-request/v1", nil, "Origin: https://evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("preflight of another page: %d", w.Code)
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add("for=1.2.3.4;proto=https;host=p.example, for=\"[2001:db8::1]:47\";by=x")
	f.Add(`host="a\"b;c,d"`)
	f.Add(`;;,,=,"`)
	f.Fuzz(func(t *testing.T, text string) {
		seen := proxies{}.follow(hop{scheme: "http", host: "h.example", client: "127.0.0.1:1"}, http.Header{"Forwarded": {text}})
		if seen.scheme != "http" && seen.scheme != "https" || !isHost(seen.host) {
			t.Errorf("%q gives %+v", text, seen)
		}
		if _, ok := address(seen.client); !ok {
			t.Errorf("%q gives client %q", text, seen.client)
		}
	})
}
