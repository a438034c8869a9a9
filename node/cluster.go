package node

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/member"
	"github.com/atoll-mesh/atoll/node/mesh"
	"github.com/atoll-mesh/atoll/node/reach"
	"github.com/atoll-mesh/atoll/node/web"
)

// joinMesh opens the ports between nodes and enters the cluster.
func (n *Node) joinMesh(l listeners) error {
	if n.cfg.Mesh.Off {
		return nil
	}
	addresses, err := n.meshAddresses()
	if err != nil {
		return err
	}
	cfg := mesh.Config{
		Network: member.Sockets{}, Host: n.cfg.Mesh.Host, Port: n.cfg.Mesh.Port, Key: n.key, Secret: n.cfg.Secret, Region: n.cfg.Region, Build: Version,
		Advertise: addresses, Join: n.cfg.Join, Resolver: net.DefaultResolver, Folder: n.folder, Log: n.log,
		Domain: n.cfg.Domain, DNS: n.dns != nil,
		Do: func(ctx context.Context, from netip.Addr, task []byte) []byte {
			return reach.Do(ctx, neighbours{n}, from, task)
		},
	}
	cfg.Media = n.mediaAddresses()
	cfg.TURN, cfg.TURNS = l.turnPorts()
	if l := n.cfg.Location; l != nil {
		cfg.Location, cfg.Located = [2]float64{l.Lat, l.Lon}, true
	}
	if n.cfg.NodeURL != nil {
		cfg.URL = n.cfg.NodeURL.String()
	}
	if n.mesh, err = mesh.Start(cfg); err != nil {
		return err
	}
	n.way.Store(n.mesh)
	return nil
}

// meshAddresses are what other nodes reach this one by: what was advertised, else the public address that was found out, then what
// it listens on, else what the machine has.
func (n *Node) meshAddresses() ([]netip.Addr, error) {
	var all []netip.Addr
	for _, a := range n.cfg.Advertise {
		all = append(all, a.Addr())
	}
	if len(all) > 0 {
		return all, nil
	}
	if ip, err := netip.ParseAddr(n.cfg.Mesh.Host); err == nil && !ip.IsUnspecified() {
		if ip.IsLoopback() || public(ip) {
			return []netip.Addr{ip}, nil
		}
		return append(slices.Clone(n.public), ip), nil
	}
	if all = slices.Concat(n.public, own()); len(all) == 0 {
		return nil, errors.New("this machine has no address")
	}
	return all, nil
}

func (n *Node) cluster() web.Cluster {
	c := web.Cluster{Self: string(n.name)}
	if n.mesh == nil {
		c.Members = []web.Member{{Name: string(n.name), Region: n.cfg.Region, State: "alive", Self: true, Version: Version}}
		return c
	}
	for _, m := range n.mesh.Members() {
		c.Members = append(c.Members, web.Member{
			Name: string(m.Name), Region: m.Region, State: m.State.String(), Address: m.Addr.String(), Self: m.Self, Version: m.Build, Drain: m.Drain,
		})
	}
	for _, l := range n.mesh.Links() {
		var sent link.Count
		for _, class := range l.Sent {
			sent.Packets += class.Packets
			sent.Bytes += class.Bytes
		}
		c.Links = append(c.Links, web.Link{
			To: string(l.Name), Up: l.Alive, Control: l.Control, Media: l.Media, RTTms: float64(l.RTT) / float64(time.Millisecond), Loss: l.Loss,
			SentPackets: sent.Packets, SentBytes: sent.Bytes, ReceivedPackets: l.Received.Packets, ReceivedBytes: l.Received.Bytes,
			Dropped: web.Dropped{
				Audio: l.Dropped[link.Audio].Packets, Speaker: l.Dropped[link.Speaker].Packets,
				Video: l.Dropped[link.Video].Packets, Discardable: l.Dropped[link.Discardable].Packets,
			},
		})
	}
	return c
}

// draining reports whether the node tells others that it takes nobody new.
func (n *Node) draining() bool {
	if n.mesh == nil {
		return false
	}
	for _, m := range n.mesh.Members() {
		if m.Self {
			return m.Drain
		}
	}
	return false
}
