package web

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Homing knows the nodes of the cluster and who is near them.
type Homing interface {
	// Nearest returns the nodes that a client should use.
	Nearest(client netip.Addr) Nearest
	// Learn takes a round trip that a client has measured.
	Learn(client netip.Addr, node string, rtt time.Duration)
	// URLs are the own addresses of the cluster's nodes: their pages are ours.
	URLs() []string
}

// mostTrips is how many round trips one report may have.
const mostTrips = 8

// nearest answers /api/v1/nearest: GET says which nodes are near, POST takes what the page has measured. Each address may ask
// twice a second, and twenty times at once.
type nearest struct {
	homing Homing
	door   doorman
	pace   pace
}

func (n *nearest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store") // it is for this client
	header.Set("X-Content-Type-Options", "nosniff")
	client, _ := address(r.RemoteAddr)
	if !n.pace.allow(time.Now(), client) {
		header.Set("Retry-After", "1")
		http.Error(w, "too many questions", http.StatusTooManyRequests)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		header.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(near(n.homing, r)) // a client that went away needs no answer
	case http.MethodPost:
		n.learn(w, r, client)
	default:
		header.Set("Allow", "GET, HEAD, POST")
		http.Error(w, "want GET or POST", http.StatusMethodNotAllowed)
	}
}

// learn takes a report. One of another's page would say what that page wants of its visitors' networks.
func (n *nearest) learn(w http.ResponseWriter, r *http.Request, client netip.Addr) {
	if origins := r.Header.Values("Origin"); len(origins) != 1 || !n.door.allows(r, origins[0]) {
		http.Error(w, "only the page reports", http.StatusForbidden)
		return
	}
	body, err := readAll(r.Body)
	var report Measured
	if err != nil || json.Unmarshal(body, &report) != nil || len(report.Trips) > mostTrips {
		http.Error(w, `want {"trips":[{"node":NAME,"rtt_ms":NUMBER}]} of at most eight`, http.StatusBadRequest)
		return
	}
	for _, t := range report.Trips {
		if t.RTTms > 0 && t.RTTms < 60_000 {
			n.homing.Learn(client, t.Node, time.Duration(t.RTTms*float64(time.Millisecond)))
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// near returns what a client is told, with candidates' addresses that are none left out.
func near(homing Homing, r *http.Request) Nearest {
	client, _ := address(r.RemoteAddr)
	answer := homing.Nearest(client)
	if answer.Candidates == nil {
		answer.Candidates = []Candidate{}
	}
	for i, c := range answer.Candidates {
		answer.Candidates[i].URL = originOf(c.URL)
	}
	return answer
}

// choice reports whether the page has something to measure.
func (n Nearest) choice() bool {
	for _, c := range n.Candidates {
		if c.Node != n.Node && c.URL != "" {
			return true
		}
	}
	return false
}

// originOf returns the origin that a URL is, or "".
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isHost(u.Host) || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

const (
	paceRate  = 2.0 // a second
	paceBurst = 20.0
	// paceMost bounds the memory for addresses. Beyond it they are counted together.
	paceMost = 1 << 14
)

// pace limits how often one address asks: one of IPv4, or one network of 64 bits in IPv6. Loopback is not limited.
type pace struct {
	mu      sync.Mutex
	debts   map[netip.Prefix]debt
	clearer time.Time
}

// debt is how many questions were asked beyond the rate.
type debt struct {
	count float64
	at    time.Time
}

func (d debt) now(now time.Time) float64 { return max(0, d.count-paceRate*now.Sub(d.at).Seconds()) }

func (p *pace) allow(now time.Time, from netip.Addr) bool {
	if from.IsLoopback() {
		return true
	}
	bits := 64
	if from.Is4() {
		bits = 32
	}
	key, _ := from.Prefix(bits)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.debts == nil || now.Sub(p.clearer) > time.Minute {
		p.clear(now)
	}
	if _, known := p.debts[key]; !known && len(p.debts) >= paceMost {
		key = netip.Prefix{}
	}
	owed := p.debts[key].now(now)
	if owed+1 > paceBurst {
		return false
	}
	p.debts[key] = debt{owed + 1, now}
	return true
}

// clear forgets who owes nothing.
func (p *pace) clear(now time.Time) {
	p.clearer = now
	if p.debts == nil {
		p.debts = make(map[netip.Prefix]debt)
	}
	for key, d := range p.debts {
		if d.now(now) == 0 {
			delete(p.debts, key)
		}
	}
}
