//go:build linux

package lab

import (
	"bytes"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// natRules masquerade what comes from lan and let nothing new in from eth0. The chain block is for BlockUDP.
const natRules = `
table inet lab {
	chain post { type nat hook postrouting priority 100; oifname "eth0" masquerade; }
	chain inward { type filter hook forward priority 0; policy accept; iifname "eth0" ct state new drop; }
	chain block { type filter hook forward priority -10; policy accept; }
}
`

// buildNAT makes a NAT with one client behind it.
func (l *Lab) buildNAT(b *built, region string, number int) (err error) {
	if b.nat, err = l.buildHost(b.router, region, subnet{region: number, number: natSubnet, host: "nat"}, true); err != nil {
		return err
	}
	if b.natClient, err = l.makeNamespace(region+"-natcli", false); err != nil {
		return err
	}
	c := b.natClient
	c.v4, c.v6 = netip.MustParseAddr("192.168.77.10"), netip.MustParseAddr("fd77::10")
	if err := ip("link", "add", "lan", "netns", b.nat.Name, "type", "veth", "peer", "name", "eth0", "netns", c.Name); err != nil {
		return err
	}
	if err := batch(b.nat.Name, []string{
		"link set lan up", "addr add 192.168.77.1/24 dev lan", "addr add fd77::1/64 dev lan nodad",
	}); err != nil {
		return err
	}
	if err := batch(c.Name, []string{
		"link set eth0 up", "addr add 192.168.77.10/24 dev eth0", "addr add fd77::10/64 dev eth0 nodad",
		"route add default via 192.168.77.1", "route add ::/0 via fd77::1",
	}); err != nil {
		return err
	}
	return nft(b.nat, natRules)
}

// BlockUDP makes the NAT of a region drop all UDP of its client, or lets it through again.
func (l *Lab) BlockUDP(region string, blocked bool) error {
	rules := "flush chain inet lab block\n"
	if blocked {
		rules += "add rule inet lab block meta l4proto udp drop\n"
	}
	b := l.regions[region]
	if b == nil || b.nat == nil {
		return fmt.Errorf("block UDP: region %q has no NAT", region)
	}
	return nft(b.nat, rules)
}

// BlockTCP makes the NAT of a region refuse its client's connections to a port, until BlockUDP says what is blocked anew.
func (l *Lab) BlockTCP(region string, port uint16) error {
	b := l.regions[region]
	if b == nil || b.nat == nil {
		return fmt.Errorf("block TCP: region %q has no NAT", region)
	}
	return nft(b.nat, fmt.Sprintf("add rule inet lab block tcp dport %d reject with tcp reset\n", port))
}

func nft(n *Namespace, rules string) error {
	command := exec.Command("ip", "netns", "exec", n.Name, "nft", "-f", "-")
	command.Stdin = strings.NewReader(rules)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("nft in %s: %w: %s", n.Name, err, bytes.TrimSpace(out))
	}
	return nil
}
