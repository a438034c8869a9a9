package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Addr is where a listener listens: a host and a port, or nowhere. The zero value is ":0": every address, a port of the
// system's choice.
type Addr struct {
	Host string // IP address or name; "": every address
	Port uint16
	Off  bool // no listener
}

// Off is no listener.
var Off = Addr{Off: true}

const wantAddr = "host:port, :port or off"

// ParseAddr returns the address that text stands for: "host:port", ":port", "[v6]:port" or "off".
func ParseAddr(text string) (Addr, error) {
	if text == "off" {
		return Off, nil
	}
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return Addr{}, wrong(fmt.Sprintf("%q is no address", text), wantAddr)
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return Addr{}, wrong(fmt.Sprintf("the port of %q is no number from 0 to 65535", text), wantAddr)
	}
	if host != "" {
		if _, err := netip.ParseAddr(host); err != nil && !isName(host) {
			return Addr{}, wrong(fmt.Sprintf("the host of %q is neither an IP address nor a name", text), wantAddr)
		}
	}
	return Addr{Host: host, Port: uint16(port)}, nil
}

// String returns the text form.
func (a Addr) String() string {
	if a.Off {
		return "off"
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// MarshalText returns the text form.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// everywhere reports whether the listener takes every address of the machine.
func (a Addr) everywhere() bool {
	ip, err := netip.ParseAddr(a.Host)
	return a.Host == "" || err == nil && ip.IsUnspecified()
}

// loopback reports whether only this machine can reach the listener.
func (a Addr) loopback() bool {
	ip, err := netip.ParseAddr(a.Host)
	return a.Host == localhost || err == nil && ip.IsLoopback()
}

// meets reports whether two listeners of one protocol would take the same port.
func (a Addr) meets(b Addr) bool {
	if a.Off || b.Off || a.Port == 0 || a.Port != b.Port {
		return false
	}
	return a.everywhere() || b.everywhere() || strings.EqualFold(a.Host, b.Host)
}
