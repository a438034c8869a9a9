package hostile

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestAdminIsForOperators: neither a page of another origin nor a name that was made to resolve to this machine gets
// anything from the admin API, and the public ports do not have it.
func TestAdminIsForOperators(t *testing.T) {
	t.Parallel()
	n := serve(t)
	ask := func(addr, path, method string, change func(*http.Request)) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Host = name }
	}
	for name, change := range map[string]func(*http.Request){
		"another name":        host("evil.example"),
		"another name, port":  host("evil.example:9090"),
		"looks like loopback": host("127.0.0.1.evil.example"),
		"the domain":          host("meet.example"),
		"another address":     host("10.0.0.1"),
		"empty":               host(" "),
		"foreign page":        set("Origin", "https://evil.example"),
		"sandboxed page":      set("Origin", "null"),
		"another port":        set("Origin", "http://localhost:1"),
		"the public page":     set("Origin", "http://"+n.http),
		"image of a page":     set("Sec-Fetch-Site", "cross-site"),
		"sibling of the page": set("Sec-Fetch-Site", "same-site"),
		"two origins":         func(r *http.Request) { r.Header["Origin"] = []string{"http://" + n.admin, "https://evil.example"} },
	} {
		for _, path := range []string{"/metrics", "/api/v1/rooms", "/api/v1/cluster", "/about/health", "/debug/pprof/", "/debug/pprof/cmdline", "/colibri/stats", "/nothing"} {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				status, body := ask(n.admin, path, method, change)
				if status != http.StatusForbidden && status != http.StatusBadRequest {
					t.Errorf("%s: %s %s: %d %.100q", name, method, path, status, body)
				}
			}
		}
	}
	// A proxy's headers make nobody an operator.
	if status, _ := ask(n.admin, "/api/v1/rooms", "GET", func(r *http.Request) {
		r.Host = "evil.example"
		r.Header.Set("X-Forwarded-Host", "localhost")
		r.Header.Set("Forwarded", "host=localhost;for=127.0.0.1")
	}); status != http.StatusForbidden {
		t.Errorf("forwarded: %d", status)
	}
	for name, change := range map[string]func(*http.Request){
		"as it is": func(*http.Request) {}, "localhost": host("localhost:9090"), "v6": host("[::1]:9090"),
		"own page": set("Origin", "http://"+n.admin), "address bar": set("Sec-Fetch-Site", "none"),
	} {
		if status, body := ask(n.admin, "/api/v1/rooms", "GET", change); status != http.StatusOK || !strings.Contains(body, "rooms") {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/api/v1/rooms", "/api/v1/cluster", "/colibri/stats"} {
		if _, body := ask(n.http, path, "GET", func(*http.Request) {}); strings.Contains(body, "atoll_") || strings.Contains(body, `"rooms"`) || strings.Contains(body, "goroutine") || strings.Contains(body, `"self"`) {
			t.Errorf("public %s: %.100q", path, body)
		}
	}
	// The sockets are for the own pages.
	for path, method := range map[string]string{"/xmpp-websocket": "GET", "/colibri-ws/x/y/z": "GET", "/conference-request/v1": "POST"} {
		for _, origin := range []string{"https://evil.example", "null", "https://localhost.evil.example"} {
			if status, _ := ask(n.http, path, method, set("Origin", origin)); status != http.StatusForbidden {
				t.Errorf("%s from %s: %d", path, origin, status)
			}
		}
	}
}
