package web

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func operatorAPI(host string) http.Handler {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "atoll_test_total", Help: "x"})
	registry.MustRegister(counter)
	counter.Add(3)
	return Admin(AdminConfig{
		Host: host, Version: "v1", Metrics: registry, Health: func() error { return nil }, Log: quiet,
		Cluster: func() Cluster {
			return Cluster{Self: "ubiig7mfa4", Members: []Member{{Name: "ubiig7mfa4", Region: "eu", State: "alive", Version: "v1"}}}
		},
		Rooms: func() []Room {
			return []Room{{
				Name: "demo@conference.localhost", Nodes: []string{"ubiig7mfa4"},
				Participants: []Participant{{ID: "478dfae7", Node: "ubiig7mfa4"}, {ID: "12345678", Node: "ubiig7mfa4"}},
				Sources: []Source{
					{Name: "478dfae7-a0", Kind: "audio", From: "ubiig7mfa4"},
					{Name: "478dfae7-v0", Kind: "video", VideoType: "camera", From: "ubiig7mfa4", Layers: []int{0, 2}},
					{Name: "478dfae7-v1", Kind: "video", VideoType: "desktop", From: "ubiig7mfa4", Layers: []int{0}},
				},
			}, {Name: "empty@conference.localhost"}}
		},
	})
}

func TestAdminPaths(t *testing.T) {
	h := operatorAPI("127.0.0.1")
	cases := map[string]string{
		"/about/health":       "ok",
		"/metrics":            "atoll_test_total 3",
		"/colibri/stats":      `"largest_conference": 2`,
		"/debug/pprof/":       "goroutine",
		"/debug/pprof/heap":   "",
		"/api/v1/cluster":     `"self": "ubiig7mfa4"`,
		"/api/v1/rooms":       `"id": "478dfae7"`,
		"/debug/pprof/symbol": "num_symbols",
	}
	for path, want := range cases {
		w := ask(h, "GET", "http://127.0.0.1:9090"+path, nil)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %.80q, want %q", path, w.Code, w.Body, want)
		}
	}
	for _, path := range []string{"/", "/config.js", "/demo"} {
		if w := ask(h, "GET", "http://127.0.0.1:9090"+path, nil); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := ask(h, "POST", "http://127.0.0.1:9090/api/v1/rooms", nil); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestAdminJSON(t *testing.T) {
	h := operatorAPI("127.0.0.1")
	for path, want := range map[string]string{
		"/api/v1/cluster": `{"self":"ubiig7mfa4","members":[{"name":"ubiig7mfa4","region":"eu","state":"alive","version":"v1"}],"links":[]}`,
		"/colibri/stats":  `{"conferences":2,"participants":2,"largest_conference":2,"endpoints_sending_audio":1,"endpoints_sending_video":1,"version":"v1"}`,
		"/api/v1/rooms": `{"rooms":[{"name":"demo@conference.localhost","nodes":["ubiig7mfa4"],
			"participants":[{"id":"478dfae7","node":"ubiig7mfa4"},{"id":"12345678","node":"ubiig7mfa4"}],
			"sources":[{"name":"478dfae7-a0","kind":"audio","from":"ubiig7mfa4","layers":[]},
				{"name":"478dfae7-v0","kind":"video","video_type":"camera","from":"ubiig7mfa4","layers":[0,2]},
				{"name":"478dfae7-v1","kind":"video","video_type":"desktop","from":"ubiig7mfa4","layers":[0]}]},
			{"name":"empty@conference.localhost","nodes":[],"participants":[],"sources":[]}]}`,
	} {
		w := ask(h, "GET", "http://localhost:9090"+path, nil)
		var got, expected any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err := json.Unmarshal([]byte(want), &expected); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func TestAdminChecksTheHost(t *testing.T) {
	cases := []struct {
		configured, at, host string
		status               int
	}{
		{"127.0.0.1", "", "127.0.0.1:9090", 200},
		{"127.0.0.1", "", "localhost:9090", 200},
		{"127.0.0.1", "", "LOCALHOST", 200},
		{"127.0.0.1", "", "[::1]:9090", 200},
		{"127.0.0.1", "", "127.3.2.1", 200},
		{"127.0.0.1", "", "evil.example:9090", 403},
		{"127.0.0.1", "", "evil.example", 403},
		{"127.0.0.1", "", "localhost.evil.example:9090", 403},
		{"127.0.0.1", "", "127.0.0.1.evil.example:9090", 403},
		{"127.0.0.1", "", "192.0.2.1:9090", 403},
		{"127.0.0.1", "", "0.0.0.0:9090", 403},
		{"127.0.0.1", "", "", 403},
		{"127.0.0.1", "127.0.0.1", "192.0.2.1:9090", 403},
		{"node.internal", "10.0.0.1", "node.internal:9090", 200},
		{"node.internal", "10.0.0.1", "evil.example:9090", 403},
		{"", "10.0.0.1", "10.0.0.1:9090", 200},
		{"", "10.0.0.1", "10.0.0.2:9090", 403},
		{"", "10.0.0.1", "evil.example:9090", 403},
	}
	for _, c := range cases {
		r := httptest.NewRequest("GET", "http://x/api/v1/cluster", nil)
		r.Host = c.host
		if c.at != "" {
			r = r.WithContext(contextWith(r, c.at))
		}
		w := httptest.NewRecorder()
		operatorAPI(c.configured).ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("--admin %q reached at %q by the name of %q: %d, want %d", c.configured, c.at, c.host, w.Code, c.status)
		}
	}
}

func TestAdminChecksTheOrigin(t *testing.T) {
	cases := []struct {
		headers []string
		status  int
	}{
		{nil, 200},
		{[]string{"Origin: http://127.0.0.1:9090"}, 200},
		{[]string{"Origin: http://127.0.0.1:9090", "Sec-Fetch-Site: same-origin"}, 200},
		{[]string{"Sec-Fetch-Site: none"}, 200},
		{[]string{"Origin: http://127.0.0.1:3000"}, 403},
		{[]string{"Origin: http://localhost:9090"}, 403},
		{[]string{"Origin: https://evil.example"}, 403},
		{[]string{"Origin: null"}, 403},
		{[]string{"Origin: "}, 403},
		{[]string{"Origin: http://127.0.0.1:9090", "Origin: https://evil.example"}, 403},
		{[]string{"Sec-Fetch-Site: cross-site"}, 403},
		{[]string{"Sec-Fetch-Site: same-site"}, 403},
	}
	for _, c := range cases {
		for _, path := range []string{"/api/v1/cluster", "/metrics", "/debug/pprof/heap", "/about/health"} {
			if w := ask(operatorAPI("127.0.0.1"), "GET", "http://127.0.0.1:9090"+path, nil, c.headers...); w.Code != c.status {
				t.Errorf("%s %q: %d, want %d", path, c.headers, w.Code, c.status)
			}
		}
	}
}

// local addresses of a connection, as net/http puts them into the context.
func localAddress(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 9090} }
