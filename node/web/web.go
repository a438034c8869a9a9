// Package web is the HTTP face of a node: what browsers see ([Public]) and what operators see ([Admin]).
//
// # Public
//
//	GET  /, /<room>               the page
//	GET  /config.js               what the page and Jitsi clients are told
//	GET  /xmpp-websocket          XMPP over WebSocket (RFC 7395); a plain GET keeps a client's path open
//	GET  /colibri-ws/...          bridge channel of a participant
//	POST /conference-request/v1   conference request as JSON, at most 16 KiB
//	GET  /about/health            200 while the node serves, else 503; pages of the cluster's nodes measure with it
//	GET  /api/v1/nearest          the nodes near whoever asks: [Nearest]
//	POST /api/v1/nearest          round trips that a page has measured: [Measured]; 204
//
// Every handler gets the request as the client made it: Host, URL.Scheme and RemoteAddr are those before any reverse
// proxy. Forwarded (RFC 7239) and X-Forwarded-* headers count only from loopback and from Config.Proxies; of several
// proxies each is asked for the next as long as it is trusted.
//
// A request with an Origin header may open sockets and ask for conferences when the origin is that of the node's own
// page (the same host), of another node of the cluster (its --node-url), or one of Config.Origins. A request without one does not come from a page and may.
// The page itself may open sockets to those origins: what it is told of when it is loaded is not all, since a node that joins later may
// be where it is moved to.
//
// # Admin
//
// The admin API has no password and listens on loopback. A page in the operator's browser could still reach it, under a
// name that its owner makes resolve to 127.0.0.1 (DNS rebinding), so a request must name a loopback host or the address
// it came in by, and must not come from another page: see [Admin].
//
// # Who owns what
//
// This package owns HTTP: limits, headers, origins, the page. What stands behind a path is handed in as [Services].
package web

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/atoll-mesh/atoll/node/config"
)

// Config is what the public face has to know.
type Config struct {
	Domain  string          // XMPP domain
	Origins []config.Origin // that may open sockets besides the own page; none: the domain and its nodes
	Region  string          // told to clients when not empty
	Codecs  []string        // video codecs for clients, preferred first: VP8, VP9, H264, AV1
	Proxies []netip.Prefix  // that are trusted like loopback
	Log     *slog.Logger
}

// Services is what stands behind the public paths.
type Services struct {
	XMPP       http.Handler // /xmpp-websocket
	Bridge     http.Handler // /colibri-ws/
	Conference http.Handler // POST /conference-request/v1: a JSON value of at most 16 KiB in, JSON out
	Health     func() error // nil while the node serves
	Homing     Homing       // nil: the node knows of no others
}

// Public returns the handler of the public listeners.
func Public(cfg Config, services Services) http.Handler {
	return public(cfg, services, builtPage())
}

func public(cfg Config, services Services, page *page) http.Handler {
	if len(cfg.Origins) == 0 {
		cfg.Origins = config.DomainOrigins(cfg.Domain)
	}
	d := doorman{origins: cfg.Origins, homing: services.Homing}
	page = page.among(cfg.Origins)
	mux := http.NewServeMux()
	mux.Handle("/xmpp-websocket", d.guard("GET", services.XMPP))
	mux.Handle("/colibri-ws/", d.guard("GET", services.Bridge))
	mux.Handle("/conference-request/v1", d.guard("POST", takeJSON(services.Conference)))
	mux.Handle("/config.js", read(clientConfig{cfg, services.Homing}))
	mux.Handle("/about/health", read(d.measured(health(services.Health))))
	if services.Homing != nil {
		mux.Handle("/api/v1/nearest", &nearest{homing: services.Homing, door: d})
		page = page.with(services.Homing)
	}
	mux.Handle("/", read(page))
	return proxies{trusted: cfg.Proxies, next: mux}
}

// read lets only GET and HEAD through.
func read(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "want GET", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// health answers as Jitsi's parts do: by the status alone.
func health(check func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := check(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "not serving\n") // why is the operator's business: it stands in the log
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
}

// errTooLarge is what a body that is too large fails with.
var errTooLarge = errors.New("the request is too large")
