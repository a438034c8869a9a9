package node

import (
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/atoll-mesh/atoll/geo/country"
	"github.com/atoll-mesh/atoll/geo/place"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/homing"
	"github.com/atoll-mesh/atoll/node/web"
)

// candidates is how many nodes a client is told of.
const candidates = 3

// openCountries opens the table of countries and, from where the node's public address is, fills in what was not configured.
func (n *Node) openCountries() error {
	book, err := country.Open(n.cfg.GeoIP, n.log)
	if err != nil {
		return err
	}
	n.countries = book
	n.homing = homing.New(book, n.nodes)
	if n.cfg.Region != "" && n.cfg.Location != nil {
		return nil
	}
	addresses, err := n.meshAddresses()
	if err != nil {
		return nil // whoever needs the addresses says so
	}
	for _, a := range addresses {
		where, _ := book.Lookup(a)
		if where.Country == "" && !where.Located {
			continue
		}
		if n.cfg.Region == "" {
			n.cfg.Region = strings.ToLower(where.Country)
		}
		if n.cfg.Location == nil && where.Located {
			n.cfg.Location = &config.Location{Lat: where.Location.Lat, Lon: where.Location.Lon}
		}
		n.log.Info("the public address says where the node is", "addr", a.String(), "country", where.Country, "table", book.String())
		return nil
	}
	return nil
}

// nodes returns the living nodes of the cluster as placing clients needs them.
func (n *Node) nodes() []place.Node {
	members := n.living()
	all := make([]place.Node, 0, len(members))
	for _, m := range members {
		one := placed(m)
		if one.URL == "" {
			one.URL = n.usualURL(one.Name)
		}
		all = append(all, one)
	}
	return all
}

// usualURL is where the page of a node is that was told no other: below the domain, when that is one.
func (n *Node) usualURL(name string) string {
	if n.cfg.Domain == config.Default().Domain {
		return ""
	}
	return "https://" + name + "." + n.cfg.Domain
}

// homed is the desk as the HTTP face asks it.
type homed struct{ node *Node }

// Nearest implements web.Homing.
func (h homed) Nearest(client netip.Addr) web.Nearest {
	n := h.node
	answer := web.Nearest{Node: string(n.name), Region: n.cfg.Region}
	for _, one := range n.homing.Nodes() {
		if one.Name == answer.Node {
			answer.Draining = one.Draining
		}
	}
	for _, one := range n.homing.Nearest(client, candidates) {
		answer.Candidates = append(answer.Candidates, web.Candidate{Node: one.Name, Region: one.Region, URL: one.URL})
	}
	return answer
}

// Learn implements web.Homing.
func (h homed) Learn(client netip.Addr, node string, rtt time.Duration) {
	h.node.homing.Learn(client, node, rtt)
}

// URLs implements web.Homing.
func (h homed) URLs() []string {
	var all []string
	for _, one := range h.node.homing.Nodes() {
		if one.URL != "" {
			all = append(all, one.URL)
		}
	}
	return all
}

// loadEvery is how often a node looks at how much of itself is used.
const loadEvery = 2 * time.Second

// watchLoad tells the others how much of the processors this node uses, smoothed over some ten seconds, until the node stops.
func (n *Node) watchLoad() {
	ticker := time.NewTicker(loadEvery)
	defer ticker.Stop()
	used, at, smooth := processorTime(), time.Now(), 0.0
	for {
		select {
		case <-ticker.C:
		case <-n.stopping:
			return
		}
		now, more := time.Now(), processorTime()
		share := float64(more-used) / (float64(now.Sub(at)) * float64(runtime.GOMAXPROCS(0)))
		used, at, smooth = more, now, smooth+(share-smooth)/4
		if err := n.mesh.SetLoad(uint8(255 * min(max(smooth, 0), 1))); err != nil {
			n.log.Warn("the load is not told", "error", err)
		}
	}
}

// processorTime returns what the process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
