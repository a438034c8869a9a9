package edge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
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
//
// It is not among what the runtime polls. There, every datagram that comes and every one that leaves would wake a thread
// that waits for something to do, whether or not anybody waits for the socket. So it stands alone in a poll set of its own,
// which the runtime polls, and is armed for one event when the reader goes to sleep. A timer is in the same set: one of the
// runtime's would wake a second thread with every tick.
type socket struct {
	fd    int
	addr  netip.AddrPort
	v6    bool     // the socket speaks IPv6, and IPv4 as mapped addresses
	file  *os.File // the poll set
	raw   syscall.RawConn
	polls int
	armed bool // for what comes; the timer always is
	timer int
	alarm unix.ItimerSpec
	until time.Time // when receive ends
	// stopped says why waiting failed.
	stopped atomic.Bool

	rx   *inlet // what came last
	rtcp *inlet // of the socket that RTCP comes to, nil where it comes with the rest
	call func(fd uintptr) bool
	err  syscall.Errno
	poll unix.PollFd
	wait unix.Timespec
}

// route is a destination and the address to leave from, as the kernel takes them.
type route struct {
	name       [unix.SizeofSockaddrInet6]byte
	nameLen    uint32
	control    [controlSize]byte
	controlLen int
	whole      atomic.Bool // datagrams for it are not to be cut up on the way
}

// newSocket takes conn over.
func newSocket(conn *net.UDPConn) (*socket, error) {
	fd, err := detach(conn)
	if err != nil {
		return nil, err
	}
	s := &socket{fd: fd, polls: -1, timer: -1, addr: conn.LocalAddr().(*net.UDPAddr).AddrPort(), rx: newInlet(fd)}
	if err := s.open(); err != nil {
		s.stop()
		_ = s.close()
		return nil, err
	}
	return s, nil
}

// detach returns the descriptor of conn, which is closed: the runtime polls it no more.
func detach(conn *net.UDPConn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("get at the socket: %w", err)
	}
	var failure error
	err = raw.Control(func(old uintptr) {
		fd, failure = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = errors.Join(err, failure, conn.Close()); err != nil {
		return -1, fmt.Errorf("get at the socket: %w", err)
	}
	return fd, nil
}

func (s *socket) open() error {
	domain, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return fmt.Errorf("get socket options: %w", err)
	}
	s.v6 = domain == unix.AF_INET6
	if err := s.prepare(s.fd); err != nil {
		return err
	}
	// What the system allows is enough; more is better. The second needs privilege.
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer)
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer)
	if s.polls, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("make a poll set: %w", err)
	}
	if err := unix.EpollCtl(s.polls, unix.EPOLL_CTL_ADD, s.fd, &unix.EpollEvent{}); err != nil {
		return fmt.Errorf("fill the poll set: %w", err)
	}
	if s.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return fmt.Errorf("make a timer: %w", err)
	}
	if err := unix.EpollCtl(s.polls, unix.EPOLL_CTL_ADD, s.timer, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		return fmt.Errorf("fill the poll set: %w", err)
	}
	if err := unix.SetNonblock(s.polls, true); err != nil {
		return fmt.Errorf("make a poll set: %w", err)
	}
	s.file = os.NewFile(uintptr(s.polls), "media")
	if s.raw, err = s.file.SyscallConn(); err != nil {
		return fmt.Errorf("make a poll set: %w", err)
	}
	s.call = s.receiveCall
	s.rtcp = s.besides()
	return nil
}

// prepare has the system say of each datagram of a socket where it was sent to, and when it came.
func (s *socket) prepare(fd int) error {
	level, option := unix.IPPROTO_IP, unix.IP_PKTINFO
	if s.v6 {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	}
	if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
		return fmt.Errorf("set socket options: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return fmt.Errorf("set socket options: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer)
	return nil
}

// stop ends reading. Senders go on until close.
func (s *socket) stop() {
	s.stopped.Store(true)
	if s.file != nil {
		_ = s.file.Close()
	} else if s.polls >= 0 {
		_ = unix.Close(s.polls)
	}
}

// close frees the port. Nobody may read or send any more.
func (s *socket) close() error {
	var errs []error
	if s.rtcp != nil {
		errs = append(errs, unix.Close(s.rtcp.fd))
	}
	if s.timer >= 0 {
		errs = append(errs, unix.Close(s.timer))
	}
	return errors.Join(append(errs, unix.Close(s.fd))...)
}

// receive waits for datagrams, for about as long as is given, and returns how many came.
func (s *socket) receive(within time.Duration) (int, error) {
	s.until = time.Now().Add(within)
	if err := s.raw.Read(s.call); err != nil {
		if s.stopped.Load() {
			return 0, net.ErrClosed
		}
		return 0, fmt.Errorf("wait for media: %w", err)
	}
	switch s.err {
	case 0:
		return s.rx.n, nil
	case unix.EAGAIN:
		return 0, nil
	}
	return 0, fmt.Errorf("receive media: %w", s.err)
}

func (s *socket) receiveCall(uintptr) bool {
	s.err = unix.EAGAIN
	if s.armed || s.rx.n == batchSize {
		s.err = s.rx.receive()
	}
	if s.err == unix.EAGAIN {
		left := time.Until(s.until)
		switch {
		case s.armed && left > 0:
			return false // woken for nothing
		case !s.armed && left > 0:
			// Whoever is armed must look again: what came before wakes nobody.
			if s.err = s.set(left); s.err == 0 {
				s.err = s.arm(unix.EPOLLIN)
			}
			if s.err == 0 {
				s.err = s.rx.receive()
			}
			if s.err == unix.EAGAIN {
				return false
			}
		case !s.armed:
			s.err = s.rx.receive()
		}
	}
	if s.armed {
		_ = s.arm(0) // else it wakes the reader once in vain
	}
	return true
}

// set sets the timer.
func (s *socket) set(d time.Duration) syscall.Errno {
	s.alarm.Value = unix.NsecToTimespec(int64(d))
	_, _, err := unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(s.timer), 0, uintptr(unsafe.Pointer(&s.alarm)), 0, 0, 0)
	return err
}

// arm has the poll set wait for events, or for nothing.
func (s *socket) arm(events uint32) syscall.Errno {
	ev := unix.EpollEvent{Events: events}
	_, _, err := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(s.polls), unix.EPOLL_CTL_MOD, uintptr(s.fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	s.armed = err == 0 && events != 0
	return err
}

// receiveWithin is receive with an end: when nothing comes for d it returns 0. It waits in the kernel: the timers of the
// runtime are too coarse for what it waits for.
func (s *socket) receiveWithin(d time.Duration) (int, error) {
	if s.stopped.Load() {
		return 0, net.ErrClosed
	}
	err := s.rx.receive()
	if err == unix.EAGAIN {
		s.wait = unix.NsecToTimespec(int64(d))
		s.poll = unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN}
		ppoll := unix.Syscall6
		if d <= shortly {
			ppoll = unix.RawSyscall6
		}
		n, _, failed := ppoll(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&s.poll)), 1, uintptr(unsafe.Pointer(&s.wait)), 0, 0, 0)
		if failed != 0 || n == 0 {
			return 0, nil
		}
		err = s.rx.receive()
	}
	switch err {
	case 0:
		return s.rx.n, nil
	case unix.EAGAIN:
		return 0, nil
	}
	return 0, fmt.Errorf("recvmmsg: %w", err)
}

// receiveRTCP returns how many datagrams are in s.rtcp, which nobody is woken by.
func (s *socket) receiveRTCP() int {
	if s.rtcp == nil || s.rtcp.receive() != 0 {
		return 0
	}
	return s.rtcp.n
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
