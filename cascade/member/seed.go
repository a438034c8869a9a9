package member

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultPort    = 7946
	mostSeeds      = 64
	mostPerSeed    = 16
	resolveTimeout = 3 * time.Second
)

// seed is an address or a name to join.
type seed struct {
	text string
	ip   netip.Addr // when it is an address
	host string
	port uint16 // 0: a name without one
}

func parseSeeds(texts []string) ([]seed, error) {
	if len(texts) > mostSeeds {
		return nil, fmt.Errorf("%d nodes to join, at most %d", len(texts), mostSeeds)
	}
	var all []seed
	for _, text := range texts {
		s, err := parseSeed(text)
		if err != nil {
			return nil, fmt.Errorf("node to join: %w", err)
		}
		all = append(all, s)
	}
	return all, nil
}

func parseSeed(text string) (seed, error) {
	s := seed{text: text, host: strings.TrimSpace(text)}
	bare := s.host
	if inner, ok := strings.CutPrefix(bare, "["); ok && strings.HasSuffix(inner, "]") {
		bare = strings.TrimSuffix(inner, "]")
	}
	if ip, err := netip.ParseAddr(bare); err == nil {
		s.ip, s.port = ip.Unmap(), defaultPort
		return s, nil
	}
	if strings.Contains(s.host, ":") {
		host, service, err := net.SplitHostPort(s.host)
		if err != nil {
			return seed{}, fmt.Errorf("%q: want an address or a name, with or without :port", text)
		}
		port, err := strconv.ParseUint(service, 10, 16)
		if err != nil || port == 0 {
			return seed{}, fmt.Errorf("%q: want a port from 1 to 65535", text)
		}
		s.host, s.port = host, uint16(port)
		if ip, err := netip.ParseAddr(host); err == nil {
			s.ip = ip.Unmap()
			return s, nil
		}
	}
	if s.host == "" || strings.ContainsAny(s.host, " /@[]") {
		return seed{}, fmt.Errorf("%q: want an address or a name, with or without :port", text)
	}
	return s, nil
}

// resolve returns where a seed is now.
func (s seed) resolve(ctx context.Context, r Resolver) ([]netip.AddrPort, error) {
	if s.ip.IsValid() {
		return []netip.AddrPort{netip.AddrPortFrom(s.ip, s.port)}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	if s.port != 0 {
		return lookup(ctx, r, s.host, s.port)
	}
	_, services, _ := r.LookupSRV(ctx, "atoll", "udp", s.host)
	if len(services) == 0 {
		return lookup(ctx, r, s.host, defaultPort)
	}
	var all []netip.AddrPort
	var errs []error
	for _, one := range services[:min(len(services), mostPerSeed)] {
		found, err := lookup(ctx, r, one.Target, one.Port)
		all, errs = append(all, found...), append(errs, err)
	}
	if len(all) > 0 {
		return all[:min(len(all), mostPerSeed)], nil
	}
	return nil, errors.Join(errs...)
}

func lookup(ctx context.Context, r Resolver, host string, port uint16) ([]netip.AddrPort, error) {
	found, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var all []netip.AddrPort
	for _, ip := range found {
		if a := netip.AddrPortFrom(ip.Unmap().WithZone(""), port); usable(a) && !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all[:min(len(all), mostPerSeed)], nil
}
