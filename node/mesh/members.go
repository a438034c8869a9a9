package mesh

import (
	"maps"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/cascade/route"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

func (m *Mesh) membership(cfg Config) member.Config {
	meta := member.Meta{
		Region: cfg.Region, Lat: degrees(cfg.Location[0]), Lon: degrees(cfg.Location[1]), Located: cfg.Located, URL: cfg.URL, DNS: cfg.DNS,
		Oldest: wire.OldestVersion, Newest: wire.Version, Build: cfg.Build, Started: m.started,
		Media: cfg.Media[:min(len(cfg.Media), mostAddresses)], TURN: cfg.TURN, TURNS: cfg.TURNS,
	}
	for _, a := range cfg.Advertise[:min(len(cfg.Advertise), mostAddresses)] {
		meta.Link = append(meta.Link, netip.AddrPortFrom(a, m.port))
	}
	var advertise netip.AddrPort
	if len(cfg.Advertise) > 0 {
		advertise = netip.AddrPortFrom(cfg.Advertise[0], cfg.Port)
	}
	return member.Config{
		Advertise: advertise,
		Network:   cfg.Network, Bind: net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))),
		Key: cfg.Key, Secret: cfg.Secret, Self: meta, Join: cfg.Join, Resolver: cfg.Resolver, Folder: cfg.Folder,
		Log: cfg.Log, Changed: m.changed, Domain: cfg.Domain, Do: cfg.Do,
	}
}

// mostAddresses is how many addresses of links, and of media, gossip carries.
const mostAddresses = 4

// degrees returns an angle in hundredths of a degree.
func degrees(angle float64) int16 { return int16(math.Round(angle * 100)) }

// changed takes the members as gossip knows them.
func (m *Mesh) changed(all []member.Member) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.members
	m.members = make(map[identity.Name]member.Member, len(all))
	for _, one := range all {
		if one.Self || one.State == member.Left {
			continue
		}
		m.members[one.Name] = one
		if _, known := before[one.Name]; !known {
			m.seen[one.Name] = now
		}
	}
	for name := range before {
		if _, still := m.members[name]; !still {
			delete(m.seen, name)
			delete(m.dead, name)
			delete(m.relayed, name)
			m.table.Set(now, name, route.Link{})
			m.reachDue = true
		}
	}
	m.live(now)
	m.settle(now)
}

// newcomer is how long a member counts as alive whose heartbeats have not been heard yet.
const newcomer = 3 * time.Second

// live tells the directory who can be asked.
func (m *Mesh) live(now time.Time) {
	names := []identity.Name{m.self}
	for name, one := range m.members {
		dead, heard := m.dead[name]
		if dead || !heard && (one.State != member.Alive || now.Sub(m.seen[name]) > newcomer) {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	if slices.Equal(names, m.alive) {
		return
	}
	m.alive = names
	m.directory(m.service.SetLive(now, names))
	m.directory(m.client.SetLive(now, names))
}

// settle tells links and rooms what has changed since it was last called.
func (m *Mesh) settle(now time.Time) {
	if peers := m.peers(); !slices.EqualFunc(peers, m.peersSet, samePeer) {
		m.peersSet = peers
		m.links.SetPeers(peers)
	}
	if m.reachDue {
		m.reachDue = false
		reach, before := m.table.Reachable(now), m.detours
		m.detours = slices.ContainsFunc(reach, func(n identity.Name) bool { return !m.table.Up(n) })
		if !m.detours && !before && slices.Equal(reach, m.reach) {
			return // there is one way to each, and it is the one that it was
		}
		m.reach = reach
		for _, e := range m.rooms {
			e.room.Reachable(m.reach)
		}
	}
}

// small is how many nodes are all linked to each other. Each keeps the directory of one room in two or more, and asking it over a
// link that stands takes one round trip instead of five, which is the difference between a room that is known at the first join
// and one that has to be merged later.
const small = 8

func samePeer(a, b link.Peer) bool {
	return a.Name == b.Name && a.Link == b.Link && a.Media == b.Media && slices.Equal(a.Addrs, b.Addrs)
}

// peers are all members, with those linked to that share a room or keep the directory of one.
func (m *Mesh) peers() []link.Peer {
	wanted := make(map[identity.Name]bool)
	for _, e := range m.rooms {
		for _, n := range e.holders {
			wanted[n] = true
		}
	}
	for _, n := range m.client.Servers() {
		wanted[n] = true
	}
	maps.DeleteFunc(m.errands, func(_ identity.Name, until time.Time) bool { return !time.Now().Before(until) })
	for n := range m.errands {
		wanted[n] = true
	}
	if len(m.members) < small {
		for n := range m.members {
			wanted[n] = true
		}
	}
	all := make([]link.Peer, 0, len(m.members))
	for name, one := range m.members {
		all = append(all, link.Peer{Name: name, Addrs: one.Link, Link: wanted[name], Media: m.moving[name] > 0})
	}
	slices.SortFunc(all, func(a, b link.Peer) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return all
}
