package participant

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
)

// Network is where the sockets of a participant are opened, for those who shall not stand on this machine's own network: a
// host of the lab is one.
type Network interface {
	Addr() netip.Addr // of the host, for its only ICE candidate
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	ListenPacket(address string) (net.PacketConn, error)
}

// dialer is how a participant of that network opens WebSockets. What is returned second is to be called when the dial is over.
func dialer(n Network) (*http.Client, func()) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	if n != nil {
		transport.DialContext = n.Dial
	}
	return &http.Client{Transport: transport}, transport.CloseIdleConnections // of a dial that was refused
}
