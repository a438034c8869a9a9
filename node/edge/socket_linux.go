package edge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

const (
	batchSize    = 64   // messages in one system call
	receiveSize  = 2048 // the largest datagram taken
	controlSize  = 96
	socketBuffer = 4 << 20
	// shortly is a wait that the runtime need not know of: a processor is kept for it, and a collection may have to wait.
	shortly = 200 * time.Microsecond
)

// socket is a UDP socket that reads batches (recvmmsg) without allocating. Reading belongs to one goroutine.
type socket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	v6   bool // the socket speaks IPv6, and IPv4 as mapped addresses

	rx struct {
		messages [batchSize]message
		names    [batchSize][unix.SizeofSockaddrInet6]byte
		controls [batchSize][controlSize]byte
		vectors  [batchSize]unix.Iovec
		buffers  [batchSize][receiveSize]byte
		n        int
		err      syscall.Errno
		call     func(fd uintptr) bool
		within   func(fd uintptr) bool
		poll     unix.PollFd
		wait     unix.Timespec
	}
}

// message is struct mmsghdr of recvmmsg(2).
type message struct {
	header unix.Msghdr
	len    uint32
}

// route is a destination and the address to leave from, as the kernel takes them.
type route struct {
	name       [unix.SizeofSockaddrInet6]byte
	nameLen    uint32
	control    [controlSize]byte
	controlLen int
	whole      atomic.Bool // datagrams for it are not to be cut up on the way
}

func newSocket(conn *net.UDPConn) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("get at the socket: %w", err)
	}
	s := &socket{conn: conn, raw: raw}
	var failure error
	err = raw.Control(func(fd uintptr) {
		var domain int
		if domain, failure = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN); failure != nil {
			return
		}
		if s.v6 = domain == unix.AF_INET6; s.v6 {
			failure = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		} else {
			failure = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
		if failure == nil {
			failure = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		}
		for _, o := range [][2]int{{unix.SO_RCVBUF, unix.SO_RCVBUFFORCE}, {unix.SO_SNDBUF, unix.SO_SNDBUFFORCE}} {
			// What the system allows is enough; more is better. The second needs privilege.
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[0], socketBuffer)
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o[1], socketBuffer)
		}
	})
	if err = errors.Join(err, failure); err != nil {
		return nil, fmt.Errorf("set socket options: %w", err)
	}
	s.rx.call, s.rx.within = s.receiveCall, s.withinCall
	for i := range s.rx.messages {
		v := &s.rx.vectors[i]
		v.Base = &s.rx.buffers[i][0]
		v.SetLen(receiveSize)
		h := &s.rx.messages[i].header
		h.Name = &s.rx.names[i][0]
		h.Iov = v
		h.SetIovlen(1)
		h.Control = &s.rx.controls[i][0]
	}
	return s, nil
}

func (s *socket) close() error { return s.conn.Close() }

// receive waits for datagrams and returns how many came.
func (s *socket) receive() (int, error) {
	if err := s.raw.Read(s.rx.call); err != nil {
		return 0, err
	}
	if s.rx.err != 0 {
		return 0, fmt.Errorf("recvmmsg: %w", s.rx.err)
	}
	return s.rx.n, nil
}

// receiveWithin is receive with an end: when nothing comes for d it returns 0.
func (s *socket) receiveWithin(d time.Duration) (int, error) {
	s.rx.wait = unix.NsecToTimespec(int64(d))
	s.rx.n = 0
	if err := s.raw.Read(s.rx.within); err != nil {
		return 0, err
	}
	if s.rx.err != 0 {
		return 0, fmt.Errorf("recvmmsg: %w", s.rx.err)
	}
	return s.rx.n, nil
}

// withinCall waits in the kernel: the timers of the runtime are too coarse for what it waits for.
func (s *socket) withinCall(fd uintptr) bool {
	if s.receiveCall(fd) {
		return true
	}
	s.rx.err = 0
	s.rx.poll = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	ppoll := unix.Syscall6
	if s.rx.wait.Nano() <= int64(shortly) {
		ppoll = unix.RawSyscall6
	}
	n, _, err := ppoll(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&s.rx.poll)), 1, uintptr(unsafe.Pointer(&s.rx.wait)), 0, 0, 0)
	if err == 0 && n > 0 {
		s.receiveCall(fd)
	}
	return true
}

func (s *socket) receiveCall(fd uintptr) bool {
	for i := range s.rx.messages {
		h := &s.rx.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlSize)
	}
	for {
		// It does not wait: the runtime need not know (it would wake its monitor every time).
		n, _, err := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&s.rx.messages[0])), batchSize,
			unix.MSG_DONTWAIT, 0, 0)
		switch err {
		case unix.EAGAIN:
			return false
		case unix.EINTR:
			continue
		}
		s.rx.n, s.rx.err = int(n), err
		return true
	}
}

// arrival is the i-th datagram that came, valid until the next receive, and when the system took it in. It is not ok when
// it was cut off.
func (s *socket) arrival(i int) (data []byte, from netip.AddrPort, to netip.Addr, at time.Time, ok bool) {
	m := &s.rx.messages[i]
	name := s.rx.names[i][:m.header.Namelen]
	if len(name) < unix.SizeofSockaddrInet4 || m.header.Flags&unix.MSG_TRUNC != 0 {
		return nil, from, to, at, false
	}
	port := binary.BigEndian.Uint16(name[2:])
	if binary.NativeEndian.Uint16(name) == unix.AF_INET6 && len(name) == unix.SizeofSockaddrInet6 {
		from = netip.AddrPortFrom(netip.AddrFrom16([16]byte(name[8:24])).Unmap(), port)
	} else {
		from = netip.AddrPortFrom(netip.AddrFrom4([4]byte(name[4:8])), port)
	}
	to, at = circumstances(s.rx.controls[i][:m.header.Controllen])
	return s.rx.buffers[i][:m.len:m.len], from, to, at, true
}

// circumstances finds the address that a datagram was sent to and the time at which it came.
func circumstances(b []byte) (to netip.Addr, at time.Time) {
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		size := int(h.Len)
		if size < unix.SizeofCmsghdr || size > len(b) {
			break
		}
		data := b[unix.CmsgLen(0):size]
		switch {
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			to = netip.AddrFrom16([16]byte(data[:16])).Unmap()
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			to = netip.AddrFrom4([4]byte(data[4:8]))
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
			at = time.Unix((*unix.Timespec)(unsafe.Pointer(&data[0])).Unix())
		}
		b = b[min(len(b), unix.CmsgSpace(size-unix.CmsgLen(0))):]
	}
	return to, at
}

// control appends one control message header and returns where its data goes.
func control(b []byte, at int, level, kind int32, size int) []byte {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[at]))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(size))
	return b[at+unix.CmsgLen(0) : at+unix.CmsgLen(size)]
}

// newRoute returns the route to the remote end of a pair.
func (s *socket) newRoute(at path.Pair) *route {
	r := &route{}
	local := at.Local.IsValid() && !at.Local.IsUnspecified()
	binary.BigEndian.PutUint16(r.name[2:], at.Remote.Port())
	if s.v6 {
		binary.NativeEndian.PutUint16(r.name[:], unix.AF_INET6)
		ip := at.Remote.Addr().As16()
		copy(r.name[8:], ip[:])
		r.nameLen = unix.SizeofSockaddrInet6
		if local {
			ip := at.Local.As16()
			copy(control(r.control[:], 0, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo), ip[:])
			r.controlLen = unix.CmsgSpace(unix.SizeofInet6Pktinfo)
		}
		return r
	}
	binary.NativeEndian.PutUint16(r.name[:], unix.AF_INET)
	ip := at.Remote.Addr().As4()
	copy(r.name[4:], ip[:])
	r.nameLen = unix.SizeofSockaddrInet4
	if local {
		ip := at.Local.As4()
		copy(control(r.control[:], 0, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)[4:], ip[:])
		r.controlLen = unix.CmsgSpace(unix.SizeofInet4Pktinfo)
	}
	return r
}
