package member

import (
	"context"
	"net"
	"net/netip"
)

// Network is where gossip travels: [Sockets], or the host of a simulated network.
type Network interface {
	ListenPacket(network, address string) (net.PacketConn, error)
	Listen(network, address string) (net.Listener, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Sockets is the network of the machine.
type Sockets struct{}

// ListenPacket opens a UDP socket.
func (Sockets) ListenPacket(network, address string) (net.PacketConn, error) {
	return net.ListenPacket(network, address)
}

// Listen opens a TCP listener.
func (Sockets) Listen(network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}

// DialContext connects.
func (Sockets) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// Resolver looks names up. [*net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Folder is where a node keeps what must outlive it.
type Folder interface {
	Read(name string) ([]byte, error)
	Write(name string, contents []byte) error
}
