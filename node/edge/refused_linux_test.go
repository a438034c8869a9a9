package edge

import (
	"bytes"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

// refusing is a kernel that does not cut datagrams up.
type refusing struct {
	err   syscall.Errno
	times int
}

func (k *refusing) send(fd int, m []message) (int, syscall.Errno) {
	for i := range m {
		h := &m[i].header
		for b := unsafe.Slice(h.Control, h.Controllen); len(b) >= unix.SizeofCmsghdr; {
			c := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
			if c.Level == unix.SOL_UDP && c.Type == unix.UDP_SEGMENT {
				if i > 0 {
					return sendMessages(fd, m[:i])
				}
				k.times++
				return 0, k.err
			}
			b = b[min(len(b), unix.CmsgSpace(int(c.Len)-unix.CmsgLen(0))):]
		}
	}
	return sendMessages(fd, m)
}

// When the kernel refuses to cut datagrams up, every packet leaves by itself, and the next ones are not tried: EIO is about
// the network card and goes for the socket, anything else for the route. On both kinds of addresses.
func TestRefusedSegmentation(t *testing.T) {
	for _, network := range []struct{ kind, host string }{{"udp4", "127.0.0.1"}, {"udp6", "::1"}} {
		for _, refused := range []struct {
			err   syscall.Errno
			times int // it is tried: in the first batch for both routes of it, and for the third route that comes later
		}{{unix.EIO, 2}, {unix.EINVAL, 3}, {unix.EMSGSIZE, 3}, {0, 0}} {
			listening, err := net.ListenPacket(network.kind, net.JoinHostPort(network.host, "0"))
			if err != nil {
				t.Fatal(err)
			}
			sock, err := newSocket(listening.(*net.UDPConn))
			if err != nil {
				t.Fatal(err)
			}
			tx := sock.newSender()
			kernel := &refusing{err: refused.err}
			if refused.err != 0 {
				tx.kernel = kernel.send
			}
			var conns []net.PacketConn
			var routes []*route
			for range 3 {
				conn, err := net.ListenPacket(network.kind, net.JoinHostPort(network.host, "0"))
				if err != nil {
					t.Fatal(err)
				}
				conns = append(conns, conn)
				routes = append(routes, sock.newRoute(path.Pair{
					Remote: conn.LocalAddr().(*net.UDPAddr).AddrPort(), Local: netip.MustParseAddr(network.host),
				}))
			}
			const rounds, packets = 3, 5
			for round := range rounds {
				for _, r := range routes[:min(2+round, 3)] {
					for i := range packets {
						tx.push(r, bytes.Repeat([]byte{byte(i)}, 1000-i/4))
					}
				}
				if failed := tx.send(); failed != 0 {
					t.Errorf("%v, %s: %d failed", refused.err, network.kind, failed)
				}
			}
			if kernel.times != refused.times {
				t.Errorf("%v, %s: tried %d times, want %d", refused.err, network.kind, kernel.times, refused.times)
			}
			b := make([]byte, 65536)
			for c, conn := range conns {
				conn.SetReadDeadline(time.Now().Add(patience))
				for i := range (rounds - c/2) * packets {
					n, _, err := conn.ReadFrom(b)
					if i %= packets; err != nil || n != 1000-i/4 || b[0] != byte(i) {
						t.Fatalf("%v, %s: packet %d: %d bytes, number %d, %v", refused.err, network.kind, i, n, b[0], err)
					}
				}
				conn.Close()
			}
			tx.close()
			sock.close()
		}
	}
}
