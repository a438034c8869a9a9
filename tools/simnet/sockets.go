package simnet

import "net"

// Sockets gives the sockets of a host as the interfaces of package net, for what takes its network as an argument.
type Sockets struct{ *Host }

// ListenPacket opens a packet socket; see [Host.ListenPacket].
func (s Sockets) ListenPacket(network, address string) (net.PacketConn, error) {
	c, err := s.Host.ListenPacket(network, address)
	if err != nil {
		return nil, err // not c, which would be an interface of a nil pointer
	}
	return c, nil
}

// Listen opens a listener; see [Host.Listen].
func (s Sockets) Listen(network, address string) (net.Listener, error) {
	l, err := s.Host.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return l, nil
}
