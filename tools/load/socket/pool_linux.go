// Package socket is the generator's end of the network: many UDP sockets of loopback that one goroutine reads in batches, so that
// what the load costs does not stand in the way of what is measured.
//
// A pool is prompt or it gathers. Prompt, it reads when something comes, as joins want it. Gathering, it looks every few
// milliseconds and takes what came meanwhile: the time of arrival is the kernel's (SO_TIMESTAMPNS) and does not suffer, and no
// packet wakes anybody, which on loopback the sending server would pay for, unlike on a network.
//
// SRTP and SRTCP (RFC 7983) go straight to the function that a socket's owner gave with Divert, on the goroutine of the pool;
// everything else comes by ReadFrom.
package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batch    = 64
	datagram = 2048
	control  = 64
	waiting  = 256 // datagrams that ReadFrom has not taken yet; more are lost, as on the network
	buffer   = 4 << 20
	// gathering is how long a pool that gathers does not look: a fraction of what a default socket buffer holds.
	gathering = 4 * time.Millisecond
	// looking bounds how long a pool that is prompt waits, so that it notices its end.
	looking = 50 // ms
)

// Pool reads sockets. It is safe for concurrent use and a network for participants.
type Pool struct {
	epoll   int
	gathers atomic.Bool
	dead    atomic.Bool
	done    sync.WaitGroup

	mu    sync.RWMutex // write-held while a descriptor ends, so that none is read that is another's already
	conns map[int32]*Conn

	messages [batch]message
	vectors  [batch]unix.Iovec
	controls [batch][control]byte
	names    [batch][unix.SizeofSockaddrInet4]byte
	buffers  [batch][datagram]byte
}

// message is struct mmsghdr of recvmmsg(2).
type message struct {
	header unix.Msghdr
	len    uint32
}

// NewPool returns a prompt pool without sockets.
func NewPool() (*Pool, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make socket pool: %w", err)
	}
	p := &Pool{epoll: epoll, conns: make(map[int32]*Conn)}
	for i := range p.messages {
		v := &p.vectors[i]
		v.Base = &p.buffers[i][0]
		v.SetLen(datagram)
		h := &p.messages[i].header
		h.Iov = v
		h.SetIovlen(1)
		h.Control = &p.controls[i][0]
		h.Name = &p.names[i][0]
	}
	p.done.Go(p.run)
	return p, nil
}

// Gather chooses between gathering and prompt.
func (p *Pool) Gather(yes bool) { p.gathers.Store(yes) }

// Addr returns the address of loopback.
func (p *Pool) Addr() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// Dial opens a connection of this machine's own.
func (p *Pool) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// ListenPacket opens a UDP socket, which the caller closes.
func (p *Pool) ListenPacket(address string) (net.PacketConn, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().Is4() {
		return nil, fmt.Errorf("listen on %q: an address of IPv4 is needed", address)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	c := &Conn{pool: p, fd: fd, in: make(chan arrival, waiting), ended: make(chan struct{})}
	if err := c.prepare(at); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[int32(fd)] = c
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		delete(p.conns, int32(fd))
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return c, nil
}

// Close ends the pool. Its sockets are to be closed before.
func (p *Pool) Close() {
	p.dead.Store(true)
	p.done.Wait()
	_ = unix.Close(p.epoll)
}

func (p *Pool) run() {
	var events [256]unix.EpollEvent
	for !p.dead.Load() {
		patience := looking
		if p.gathers.Load() {
			time.Sleep(gathering)
			patience = 0
		}
		n, err := unix.EpollWait(p.epoll, events[:], patience)
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(fmt.Sprintf("wait for sockets: %v", err)) // the descriptor is ours
		}
		for _, e := range events[:max(0, n)] {
			p.drain(e.Fd)
		}
	}
}

func (p *Pool) drain(fd int32) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	c := p.conns[fd]
	if c == nil {
		return
	}
	for {
		for i := range p.messages {
			p.messages[i].header.SetControllen(control)
			p.messages[i].header.Namelen = unix.SizeofSockaddrInet4
		}
		n, _, err := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&p.messages[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		if err != 0 {
			return // nothing is there, or an error that was queued and is taken off now
		}
		for i := range int(n) {
			m := &p.messages[i]
			c.take(p.buffers[i][:m.len], p.names[i][:m.header.Namelen], p.controls[i][:m.header.Controllen])
		}
		if n < batch {
			return
		}
	}
}

// stamp returns when the kernel took a datagram in.
func stamp(b []byte) time.Time {
	const size = int(unsafe.Sizeof(unix.Timespec{}))
	if len(b) >= unix.CmsgLen(size) {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS {
			return time.Unix((*unix.Timespec)(unsafe.Pointer(&b[unix.CmsgLen(0)])).Unix())
		}
	}
	return time.Now()
}
