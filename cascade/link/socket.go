package link

import (
	"net"
	"net/netip"
	"slices"

	"golang.org/x/net/ipv4"
)

// firstQUIC is the least first byte of a QUIC packet.
const firstQUIC = 0x40

// socket is a packet connection beneath quic-go that keeps heartbeats for itself.
type socket interface {
	net.PacketConn
	// send sends a heartbeat.
	send(datagram []byte, to netip.AddrPort) error
	// firstPacket returns how large the packets of a media connection may be at first, 0 for what quic-go thinks.
	firstPacket() uint16
}

// mediaPacket lets 1258 bytes pass in a datagram. quic-go's pacer takes any size for 1280 until the path's is found, and runs
// in circles while it may send 1280 bytes and not this: for microseconds, but for ever where time stands still meanwhile. So it
// is for sockets of the system alone, where the size of the path is looked for at once.
const mediaPacket = 1350

// take takes a datagram that is not QUIC; it is valid during the call.
type take func(from netip.AddrPort, datagram []byte)

func newSocket(conn net.PacketConn, take take) socket {
	if udp, ok := conn.(*net.UDPConn); ok {
		return &udpSocket{UDPConn: udp, batch: ipv4.NewPacketConn(udp), take: take}
	}
	return &anySocket{PacketConn: conn, take: take}
}

// anySocket is a socket on any packet connection.
type anySocket struct {
	net.PacketConn
	take take
}

// ReadFrom returns the next packet of QUIC.
func (s *anySocket) ReadFrom(b []byte) (int, net.Addr, error) {
	return readQUIC(s.PacketConn, s.take, b)
}

func readQUIC(conn net.PacketConn, take take, b []byte) (int, net.Addr, error) {
	for {
		n, from, err := conn.ReadFrom(b)
		if err != nil || n > 0 && b[0] >= firstQUIC {
			return n, from, err
		}
		take(addrPort(from), b[:n])
	}
}

func (s *anySocket) send(datagram []byte, to netip.AddrPort) error {
	_, err := s.WriteTo(datagram, net.UDPAddrFromAddrPort(to))
	return err
}

func (s *anySocket) firstPacket() uint16 { return 0 }

// SetReadBuffer sets the size of the buffer for what arrived, where there is one.
func (s *anySocket) SetReadBuffer(bytes int) error {
	if c, ok := s.PacketConn.(interface{ SetReadBuffer(bytes int) error }); ok {
		return c.SetReadBuffer(bytes)
	}
	return nil
}

// SetWriteBuffer sets the size of the buffer for what is to be sent, where there is one.
func (s *anySocket) SetWriteBuffer(bytes int) error {
	if c, ok := s.PacketConn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		return c.SetWriteBuffer(bytes)
	}
	return nil
}

// udpSocket is a socket of the system. quic-go finds all that a [net.UDPConn] can do, and a ReadBatch of our own.
type udpSocket struct {
	*net.UDPConn
	batch *ipv4.PacketConn
	take  take
}

// ReadFrom returns the next packet of QUIC, on systems where quic-go does not read batches.
func (s *udpSocket) ReadFrom(b []byte) (int, net.Addr, error) { return readQUIC(s.UDPConn, s.take, b) }

// ReadBatch returns the next packets of QUIC. Buffers keep their messages, since quic-go knows them by their place: packets
// behind a heartbeat are copied forward.
func (s *udpSocket) ReadBatch(messages []ipv4.Message, flags int) (int, error) {
	for {
		n, err := s.batch.ReadBatch(messages, flags)
		if err != nil || n == 0 {
			return n, err
		}
		kept := 0
		for i := range messages[:n] {
			m := &messages[i]
			if data := m.Buffers[0][:m.N]; m.N == 0 || data[0] < firstQUIC {
				s.take(addrPort(m.Addr), data)
				continue
			}
			if kept < i {
				to := &messages[kept]
				to.N = copy(to.Buffers[0], m.Buffers[0][:m.N])
				to.NN = copy(to.OOB, m.OOB[:m.NN])
				to.Addr, to.Flags = m.Addr, m.Flags
			}
			kept++
		}
		if kept > 0 {
			return kept, nil
		}
	}
}

func (s *udpSocket) send(datagram []byte, to netip.AddrPort) error {
	_, err := s.WriteToUDPAddrPort(datagram, to)
	return err
}

func (s *udpSocket) firstPacket() uint16 { return mediaPacket }

func addrPort(a net.Addr) netip.AddrPort {
	if udp, ok := a.(*net.UDPAddr); ok {
		return udp.AddrPort()
	}
	return netip.AddrPort{}
}

func udpAddr(a netip.AddrPort) net.Addr {
	if !a.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(a)
}

// unmapped returns at most most addresses, in the form in which those of arriving datagrams are compared.
func unmapped(all []netip.AddrPort, most int) []netip.AddrPort {
	out := make([]netip.AddrPort, 0, min(len(all), most))
	for _, a := range all {
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		if a.Addr().IsValid() && a.Port() != 0 && len(out) < most && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}
