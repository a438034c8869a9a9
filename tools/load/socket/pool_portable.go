//go:build !linux

package socket

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

var errLinux = errors.New("batches of datagrams need Linux")

// Pool reads sockets.
type Pool struct{}

// NewPool fails.
func NewPool() (*Pool, error) { return nil, errLinux }

// Gather does nothing.
func (*Pool) Gather(bool) {}

// Addr returns the address of loopback.
func (*Pool) Addr() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// Dial fails.
func (*Pool) Dial(context.Context, string, string) (net.Conn, error) { return nil, errLinux }

// ListenPacket fails.
func (*Pool) ListenPacket(string) (net.PacketConn, error) { return nil, errLinux }

// Close does nothing.
func (*Pool) Close() {}

// Conn is one socket of a pool.
type Conn struct{ net.PacketConn }

// Divert does nothing.
func (*Conn) Divert(func([]byte, time.Time)) {}

// Trips returns 0.
func (*Conn) Trips() int { return 0 }
