package simnet

import (
	"net"
	"testing"
)

// TestSocketsAreInterfaces uses a host as a network of interfaces; what fails must be a nil interface.
func TestSocketsAreInterfaces(t *testing.T) {
	in(t, 1, func(t *testing.T, n *Network) {
		var network interface {
			ListenPacket(network, address string) (net.PacketConn, error)
			Listen(network, address string) (net.Listener, error)
			Dial(network, address string) (net.Conn, error)
		} = Sockets{n.Host("10.0.0.1")}
		l := must(network.Listen("tcp", ":5"))
		p := must(network.ListenPacket("udp", ":5"))
		if l.Addr().String() != "10.0.0.1:5" || p.LocalAddr().String() != "10.0.0.1:5" {
			t.Errorf("%v, %v", l.Addr(), p.LocalAddr())
		}
		check(t, must(network.Dial("tcp", "10.0.0.1:5")).Close())
		if l, err := network.Listen("tcp", ":5"); err == nil || l != nil {
			t.Errorf("%v, %v", l, err)
		}
		if p, err := network.ListenPacket("udp", ":5"); err == nil || p != nil {
			t.Errorf("%v, %v", p, err)
		}
	})
}
