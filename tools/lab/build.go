//go:build linux

package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/atoll-mesh/atoll/tools/lab/emulator"
)

// ip runs one ip command.
func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// batch runs ip commands, one a line, in a namespace or, with an empty name, outside of all.
func batch(namespace string, lines []string) error {
	args := []string{"-batch", "-"}
	if namespace != "" {
		args = append([]string{"-n", namespace}, args...)
	}
	command := exec.Command("ip", args...)
	command.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("set up network %s: %w: %s", namespace, err, bytes.TrimSpace(out))
	}
	return nil
}

// settings are the kernel switches of a namespace, to be set before its devices exist.
func settings(router bool) map[string]string {
	s := map[string]string{
		// Addresses can be used at once, and survive a device going down.
		"ipv6/conf/default/accept_dad":        "0",
		"ipv6/conf/all/keep_addr_on_down":     "1",
		"ipv6/conf/default/keep_addr_on_down": "1",
		"ipv6/conf/default/accept_ra":         "0",
	}
	if router {
		s["ipv4/ip_forward"] = "1"
		s["ipv6/conf/all/forwarding"] = "1"
	}
	return s
}

// makeNamespace makes an empty namespace.
func (l *Lab) makeNamespace(name string, router bool) (*Namespace, error) {
	n := &Namespace{Name: l.claim.prefix + "-" + name, lab: l}
	if err := ip("netns", "add", n.Name); err != nil {
		return nil, err
	}
	err := n.Do(func() error {
		var errs []error
		for key, value := range settings(router) {
			errs = append(errs, os.WriteFile("/proc/sys/net/"+key, []byte(value), 0))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return nil, fmt.Errorf("set up network %s: %w", n.Name, err)
	}
	return n, batch(n.Name, []string{"link set lo up"})
}

// buildRegion makes the namespaces of region number and the wires between them; the router's way out comes with the emulator.
func (l *Lab) buildRegion(r Region, number int) (err error) {
	b := &built{}
	l.regions[r.Name] = b
	if b.router, err = l.makeNamespace(r.Name+"-r", true); err != nil {
		return err
	}
	nodes, clients := r.subnets(number)
	for _, s := range nodes {
		n, err := l.buildHost(b.router, r.Name, s, false)
		if err != nil {
			return err
		}
		b.nodes = append(b.nodes, n)
	}
	for _, s := range clients {
		n, err := l.buildHost(b.router, r.Name, s, false)
		if err != nil {
			return err
		}
		b.clients = append(b.clients, n)
	}
	if r.NAT {
		return l.buildNAT(b, r.Name, number)
	}
	return nil
}

// buildHost makes one host and its wire to the router.
func (l *Lab) buildHost(router *Namespace, region string, s subnet, forwards bool) (*Namespace, error) {
	n, err := l.makeNamespace(region+"-"+s.host, forwards)
	if err != nil {
		return nil, err
	}
	n.v6 = s.v6(10)
	if err := ip("link", "add", s.host, "netns", router.Name, "type", "veth", "peer", "name", "eth0", "netns", n.Name); err != nil {
		return nil, err
	}
	outer := []string{"link set " + s.host + " up", fmt.Sprintf("addr add %s/64 dev %s nodad", s.v6(1), s.host)}
	inner := []string{
		"link set eth0 up", fmt.Sprintf("addr add %s/64 dev eth0 nodad", n.v6), fmt.Sprintf("route add ::/0 via %s", s.v6(1)),
	}
	if !s.v6Only {
		n.v4 = s.v4(10)
		outer = append(outer, fmt.Sprintf("addr add %s/24 dev %s", s.v4(1), s.host))
		inner = append(inner, fmt.Sprintf("addr add %s/24 dev eth0", n.v4), fmt.Sprintf("route add default via %s", s.v4(1)))
	}
	if err := batch(router.Name, outer); err != nil {
		return nil, err
	}
	return n, batch(n.Name, inner)
}

// buildWAN starts the emulator between the routers.
func (l *Lab) buildWAN(t Topology) (err error) {
	var places []emulator.Place
	for k, r := range t.Regions {
		places = append(places, emulator.Place{
			Name: r.Name, Prefixes: prefixes(k + 1), Enter: l.regions[r.Name].router.Do,
		})
	}
	if l.emulator, err = emulator.Open(places, t.Seed); err != nil {
		return err
	}
	for _, r := range t.Regions {
		if err := batch(l.regions[r.Name].router.Name, []string{
			// The queue into the emulator must not drop bursts; the emulator has its own.
			fmt.Sprintf("link set %s up mtu %d txqueuelen 10000", emulator.Device, emulator.MTU),
			"route add default dev " + emulator.Device,
			"route add ::/0 dev " + emulator.Device,
		}); err != nil {
			return err
		}
	}
	for _, link := range t.Links {
		for _, d := range []emulator.Direction{{From: link.A, To: link.B}, {From: link.B, To: link.A}} {
			if err := l.emulator.Set(d, link.Impairment); err != nil {
				return err
			}
		}
	}
	return nil
}
