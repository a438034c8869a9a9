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
			return Cluster{
				Self: "ubiig7mfa4",
				Members: []Member{
					{Name: "ubiig7mfa4", Region: "eu", State: "alive", Address: "192.0.2.1:7946", Self: true, Version: "v1"},
					{Name: "aaaaaaaaaa", Region: "us", State: "dead", Address: "[2001:db8::1]:7946", Version: "v0", Drain: true},
				},
				Links: []Link{{
					To: "aaaaaaaaaa", Up: true, Control: true, Media: true, RTTms: 80.5, Loss: 0.01,
					SentPackets: 1, SentBytes: 2, ReceivedPackets: 3, ReceivedBytes: 4,
					Dropped: Dropped{Audio: 5, Speaker: 6, Video: 7, Discardable: 8},
				}},
			}
		},
		Rooms: func() []Room {
			return []Room{{
				Name: "demo@conference.localhost", Nodes: []string{"ubiig7mfa4", "aaaaaaaaaa"}, Sequencer: "aaaaaaaaaa",
				Participants: []Participant{
					{ID: "478dfae7", Node: "ubiig7mfa4"}, {ID: "12345678", Node: "ubiig7mfa4"}, {ID: "9abcdef0", Node: "aaaaaaaaaa"},
				},
				Sources: []Source{
					{Name: "478dfae7-a0", Kind: "audio", Node: "ubiig7mfa4", From: "ubiig7mfa4"},
					{Name: "478dfae7-v0", Kind: "video", VideoType: "camera", Node: "ubiig7mfa4", From: "ubiig7mfa4", Layers: []int{0, 2}},
					{
						Name: "478dfae7-v1", Kind: "video", VideoType: "desktop", Node: "ubiig7mfa4", From: "ubiig7mfa4",
						Height: 1080, RelayedTo: []string{"aaaaaaaaaa"}, Layers: []int{0},
					},
					{
						Name: "9abcdef0-v0", Kind: "video", VideoType: "camera", Node: "bbbbbbbbbb", From: "aaaaaaaaaa",
						Upstream: "aaaaaaaaaa", Path: []string{"bbbbbbbbbb", "aaaaaaaaaa", "ubiig7mfa4"}, Height: 360,
					},
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
		"/api/v1/cluster": `{"self":"ubiig7mfa4",
			"members":[
				{"name":"ubiig7mfa4","region":"eu","state":"alive","address":"192.0.2.1:7946","self":true,"version":"v1","drain":false},
				{"name":"aaaaaaaaaa","region":"us","state":"dead","address":"[2001:db8::1]:7946","self":false,"version":"v0","drain":true}],
			"links":[{"to":"aaaaaaaaaa","up":true,"control":true,"media":true,"rtt_ms":80.5,"loss":0.01,
				"sent_packets":1,"sent_bytes":2,"received_packets":3,"received_bytes":4,
				"dropped":{"audio":5,"speaker":6,"video":7,"discardable":8}}]}`,
		"/colibri/stats": `{"conferences":2,"participants":2,"largest_conference":2,"endpoints_sending_audio":1,"endpoints_sending_video":1,"version":"v1"}`,
		"/api/v1/rooms": `{"rooms":[{"name":"demo@conference.localhost","nodes":["ubiig7mfa4","aaaaaaaaaa"],"sequencer":"aaaaaaaaaa",
			"participants":[{"id":"478dfae7","node":"ubiig7mfa4"},{"id":"12345678","node":"ubiig7mfa4"},{"id":"9abcdef0","node":"aaaaaaaaaa"}],
			"sources":[
				{"name":"478dfae7-a0","kind":"audio","node":"ubiig7mfa4","from":"ubiig7mfa4","upstream":"","path":[],"height":0,"relayed_to":[],"layers":[]},
				{"name":"478dfae7-v0","kind":"video","video_type":"camera","node":"ubiig7mfa4","from":"ubiig7mfa4","upstream":"","path":[],"height":0,"relayed_to":[],"layers":[0,2]},
				{"name":"478dfae7-v1","kind":"video","video_type":"desktop","node":"ubiig7mfa4","from":"ubiig7mfa4","upstream":"","path":[],"height":1080,"relayed_to":["aaaaaaaaaa"],"layers":[0]},
				{"name":"9abcdef0-v0","kind":"video","video_type":"camera","node":"bbbbbbbbbb","from":"aaaaaaaaaa","upstream":"aaaaaaaaaa",
					"path":["bbbbbbbbbb","aaaaaaaaaa","ubiig7mfa4"],"height":360,"relayed_to":[],"layers":[]}]},
			{"name":"empty@conference.localhost","nodes":[],"sequencer":"","participants":[],"sources":[]}]}`,
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
