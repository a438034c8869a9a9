package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/edge"
	"github.com/atoll-mesh/atoll/node/mesh"
	"github.com/atoll-mesh/atoll/node/reach"
)

const (
	// firstReach is when a node asks whether its ports can be reached: heartbeats have found their way by then.
	firstReach = 3 * time.Second
	// againReach is when it asks again because nobody could tell.
	againReach = 10 * time.Second
	reachTime  = 8 * time.Second
	mostAsked  = 3
)

// port is one port of this node as another one may reach it.
type port struct {
	name  string // as an operator calls it
	flag  string
	probe reach.Probe
}

// reached is what another node says of a port.
type reached struct {
	port
	by  identity.Name
	err string // "": it can be reached
}

// ports returns the ports that others have to reach. Those that listen on loopback only are left out, unless the whole node does.
func (n *Node) ports() []port {
	self, err := n.meshAddresses()
	if err != nil {
		return nil
	}
	at := func(host string, number uint16) (netip.AddrPort, bool) {
		ip, err := netip.ParseAddr(host)
		switch {
		case host == "" || err == nil && ip.IsUnspecified():
			ip = self[0]
		case err != nil:
			return netip.AddrPort{}, false
		case ip.IsLoopback() && !self[0].IsLoopback():
			return netip.AddrPort{}, false
		case len(n.public) > 0 && !public(ip):
			ip = self[0]
		}
		return netip.AddrPortFrom(ip.Unmap(), number), true
	}
	var all []port
	add := func(name, flag string, kind reach.Kind, host string, number uint16) {
		if addr, ok := at(host, number); ok && number != 0 {
			all = append(all, port{name, flag, reach.Probe{Kind: kind, Addr: addr, Name: n.cfg.Domain}})
		}
	}
	for _, l := range n.opened.all() {
		host := map[string]config.Addr{"http": n.cfg.HTTP, "https": n.cfg.HTTPS}[l.name].Host
		if bound, err := netip.ParseAddrPort(l.listener.Addr().String()); err == nil && !l.admin {
			add(l.name+" TCP", "--"+l.name, reach.TCP, host, bound.Port())
		}
	}
	media := n.edge.Addr().Port()
	if a := n.cfg.Advertise; len(a) > 0 && a[0].Port() != 0 {
		media = a[0].Port()
	}
	add("media UDP", "--media", reach.ICE, n.cfg.Media.Host, media)
	if clear, _ := n.opened.turnPorts(); clear != 0 {
		add("turn UDP", "--turn", reach.STUN, n.cfg.TURN.Host, clear)
		add("turn TCP", "--turn", reach.TCP, n.cfg.TURN.Host, clear)
	}
	if n.dns != nil {
		add("dns UDP", "--dns", reach.DNS, n.cfg.DNS.Host, n.dns.Addr().Port())
		add("dns TCP", "--dns", reach.TCP, n.cfg.DNS.Host, n.dns.Addr().Port())
	}
	gossip := n.mesh.Addr().Port()
	add("mesh TCP", "--mesh", reach.TCP, n.cfg.Mesh.Host, gossip)
	add("mesh UDP", "--mesh", reach.Gossip, n.cfg.Mesh.Host, gossip)
	add("mesh links UDP", "--mesh", reach.Link, n.cfg.Mesh.Host, n.mesh.LinkPort())
	return all
}

// askReach asks other nodes, one after another, until one has tried all ports.
func (n *Node) askReach(ctx context.Context) ([]reached, error) {
	others := slices.DeleteFunc(n.living(), func(m member.Member) bool { return m.Self })
	rand.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	// One that is elsewhere knows more than one on this machine.
	slices.SortStableFunc(others, func(a, b member.Member) int {
		near := func(m member.Member) int {
			if n.mesh.Addr().Addr() == m.Addr.Addr() {
				return 1
			}
			return 0
		}
		return near(a) - near(b)
	})
	if len(others) == 0 {
		return nil, member.ErrNobody
	}
	var errs []error
	for _, one := range others[:min(len(others), mostAsked)] {
		found, err := n.askReachOf(ctx, one)
		if err == nil {
			return found, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (n *Node) askReachOf(ctx context.Context, one member.Member) ([]reached, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	ports := n.ports()
	task := reach.Task{From: n.name}
	for i := range ports {
		p := &ports[i].probe
		if p.Kind == reach.ICE {
			way, err := n.edge.Prepare(edge.Credentials{}, true)
			if err != nil {
				return nil, err
			}
			defer way.Close()
			p.Ufrag, p.Pwd = way.Local().Ufrag, way.Local().Pwd
		}
		task.Probes = append(task.Probes, *p)
	}
	asked, err := json.Marshal(task)
	if err != nil {
		return nil, err
	}
	answer, err := member.Ask(ctx, member.Sockets{}, n.cfg.Secret, one.Addr, member.Question{From: n.name, Task: asked})
	if err != nil {
		return nil, err
	}
	var done reach.Done
	if err := json.Unmarshal(answer.Done, &done); err != nil || len(done.Results) != len(ports) {
		return nil, fmt.Errorf("ask %s: it does not say what it reaches", one.Name)
	}
	var all []reached
	for i, p := range ports {
		all = append(all, reached{port: p, by: answer.From, err: done.Results[i].Error})
	}
	return all, nil
}

// sayReach logs one line for each port, once another node is there to say.
func (n *Node) sayReach() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n.serving.Go(func() {
		select {
		case <-n.stopping:
			cancel()
		case <-ctx.Done():
		}
	})
	for pause := firstReach; ; pause = againReach {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-n.stopping:
			timer.Stop()
			return
		}
		all, err := n.askReach(ctx)
		if err != nil {
			if !errors.Is(err, member.ErrNobody) {
				n.log.Debug("nobody says which ports can be reached", "error", err)
			}
			continue
		}
		for _, r := range all {
			if r.err == "" {
				n.log.Info("another node reaches this port", "port", r.name, "addr", r.probe.Addr.String(), "by", string(r.by))
			} else {
				n.log.Warn("another node cannot reach this port; is it open in the firewall, and is the address right (--advertise)?",
					"port", r.name, "flag", r.flag, "addr", r.probe.Addr.String(), "by", string(r.by), "error", r.err)
			}
		}
		return
	}
}

// neighbours is the cluster as package reach needs it.
type neighbours struct{ n *Node }

var _ reach.Cluster = neighbours{}

func (c neighbours) member(name identity.Name) (member.Member, *mesh.Mesh, bool) {
	way := c.n.way.Load()
	if way == nil {
		return member.Member{}, nil, false
	}
	for _, m := range way.Members() {
		if m.Name == name && !m.Self {
			return m, way, true
		}
	}
	return member.Member{}, nil, false
}

// Addresses are those that a member says of itself.
func (c neighbours) Addresses(name identity.Name) []netip.Addr {
	m, _, ok := c.member(name)
	if !ok {
		return nil
	}
	all := []netip.Addr{m.Addr.Addr().Unmap()}
	for _, a := range slices.Concat(m.Media, m.Link) {
		all = append(all, a.Addr().Unmap())
	}
	return all
}

// Gossips asks a member by UDP gossip.
func (c neighbours) Gossips(name identity.Name) bool {
	m, way, ok := c.member(name)
	return ok && way.Reaches(m)
}

// Hears reports whether heartbeats go both ways.
func (c neighbours) Hears(name identity.Name) bool {
	_, way, ok := c.member(name)
	return ok && way.Hears(name)
}
