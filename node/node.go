// Package node is one Atoll node: it wires the parts to each other, opens the listeners, and stops them again.
//
// [Start] either brings everything up or names every problem at once and leaves nothing behind. Who talks to whom:
//
//	web ──▶ stream ──▶ conference.Router ──▶ conference (muc, focus, sfu) ──▶ edge
//	 └────▶ bridge ──────────────────────────▲                                 │
//	                                         └───────── RTP, RTCP ◀────────────┘
//
// Nobody imports this package but the command.
package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/geo/country"
	"github.com/atoll-mesh/atoll/geo/dns"
	"github.com/atoll-mesh/atoll/node/cert"
	"github.com/atoll-mesh/atoll/node/conference"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/data"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/node/handover"
	"github.com/atoll-mesh/atoll/node/homing"
	"github.com/atoll-mesh/atoll/node/mesh"
	"github.com/atoll-mesh/atoll/node/resume"
	"github.com/atoll-mesh/atoll/node/web"
	"github.com/atoll-mesh/atoll/signaling/bridge"
	"github.com/atoll-mesh/atoll/signaling/domain"
	"github.com/atoll-mesh/atoll/signaling/focus"
	"github.com/atoll-mesh/atoll/signaling/stream"
)

// Version is the version of the program. The build sets it.
var Version = "dev"

// requestGrace is how long requests under way may go on when the node stops. Then they are cut off: a client that sends
// its request slowly has no say in it.
const requestGrace = 2 * time.Second

// Node is a running node.
type Node struct {
	cfg  config.Config
	name identity.Name
	log  *slog.Logger
	rand func() uint32

	key       identity.Key
	folder    *data.Folder
	mesh      *mesh.Mesh                // nil when it is off
	way       atomic.Pointer[mesh.Mesh] // the same for those who ask while it starts
	opened    listeners
	edge      *edge.Edge
	relay     *relay // nil when TURN is off
	rooms     *conference.Rooms
	streams   *stream.Server
	channels  *bridge.Server
	mover     *handover.Mover // nil when the mesh is off
	resume    *resume.Service // nil when the mesh is off
	servers   []*web.Server
	certs     *cert.Store  // of the HTTPS listener, nil without one
	dns       *dns.Server  // nil when it is off
	public    []netip.Addr // that others see, when the machine has none
	countries *country.Book
	homing    *homing.Desk
	full      atomic.Uint64 // connections that were one too many
	serving   sync.WaitGroup
	stopping  chan struct{} // closed when the node stops

	drain    sync.Once
	retiring atomic.Bool   // a drain has begun
	drained  web.Drained   // by drain
	empty    chan struct{} // closed when the drain is over

	mu     sync.Mutex
	failed error
	ended  chan struct{}
	stop   sync.Once
}

// Start brings a node up: data folder, identity, listeners, servers. The error names every problem that was found. The
// node runs until Stop, or until Wait says that a listener failed.
func Start(cfg config.Config, log *slog.Logger) (*Node, error) { return start(cfg, log, nil) }

// start is Start with the source of the random numbers that media streams begin with.
func start(cfg config.Config, log *slog.Logger, rand func() uint32) (*Node, error) {
	for _, w := range cfg.Warnings {
		log.Warn("configuration", "warning", w)
	}
	n := &Node{cfg: cfg, log: log, rand: rand, ended: make(chan struct{}), empty: make(chan struct{}), stopping: make(chan struct{})}
	l, err := n.open()
	if err != nil {
		l.close()
		return nil, errors.Join(err, n.free())
	}
	n.opened = l
	if err := n.startTURN(&l); err != nil {
		l.close()
		return nil, errors.Join(err, n.free())
	}
	n.wire()
	n.serve(l)
	log.Info("node is up", "node", string(n.name), "domain", n.cfg.Domain, "version", Version, "media", n.edge.Addr().String())
	return n, nil
}

// free gives back what open took, as far as it came.
func (n *Node) free() error {
	var errs []error
	if n.dns != nil {
		errs = append(errs, n.dns.Close())
	}
	errs = append(errs, n.relay.close())
	if n.mesh != nil {
		errs = append(errs, n.mesh.Close())
	}
	if n.edge != nil {
		errs = append(errs, n.edge.Close())
	}
	if n.countries != nil {
		n.countries.Close()
	}
	if n.folder != nil {
		errs = append(errs, n.folder.Close())
	}
	return errors.Join(errs...)
}

// open takes everything that somebody else could hold: the folder and the ports.
func (n *Node) open() (listeners, error) {
	var problems []error
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	folder, err := data.Open(n.cfg.Data)
	if err != nil {
		note(fmt.Errorf("--data: %w", err))
	} else {
		n.folder = folder
		key, err := identity.LoadKey(folder)
		note(err)
		if err == nil {
			n.key, n.name = key, key.Name()
		}
		if n.cfg.Secret.IsZero() {
			n.cfg.Secret, err = identity.LoadSecret(folder)
			note(err)
		}
	}
	if len(problems) == 0 {
		note(n.meet(context.Background()))
	}
	n.edge, err = edge.Listen(edge.Config{
		Listen:    n.cfg.Media.String(),
		Advertise: n.advertised(),
		Log:       n.log,
	})
	if err != nil {
		note(fmt.Errorf("--media: %w", err))
	}
	if err := n.openCountries(); err != nil {
		note(fmt.Errorf("--geoip: %w", err))
	}
	l, err := n.listen()
	note(err)
	if n.homing != nil { // whom it asks who is near
		note(n.listenDNS())
	}
	if len(problems) == 0 { // others may talk to it from now on
		if err := n.joinMesh(l); err != nil {
			note(fmt.Errorf("--mesh: %w", err))
		}
	}
	return l, errors.Join(problems...)
}

// Crowded says that many join at once.
func (n *Node) Crowded() bool { return n.edge.Crowded() }

// Joining says that somebody joins.
func (n *Node) Joining() bool { return n.edge.Joining() }

// codecs are the video codecs that are offered and forwarded, the preferred one first. Operators' clients may prefer others.
var codecs = []focus.Codec{focus.VP8, focus.VP9, focus.H264, focus.AV1}

// wire makes the parts and gives each what it needs of the others.
func (n *Node) wire() {
	var way conference.Mesh
	if n.mesh != nil {
		way = n.mesh
	}
	n.rooms = conference.NewRooms(conference.Config{
		Mesh:   way,
		Domain: n.cfg.Domain,
		Node:   string(n.name),
		Region: n.cfg.Region,
		Codecs: codecs,
		Media:  media{n.edge},
		Log:    n.log,
		Key:    n.cfg.Secret.Derive("conference id"),
		Rand:   n.rand,
	})
	answers := domain.New(domain.Config{Items: []string{"conference." + n.cfg.Domain, "focus." + n.cfg.Domain}, Services: n.services})
	router := conference.NewRouter(n.rooms, answers, focus.Desk{Domain: n.cfg.Domain})
	n.streams = stream.NewServer(stream.Config{
		Domain:    n.cfg.Domain,
		Node:      string(n.name),
		Handler:   clients{n, router},
		Log:       n.log,
		Elsewhere: elsewhere{n},
		Origins:   []string{"*"}, // node/web has asked for the origin already
		Coming:    func() bool { return n.mover != nil && n.mover.Coming() },
	})
	n.channels = bridge.NewServer(bridge.Config{Lookup: n.rooms.Lookup, Elsewhere: elsewhere{n}, Version: Version, Log: n.log})
	n.wireMover()
	n.wireResume()
}

// serve starts the HTTP servers.
func (n *Node) serve(l listeners) {
	preference := make([]string, len(codecs))
	for i, c := range codecs {
		preference[i] = string(c)
	}
	public := web.Public(web.Config{
		Domain:  n.cfg.Domain,
		Origins: n.cfg.Origins,
		Region:  n.cfg.Region,
		Codecs:  preference,
		Log:     n.log,
	}, web.Services{
		XMPP:       n.streams,
		Bridge:     n.channels,
		Conference: http.HandlerFunc(n.conferenceRequest),
		Health:     n.ready,
		Homing:     homed{n},
	})
	if n.mesh != nil {
		n.serving.Go(n.watchLoad)
	}
	all := l.all()
	admin := web.Admin(web.AdminConfig{
		Host:    n.cfg.Admin.Host,
		Version: Version,
		Metrics: n.metrics(all),
		Health:  n.health,
		Cluster: n.cluster,
		Rooms:   n.roomReports,
		Drain:   n.Drain,
		Doctor:  n.examine,
		Log:     n.log,
	})
	for _, one := range all {
		handler := public
		if one.admin {
			handler = admin
		}
		n.servers = append(n.servers, web.NewServer(handler, one.tls, one.admin, n.log))
	}
	if n.dns != nil {
		n.serving.Go(n.keepZone)
	}
	if n.mesh != nil {
		n.serving.Go(n.sayReach)
	}
	for i, one := range all { // the metrics read from all servers
		s := n.servers[i]
		n.serving.Go(func() {
			if err := s.Serve(one.listener); err != nil {
				n.fail(fmt.Errorf("serve %s: %w", one.listener.Addr(), err))
			}
		})
	}
}

func (n *Node) conferenceRequest(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	status, answer := focus.Desk{Domain: n.cfg.Domain}.JSON(body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer) // a client that went away needs no answer
}

func (n *Node) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failed == nil {
		n.failed = err
		close(n.ended)
	}
}

// Wait returns when a listener has failed, with the reason, or when ctx ends or the node was drained, with nil.
func (n *Node) Wait(ctx context.Context) error {
	select {
	case <-n.ended:
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.failed
	case <-ctx.Done():
		return nil
	case <-n.empty:
		return nil
	}
}

// Stop ends everything in the order in which it depends on each other and returns what could not be ended before ctx.
// Clients are told; participants leave their rooms.
func (n *Node) Stop(ctx context.Context) error {
	var err error
	n.stop.Do(func() {
		start := time.Now()
		close(n.stopping)
		grace, cancel := context.WithTimeout(ctx, requestGrace)
		defer cancel()
		for _, s := range n.servers {
			if cut := s.Shutdown(grace); ctx.Err() != nil || !errors.Is(cut, context.DeadlineExceeded) {
				err = errors.Join(err, cut)
			}
		}
		if n.resume != nil {
			n.resume.Close()
		}
		if n.mover != nil {
			n.mover.Close()
		}
		err = errors.Join(err, n.rooms.Close(ctx))
		var sockets sync.WaitGroup // each waits some seconds for clients that do not answer
		sockets.Go(n.channels.Close)
		sockets.Go(n.streams.Close)
		sockets.Wait()
		n.serving.Wait()
		err = errors.Join(err, n.free())
		n.log.Info("node is down", "took", time.Since(start))
	})
	return err
}

// ready returns nil while the node is for new clients.
func (n *Node) ready() error {
	if n.retiring.Load() {
		return errDraining
	}
	return n.health()
}

// health returns nil while the node serves.
func (n *Node) health() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failed
}
