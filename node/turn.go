package node

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/node/web"
	"github.com/atoll-mesh/atoll/signaling/domain"
	"github.com/atoll-mesh/atoll/turn"
	"github.com/atoll-mesh/atoll/turn/credential"
	"github.com/atoll-mesh/atoll/turn/offer"
	"github.com/atoll-mesh/atoll/turn/tlsport"
)

const (
	// peersInterval is how often the relay is told who is alive.
	peersInterval = 500 * time.Millisecond
	// turnBuffer holds some ten milliseconds of what all clients send.
	turnBuffer = 4 << 20
)

// turnSockets are the ports of TURN in clear, nil when it is off.
type turnSockets struct {
	udp net.PacketConn
	tcp net.Listener
}

func (s turnSockets) close() {
	if s.udp != nil {
		_ = s.udp.Close() // nothing was served yet
	}
	if s.tcp != nil {
		_ = s.tcp.Close()
	}
}

// listenTURN opens one port for both.
func listenTURN(host string, port uint16) (s turnSockets, err error) {
	for tries := 0; ; tries++ {
		if s.tcp, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(int(port)))); err != nil {
			return turnSockets{}, err
		}
		if s.udp, err = net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(tcpPort(s.tcp)))); err == nil {
			if conn, ok := s.udp.(*net.UDPConn); ok {
				_ = conn.SetReadBuffer(turnBuffer) // as far as the system lets
			}
			return s, nil
		}
		if err = errors.Join(err, s.tcp.Close()); port != 0 || tries == 9 {
			return turnSockets{}, err
		}
	}
}

func tcpPort(l net.Listener) int {
	if l == nil {
		return 0
	}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

// turnPorts are the ports that TURN is told by: in clear and over TLS, 0 for none.
func (l listeners) turnPorts() (clear, tls uint16) {
	if l.turn.tcp == nil {
		return 0, 0
	}
	return uint16(tcpPort(l.turn.tcp)), uint16(tcpPort(l.https))
}

// relay is the TURN server of the node.
type relay struct {
	*turn.Server

	port       *tlsport.Port // nil without HTTPS
	clear, tls uint16
	stop       chan struct{}
	telling    sync.WaitGroup
	told       []netip.AddrPort
}

// startTURN starts the relay, if there is one, and takes the port of HTTPS over to share it.
func (n *Node) startTURN(l *listeners) error {
	if l.turn.tcp == nil {
		return nil
	}
	r := &relay{stop: make(chan struct{})}
	r.clear, r.tls = l.turnPorts()
	cfg := turn.Config{
		Realm: n.cfg.Domain, Key: n.turnKey(), UDP: l.turn.udp, TCP: web.Limit(l.turn.tcp, connectionLimit, func() { n.full.Add(1) }),
		Relays: addresses(n.mediaAddresses()), Opened: n.cfg.TURNPeers, Own: behindNAT(n.mediaAddresses(), n.edge.Addr()),
	}
	if ip, err := netip.ParseAddr(n.cfg.TURN.Host); err == nil && !ip.IsUnspecified() {
		cfg.Relays = []netip.Addr{ip.Unmap()}
	}
	if l.https != nil {
		r.port = tlsport.Listen(l.https, l.tls)
		cfg.TLS = r.port.TURN()
		l.https, l.tls = r.port.HTTP(), nil
	}
	var err error
	if r.Server, err = turn.Start(cfg); err != nil {
		if r.port != nil {
			err = errors.Join(err, r.port.Close())
		}
		return fmt.Errorf("--turn: %w", err)
	}
	l.turn = turnSockets{} // the server's from now on
	n.relay = r
	n.tellPeers()
	r.telling.Go(func() {
		ticker := time.NewTicker(peersInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				n.tellPeers()
			case <-r.stop:
				return
			}
		}
	})
	return nil
}

// close ends the relay. There may be none.
func (r *relay) close() error {
	if r == nil {
		return nil
	}
	close(r.stop)
	r.telling.Wait()
	err := r.Close()
	if r.port != nil {
		err = errors.Join(err, r.port.Close())
	}
	return err
}

// turnKey is the key of every node's credentials.
func (n *Node) turnKey() credential.Key { return credential.NewKey(n.cfg.Secret.Derive("turn")) }

// mediaAddresses are where clients send media to.
func (n *Node) mediaAddresses() (all []netip.AddrPort) {
	for _, c := range n.edge.Candidates() {
		all = append(all, c.Addr)
	}
	return all
}

// addresses are those of some ports, each once, in their order.
func addresses(ports []netip.AddrPort) (all []netip.Addr) {
	for _, p := range ports {
		if !slices.Contains(all, p.Addr()) {
			all = append(all, p.Addr())
		}
	}
	return all
}

// behindNAT are the addresses of the own media that this machine does not have, with where the socket is.
func behindNAT(told []netip.AddrPort, socket netip.AddrPort) map[netip.AddrPort]netip.AddrPort {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return nil // everything goes the long way
	}
	here := make(map[netip.Addr]bool, len(own))
	for _, a := range own {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			here[p.Addr().Unmap()] = true
		}
	}
	away := make(map[netip.AddrPort]netip.AddrPort)
	for _, t := range told {
		local := socket.Addr().Unmap()
		switch {
		case here[t.Addr()]:
			continue
		case !local.IsUnspecified():
			if local.Is4() != t.Addr().Is4() {
				continue // a relay of the one family does not send to the other
			}
		case t.Addr().Is4():
			local = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		default:
			local = netip.IPv6Loopback()
		}
		away[t] = netip.AddrPortFrom(local, socket.Port())
	}
	return away
}

// tellPeers tells the relay where the media of live nodes is.
func (n *Node) tellPeers() {
	peers := n.mediaAddresses()
	if n.mesh != nil {
		for _, m := range n.mesh.Members() {
			if m.State == member.Alive && !m.Self {
				peers = append(peers, m.Media...)
			}
		}
	}
	if !slices.Equal(peers, n.relay.told) {
		n.relay.told = peers
		n.relay.SetPeers(peers)
	}
}

// services are the TURN servers for a client, the one to use first first: see turn/offer.
func (n *Node) services(client string) []domain.Service {
	var nodes []offer.Node
	if n.relay != nil {
		own := offer.Node{Name: string(n.name), Self: true, Addresses: addresses(n.mediaAddresses()), TURN: n.relay.clear, TURNS: n.relay.tls, Host: n.certified()}
		nodes = append(nodes, own)
	}
	if n.mesh != nil {
		rtt := make(map[identity.Name]time.Duration)
		for _, l := range n.mesh.Links() {
			if l.Alive {
				rtt[l.Name] = l.RTT
			}
		}
		for _, m := range n.mesh.Members() {
			if m.State == member.Alive && !m.Self {
				nodes = append(nodes, offer.Node{
					Name: string(m.Name), RTT: rtt[m.Name], Drain: m.Drain, Addresses: addresses(m.Media), TURN: m.TURN, TURNS: m.TURNS, Host: n.named(m.Name, m.URL),
				})
			}
		}
	}
	var services []domain.Service
	username, password := n.turnKey().Issue(time.Now(), n.turnUser(client))
	for _, s := range offer.Servers(nodes) {
		one := domain.Service{Type: s.Type, Host: s.Host, Port: int(s.Port), Transport: s.Transport}
		if s.Type != "stun" {
			one.Username, one.Password = username, password
		}
		services = append(services, one)
	}
	return services
}

// turnUser is what a client's allocations are counted by, the same at every node. It says nothing of the client to whoever reads it
// on the wire.
func (n *Node) turnUser(client string) string {
	mac := hmac.New(sha256.New, n.cfg.Secret.Derive("turn user"))
	mac.Write([]byte(client))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// named is the name of a node for TLS: that of its own URL, if it has one. It is "" when the domain is none that DNS knows.
func (n *Node) named(name identity.Name, address string) string {
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	if n.cfg.Domain == "localhost" {
		return ""
	}
	return string(name) + "." + n.cfg.Domain
}

// certified is the own name for TLS that the own certificate is for.
func (n *Node) certified() string {
	address := ""
	if n.cfg.NodeURL != nil {
		address = n.cfg.NodeURL.String()
	}
	host := n.named(n.name, address)
	if host == "" || n.certs == nil {
		return host
	}
	if leaf := n.certs.Current().Leaf; leaf != nil && leaf.VerifyHostname(host) != nil && leaf.VerifyHostname(n.cfg.Domain) == nil {
		return n.cfg.Domain
	}
	return host
}
