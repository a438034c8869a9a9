package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
)

// DefaultAdmin is where the admin API is when nothing else is said.
const DefaultAdmin = "127.0.0.1:9090"

// Handover says how participants move to other nodes.
type Handover string

// The ways.
const (
	HandoverOff     Handover = "off"     // never
	HandoverDrain   Handover = "drain"   // when their node is drained
	HandoverStandby Handover = "standby" // also when their node dies: another one holds their state ready
)

func parseHandover(text string) (Handover, error) {
	switch h := Handover(text); h {
	case HandoverOff, HandoverDrain, HandoverStandby:
		return h, nil
	}
	return "", wrong(fmt.Sprintf("%q is no way to hand over", text), "off, drain or standby")
}

func level(c *Config) *slog.Level { return &c.Log }

func parseLevel(text string) (slog.Level, error) {
	switch text {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, wrong(fmt.Sprintf("%q is no level", text), "debug, info, warn or error")
}

func parseText(text string) (string, error) { return text, nil }

func parsePath(text string) (string, error) {
	if text == "" || strings.ContainsRune(text, 0) {
		return "", wrong(fmt.Sprintf("%q is no path", text), "the path of a file or folder")
	}
	return text, nil
}

func parseRegion(text string) (string, error) {
	if len(text) > 32 || strings.Contains(text, ".") || !isName(text+".x") || strings.ToLower(text) != text {
		return "", wrong(fmt.Sprintf("%q is no region", text), "up to 32 of a-z, 0-9 and hyphens, such as eu-west")
	}
	return text, nil
}

func nodeURL(c *Config) **url.URL { return &c.NodeURL }

// longestURL is what fits into a node's metadata.
const longestURL = 90

func parseNodeURL(text string) (*url.URL, error) {
	o, ok := splitOrigin(text)
	if !ok {
		return nil, wrong(fmt.Sprintf("%q is no node address", text), "a URL without a path, such as https://node1.example.org")
	}
	if n := len(o.String()); n > longestURL {
		return nil, wrong(fmt.Sprintf("a node address of %d characters", n), fmt.Sprintf("at most %d: others are told it by gossip", longestURL))
	}
	return &url.URL{Scheme: o.scheme, Host: strings.TrimPrefix(o.String(), o.scheme+"://")}, nil
}

func parsePrefix(text string) (Prefix, error) {
	const want = "a range such as 10.0.0.0/8 or fd00::/8"
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return Prefix{}, wrong(fmt.Sprintf("%q is no range of addresses", text), want)
	}
	if p != p.Masked() {
		return Prefix{}, wrong(fmt.Sprintf("%q has bits set beyond its length", text), p.Masked().String())
	}
	return p, nil
}

func parseEndpoint(text string) (Endpoint, error) {
	const want = "ip or ip:port, such as 192.0.2.1, 192.0.2.1:10000 or [2001:db8::1]:10000"
	e, err := netip.ParseAddrPort(text)
	if err != nil {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return Endpoint{}, wrong(fmt.Sprintf("%q is no IP address", text), want)
		}
		e = netip.AddrPortFrom(ip, 0)
	} else if e.Port() == 0 {
		return Endpoint{}, wrong(fmt.Sprintf("the port of %q is 0", text), want)
	}
	ip := e.Addr().Unmap()
	if ip.IsUnspecified() || ip.IsMulticast() || ip.Zone() != "" {
		return Endpoint{}, wrong(fmt.Sprintf("nobody can send to %q", text), want)
	}
	return netip.AddrPortFrom(ip, e.Port()), nil
}

func parsePeer(text string) (string, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.String(), nil
	}
	if isName(text) {
		return text, nil
	}
	a, err := ParseAddr(text)
	if err != nil || a.Off || a.Host == "" || a.Port == 0 {
		return "", wrong(fmt.Sprintf("%q is no node", text), "host, host:port or the domain of the cluster")
	}
	return a.String(), nil
}
