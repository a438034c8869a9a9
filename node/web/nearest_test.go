package web

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakeHoming is a cluster of three, and what was learned.
type fakeHoming struct {
	asked   []netip.Addr
	learned map[string]time.Duration
}

func (f *fakeHoming) Nearest(client netip.Addr) Nearest {
	f.asked = append(f.asked, client)
	return Nearest{Node: "a", Region: "eu", Candidates: []Candidate{
		{"b", "us", "https://b.example.org:8443"}, {"a", "eu", "http://a.example.org"}, {"c", "ap", "https://evil';script-src"},
	}}
}

func (f *fakeHoming) Learn(client netip.Addr, node string, rtt time.Duration) {
	if f.learned == nil {
		f.learned = map[string]time.Duration{}
	}
	f.learned[client.String()+" "+node] = rtt
}

func (f *fakeHoming) URLs() []string {
	return []string{"https://b.example.org:8443", "http://a.example.org", "junk", ""}
}

func homingFace(f Homing) http.Handler {
	with := services
	with.Homing = f
	return public(Config{Domain: "meet.example.org", Log: quiet, Region: "eu"}, with, newPage(builtFiles))
}

func TestNearest(t *testing.T) {
	f := &fakeHoming{}
	h := homingFace(f)
	w := ask(h, "GET", "/api/v1/nearest", nil)
	var got Nearest
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatal(w.Code, w.Body, err)
	}
	want := Nearest{Node: "a", Region: "eu", Candidates: []Candidate{{"b", "us", "https://b.example.org:8443"}, {"a", "eu", "http://a.example.org"}, {"c", "ap", ""}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", w.Header())
	}
	askFrom(h, "127.0.0.1:5", "GET", "/api/v1/nearest", nil, "X-Forwarded-For: 203.0.113.9")
	if stranger, behind := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("203.0.113.9"); !slices.Equal(f.asked, []netip.Addr{stranger, behind}) {
		t.Errorf("asked for %v", f.asked)
	}
	if w := ask(h, "PUT", "/api/v1/nearest", nil); w.Code != 405 {
		t.Errorf("PUT: %d", w.Code)
	}
	if w := ask(homingFace(nil), "GET", "/api/v1/nearest", nil); w.Code != 404 {
		t.Errorf("without others: %d", w.Code)
	}
}

func TestNearestIsInTheConfiguration(t *testing.T) {
	w := ask(homingFace(&fakeHoming{}), "GET", "/config.js", nil)
	if body := w.Body.String(); !strings.Contains(body, `"nearest": {`) || !strings.Contains(body, "https://b.example.org:8443") || strings.Contains(body, "evil") {
		t.Errorf("%s", body)
	}
	if body := ask(face(t, Config{}), "GET", "/config.js", nil).Body.String(); strings.Contains(body, "nearest") {
		t.Errorf("without a choice: %s", body)
	}
}

// TestPageMayMeasure: the page may connect to what it measures, open sockets to the domain and its nodes, and nothing else.
func TestPageMayMeasure(t *testing.T) {
	policy := ask(homingFace(&fakeHoming{}), "GET", "/demo", nil, "Host: a.example.org").Header().Get("Content-Security-Policy")
	want := "connect-src 'self' ws://a.example.org wss://a.example.org wss://meet.example.org wss://*.meet.example.org https://b.example.org:8443 wss://b.example.org:8443 http://a.example.org ws://a.example.org;"
	if !strings.Contains(policy, want) || strings.Contains(policy, "evil") {
		t.Errorf("%s\nwant %s", policy, want)
	}
}

func TestHealthCanBeMeasured(t *testing.T) {
	h := homingFace(&fakeHoming{})
	for origin, allowed := range map[string]bool{
		"https://b.example.org:8443": true, "http://a.example.org": true, "https://meet.example.org": true, "https://x.meet.example.org": true,
		"https://evil.example": false, "https://b.example.org": false, "junk": false, "null": false, "": false,
	} {
		w := ask(h, "GET", "/about/health", nil, "Origin: "+origin)
		got := w.Header().Get("Access-Control-Allow-Origin")
		if w.Code != 200 || allowed != (got != "") || allowed && got != origin || w.Header().Get("Vary") != "Origin" {
			t.Errorf("%q: %d %v", origin, w.Code, w.Header())
		}
	}
}

func TestReport(t *testing.T) {
	const own = "Origin: https://meet.example.org"
	good := `{"trips":[{"node":"b","rtt_ms":12.5},{"node":"c","rtt_ms":-1},{"node":"d","rtt_ms":1e300}]}`
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"good":             {good, []string{own}, 204},
		"of another page":  {good, []string{"Origin: https://evil.example"}, 403},
		"of no page":       {good, nil, 403},
		"of two":           {good, []string{own, own}, 403},
		"no JSON":          {"trips", []string{own}, 400},
		"other JSON":       {`{"trips":[{"node":1}]}`, []string{own}, 400},
		"nine":             {`{"trips":[` + strings.Repeat(`{},`, 8) + `{}]}`, []string{own}, 400},
		"more than enough": {`{"x":"` + strings.Repeat("x", 17<<10) + `"}`, []string{own}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeHoming{}
			w := ask(homingFace(f), "POST", "/api/v1/nearest", strings.NewReader(c.body), c.headers...)
			want := map[string]time.Duration(nil)
			if c.status == 204 {
				want = map[string]time.Duration{"198.51.100.7 b": 12500 * time.Microsecond}
			}
			if d := cmp.Diff(want, f.learned); w.Code != c.status || d != "" {
				t.Errorf("%d %s, learned %v", w.Code, w.Body, f.learned)
			}
		})
	}
}

func TestPace(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	p := &pace{}
	count := func(addr string) (n int) {
		for range 100 {
			if p.allow(now, netip.MustParseAddr(addr)) {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		addr string
		want int
	}{
		{"192.0.2.1", 20}, {"192.0.2.1", 0}, {"192.0.2.2", 20}, {"2001:db8::1", 20}, {"2001:db8::2", 0}, {"2001:db8:0:1::", 20}, {"127.0.0.1", 100},
	} {
		if n := count(c.addr); n != c.want {
			t.Errorf("%s: %d at once, want %d", c.addr, n, c.want)
		}
	}
	now = now.Add(3 * time.Second)
	if n := count("192.0.2.1"); n != 6 {
		t.Errorf("3 s later: %d", n)
	}
	now = now.Add(2 * time.Minute)
	count("192.0.2.3")
	if len(p.debts) != 1 {
		t.Errorf("%d are remembered", len(p.debts))
	}
	for i := range paceMost + 100 {
		p.allow(now, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(p.debts) > paceMost+1 {
		t.Errorf("%d are remembered", len(p.debts))
	}
	if n := count("192.0.2.77"); n != 0 {
		t.Errorf("one too many to be remembered asks %d times, with all the others", n)
	}
}

func TestNearestIsLimited(t *testing.T) {
	h := homingFace(&fakeHoming{})
	last := 0
	for range 25 {
		last = ask(h, "GET", "/api/v1/nearest", nil).Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 25th question: %d", last)
	}
}
