package node

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/geo/dns"
	"github.com/atoll-mesh/atoll/geo/dns/zone"
	"github.com/atoll-mesh/atoll/node/doctor"
	"github.com/atoll-mesh/atoll/node/precedence"
)

const (
	// examination bounds what the doctor asks of others.
	examination = 12 * time.Second
	lookupTime  = 4 * time.Second
	mostClocks  = 8
)

// examine finds out how the node is.
func (n *Node) examine(ctx context.Context) doctor.Report {
	ctx, cancel := context.WithTimeout(ctx, examination)
	defer cancel()
	f := doctor.Facts{Domain: n.cfg.Domain, Node: string(n.name), Given: len(n.cfg.Advertise) > 0, Public: public, Certificate: n.certificateFacts()}
	for _, c := range n.edge.Candidates() {
		f.Addresses = append(f.Addresses, c.Addr.Addr())
	}
	var wait sync.WaitGroup // each fills in fields of its own
	wait.Go(func() { n.portFacts(ctx, &f) })
	wait.Go(func() { f.Clocks = n.clockFacts(ctx) })
	wait.Go(func() { f.DNS = n.dnsFacts(ctx) })
	if err := precedence.Permitted(); err != nil {
		f.Late = err.Error()
	}
	wait.Wait()
	return doctor.Examine(time.Now(), f)
}

func (n *Node) portFacts(ctx context.Context, f *doctor.Facts) {
	if n.mesh == nil {
		f.Alone = true
		return
	}
	all, err := n.askReach(ctx)
	switch {
	case errors.Is(err, member.ErrNobody):
		f.Alone = true
	case err != nil:
		f.PortsLost = err.Error()
	}
	for _, r := range all {
		f.Ports = append(f.Ports, doctor.Port{Name: r.name, Flag: r.flag, Addr: r.probe.Addr, By: string(r.by), Err: r.err})
	}
}

func (n *Node) clockFacts(ctx context.Context) []doctor.Clock {
	others := slices.DeleteFunc(n.living(), func(m member.Member) bool { return m.Self })
	all := make([]doctor.Clock, min(len(others), mostClocks))
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() {
			all[i].Node = string(others[i].Name)
			began := time.Now()
			answer, err := member.Ask(ctx, member.Sockets{}, n.cfg.Secret, others[i].Addr, member.Question{From: n.name})
			if err != nil {
				all[i].Err = err.Error()
				return
			}
			// The answer was written at some time between the question and its arrival.
			all[i].Tolerance = answer.Received.Sub(began) / 2
			all[i].Ahead = time.UnixMilli(answer.Clock).Sub(began.Add(all[i].Tolerance))
		})
	}
	wait.Wait()
	return all
}

func (n *Node) certificateFacts() doctor.Certificate {
	if n.certs == nil {
		return doctor.Certificate{Off: true}
	}
	chain := n.certs.Current()
	c := doctor.Certificate{Ends: chain.Leaf.NotAfter, SelfSigned: n.cfg.TLSCert == ""}
	for _, name := range []string{n.cfg.Domain, string(n.name) + "." + n.cfg.Domain} {
		if name == string(n.name)+".localhost" || chain.Leaf.VerifyHostname(name) == nil {
			continue
		}
		c.Misses = append(c.Misses, name)
	}
	others := x509.NewCertPool()
	for _, der := range chain.Certificate[1:] {
		if one, err := x509.ParseCertificate(der); err == nil {
			others.AddCert(one)
		}
	}
	if _, err := chain.Leaf.Verify(x509.VerifyOptions{Intermediates: others}); err != nil {
		c.Untrusted = err.Error()
	}
	return c
}

func (n *Node) dnsFacts(ctx context.Context) doctor.DNS {
	f := doctor.DNS{Serves: n.dns != nil, Own: map[string]string{}}
	for _, node := range n.zoneNodes() {
		f.Living = append(append(f.Living, node.IPv4...), node.IPv6...)
		if node.NameServer {
			f.Nodes = append(f.Nodes, node.Name+"."+n.cfg.Domain)
		}
	}
	if n.cfg.Domain == "localhost" {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	if n.dns != nil {
		at := n.dns.Addr()
		f.Port = at.Port()
		if ip := at.Addr(); ip.IsUnspecified() {
			at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
		}
		for _, network := range []string{"udp", "tcp"} {
			reply, err := dns.Ask(ctx, network, at, n.cfg.Domain, zone.TypeSOA)
			switch {
			case err != nil:
				f.Own[network] = err.Error()
			case !reply.Authoritative:
				f.Own[network] = "somebody else answers at " + at.String()
			}
		}
		servers, err := net.DefaultResolver.LookupNS(ctx, n.cfg.Domain)
		if err != nil {
			f.ServerErr = err.Error()
		}
		for _, s := range servers {
			f.Servers = append(f.Servers, strings.TrimSuffix(s.Host, "."))
		}
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", n.cfg.Domain)
	if err != nil {
		f.LookupErr = err.Error()
	}
	for _, ip := range found {
		f.Addresses = append(f.Addresses, ip.Unmap())
	}
	return f
}
