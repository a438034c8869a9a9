package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/member"
)

const (
	// meetTime bounds the wait for an answer of the cluster at the start; without a domain of its own a node asks for all of it.
	meetTime = 3 * time.Second
	// recordTime bounds looking up the domain's own addresses.
	recordTime = 2 * time.Second
)

// meet asks the cluster what a node cannot know by itself: the domain, and by which address others see it. Nobody has to answer.
func (n *Node) meet(ctx context.Context) error {
	if n.cfg.Mesh.Off {
		n.ownRecord(ctx)
		return nil
	}
	stranger := member.Stranger{
		Network: member.Sockets{}, Name: n.name, Secret: n.cfg.Secret, Join: n.cfg.Join, Resolver: net.DefaultResolver, Folder: n.folder, Log: n.log,
	}
	ctx, cancel := context.WithTimeout(ctx, meetTime)
	defer cancel()
	ask := stranger.Meet
	if !n.cfg.Given("domain") && len(n.cfg.Join) > 0 {
		ask = stranger.MeetAgain
	}
	answer, err := ask(ctx)
	switch {
	case errors.Is(err, member.ErrNobody):
		n.ownRecord(ctx)
		return nil
	case err != nil:
		n.log.Warn("nobody of the cluster answers yet; the node starts without", "domain", n.cfg.Domain, "error", err)
		return nil
	}
	if answer.Domain != "" {
		if err := n.cfg.Adopt(answer.Domain); err != nil {
			return err
		}
	}
	n.seen(answer.You)
	return nil
}

// seen takes the address by which another node sees this one, when this one cannot be reached by one of its own.
func (n *Node) seen(ip netip.Addr) {
	if len(n.cfg.Advertise) > 0 || !public(ip) || slices.ContainsFunc(own(), func(a netip.Addr) bool { return public(a) && a.Is4() == ip.Is4() }) {
		return
	}
	n.public = append(n.public, ip)
	n.log.Info("the public address is the one that other nodes see", "address", ip.String())
}

// ownRecord is for the first node of a cluster, which has nobody to ask: the domain's own address record is what clients use.
func (n *Node) ownRecord(ctx context.Context) {
	if !n.cfg.Given("domain") || len(n.cfg.Advertise) > 0 || n.cfg.Domain == "localhost" {
		return
	}
	if ip, err := netip.ParseAddr(n.cfg.Media.Host); err == nil && ip.IsLoopback() {
		return // it is not meant to be reached
	}
	mine := own()
	if slices.ContainsFunc(mine, public) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", n.cfg.Domain)
	for i := range found {
		found[i] = found[i].Unmap()
	}
	slices.SortFunc(found, netip.Addr.Compare)
	found = slices.DeleteFunc(slices.Compact(found), func(ip netip.Addr) bool { return !public(ip) })
	one := func(v4 bool) {
		if i := slices.IndexFunc(found, func(ip netip.Addr) bool { return ip.Is4() == v4 }); i >= 0 {
			n.public = append(n.public, found[i])
		}
	}
	switch {
	case err != nil:
		n.log.Warn("this node has only private addresses and nobody to ask for its public one; give --advertise", "domain", n.cfg.Domain, "error", err)
		return
	case len(found) > 2 || len(found) == 2 && found[0].Is4() == found[1].Is4():
		n.log.Warn("this node has only private addresses and the domain has several; give --advertise", "domain", n.cfg.Domain)
		return
	}
	one(true)
	one(false)
	n.log.Warn("this node has only private addresses: taking the domain's own as the public one; give --advertise if it is another", "domain", n.cfg.Domain, "addresses", fmt.Sprint(n.public))
}

// shared is what providers put their customers behind (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// public reports whether others on the Internet can reach an address.
func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip)
}

// own returns the machine's unicast addresses, IPv4 first, without loopback and link-local ones unless there are no others.
func own() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var all, loopback []netip.Addr
	for _, a := range list {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		switch ip := prefix.Addr().Unmap(); {
		case ip.IsLinkLocalUnicast():
		case ip.IsLoopback():
			loopback = append(loopback, ip)
		default:
			all = append(all, ip)
		}
	}
	if len(all) == 0 {
		all = loopback
	}
	// IPv4 first: it is there on every machine of a mixed cluster.
	slices.SortStableFunc(all, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return all
}
