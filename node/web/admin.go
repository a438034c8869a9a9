package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/atoll-mesh/atoll/node/doctor"
)

// AdminConfig is what the admin API shows.
type AdminConfig struct {
	Host    string // of the address it was told to listen on; "": every address
	Version string
	Metrics prometheus.Gatherer
	Health  func() error
	Cluster func() Cluster
	Rooms   func() []Room
	// Drain moves everybody to other nodes until ctx ends; the node stops afterwards.
	Drain  func(ctx context.Context) Drained
	Doctor func(context.Context) doctor.Report
	Log    *slog.Logger
}

// Admin returns the handler of the admin listener.
//
//	GET /about/health      200 while the node serves
//	GET /metrics           Prometheus
//	GET /colibri/stats     counters under the names that Jitsi's monitoring knows
//	GET /debug/pprof/      profiles
//	GET /api/v1/cluster    Cluster
//	GET /api/v1/rooms      Rooms
//	POST /api/v1/drain     Drained, when everybody has moved or after ?deadline= (a Go duration, 60s); the node stops then
//	GET /api/v1/doctor     doctor.Report: the node examines itself, which takes some seconds
//
// A request must name a loopback host, the configured host, or the address that it came in by, and must not come from
// another page; else it is answered 403.
func Admin(cfg AdminConfig) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /about/health", health(cfg.Health))
	// Compressing a few kilobytes would take more than a megabyte of memory each time.
	mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Metrics, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelError), DisableCompression: true,
	}))
	mux.Handle("GET /colibri/stats", answer(func() any { return stats(cfg) }))
	mux.Handle("GET /api/v1/cluster", answer(func() any {
		c := cfg.Cluster()
		c.Members, c.Links = full(c.Members), full(c.Links)
		return c
	}))
	mux.Handle("GET /api/v1/rooms", answer(func() any { return Rooms{Rooms: complete(cfg.Rooms())} }))
	mux.HandleFunc("POST /api/v1/drain", cfg.drain)
	mux.HandleFunc("GET /api/v1/doctor", func(w http.ResponseWriter, r *http.Request) {
		answer(func() any { return cfg.Doctor(r.Context()) }).ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'")
		w.Header().Set("Cache-Control", "no-store")
		if err := operator(r, cfg.Host); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// operator returns an error for a request that a page of somebody else may have caused.
func operator(r *http.Request, configured string) error {
	if !local(r, hostname(r.Host), configured) {
		return errors.New("the Host header must be a loopback name or address, or the address of --admin")
	}
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		u, err := url.Parse(origins[0])
		if len(origins) > 1 || err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return errors.New("the admin API is not for pages of another origin")
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") { // browsers send no Origin with images, scripts and links
	case "", "none", "same-origin":
		return nil
	}
	return errors.New("the admin API is not for pages of another origin")
}

// local reports whether host cannot be a name that a stranger made resolve to this machine.
func local(r *http.Request, host, configured string) bool {
	if strings.EqualFold(host, "localhost") || configured != "" && strings.EqualFold(host, configured) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if ip = ip.Unmap(); ip.IsLoopback() {
		return true
	}
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		at, ok := address(a.String())
		return ok && at == ip.WithZone("")
	}
	return false
}

// DrainDeadline is how long a drain may take unless another time is asked for.
const DrainDeadline = 60 * time.Second

// drain drains the node. It goes on when who asked for it goes away.
func (cfg AdminConfig) drain(w http.ResponseWriter, r *http.Request) {
	deadline := DrainDeadline
	if text := r.URL.Query().Get("deadline"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			http.Error(w, "deadline: want a duration like 60s", http.StatusBadRequest)
			return
		}
		deadline = d
	}
	// Longer than any server allows an answer to take.
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(deadline + answerTime)); err != nil {
		cfg.Log.Debug("drain without a deadline for its answer", "error", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), deadline)
	defer cancel()
	done := cfg.Drain(ctx)
	answer(func() any { return done }).ServeHTTP(w, r)
}

// answer writes what value returns as JSON.
func answer(value func() any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(value()) // fails only when the client is gone
	})
}

// full makes an empty list of none: JSON readers want [], not null.
func full[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func complete(rooms []Room) []Room {
	all := make([]Room, 0, len(rooms))
	for _, r := range rooms {
		r.Nodes, r.Participants = full(r.Nodes), full(r.Participants)
		sources := make([]Source, 0, len(r.Sources))
		for _, s := range r.Sources {
			s.Layers, s.Path, s.RelayedTo = full(s.Layers), full(s.Path), full(s.RelayedTo)
			sources = append(sources, s)
		}
		r.Sources = sources
		all = append(all, r)
	}
	return all
}

// stats are the counters of Jitsi's /colibri/stats that mean the same here: a bridge counts who is connected to it, not who is
// in the same conference elsewhere.
func stats(cfg AdminConfig) any {
	rooms, self := cfg.Rooms(), cfg.Cluster().Self
	s := struct {
		Conferences       int    `json:"conferences"`
		Participants      int    `json:"participants"`
		LargestConference int    `json:"largest_conference"`
		SendingAudio      int    `json:"endpoints_sending_audio"`
		SendingVideo      int    `json:"endpoints_sending_video"`
		Version           string `json:"version"`
	}{Conferences: len(rooms), Version: cfg.Version}
	for _, r := range rooms {
		local := map[string]bool{}
		for _, p := range r.Participants {
			if p.Node == self {
				local[p.ID] = true
			}
		}
		s.Participants += len(local)
		s.LargestConference = max(s.LargestConference, len(local))
		audio, video := map[string]bool{}, map[string]bool{}
		for _, source := range r.Sources {
			owner, _, _ := strings.Cut(source.Name, "-")
			switch {
			case !local[owner]:
			case source.Kind == "audio":
				audio[owner] = true
			case source.Kind == "video":
				video[owner] = true
			}
		}
		s.SendingAudio += len(audio)
		s.SendingVideo += len(video)
	}
	return s
}
