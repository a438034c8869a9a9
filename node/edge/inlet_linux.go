package edge

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inlet is where the datagrams of a socket are read to. It belongs to who reads.
type inlet struct {
	fd       int
	n        int // datagrams that came
	messages [batchSize]message
	names    [batchSize][unix.SizeofSockaddrInet6]byte
	controls [batchSize][controlSize]byte
	vectors  [batchSize]unix.Iovec
	buffers  [batchSize][receiveSize]byte
}

// message is struct mmsghdr of recvmmsg(2).
type message struct {
	header unix.Msghdr
	len    uint32
}

func newInlet(fd int) *inlet {
	in := &inlet{fd: fd}
	for i := range in.messages {
		v := &in.vectors[i]
		v.Base = &in.buffers[i][0]
		v.SetLen(receiveSize)
		h := &in.messages[i].header
		h.Name = &in.names[i][0]
		h.Iov = v
		h.SetIovlen(1)
		h.Control = &in.controls[i][0]
	}
	return in
}

// receive takes what waits in the socket, EAGAIN when that is nothing.
func (in *inlet) receive() syscall.Errno {
	in.n = 0
	for i := range in.messages {
		h := &in.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlSize)
	}
	for {
		// It does not wait: the runtime need not know (it would wake its monitor every time).
		n, _, err := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(in.fd), uintptr(unsafe.Pointer(&in.messages[0])), batchSize,
			unix.MSG_DONTWAIT, 0, 0)
		if err == unix.EINTR {
			continue
		}
		if err == 0 {
			in.n = int(n)
		}
		return err
	}
}

// arrival is the i-th datagram that came, valid until the next receive, and when the system took it in. It is not ok when
// it was cut off.
func (in *inlet) arrival(i int) (data []byte, from netip.AddrPort, to netip.Addr, at time.Time, ok bool) {
	m := &in.messages[i]
	name := in.names[i][:m.header.Namelen]
	if len(name) < unix.SizeofSockaddrInet4 || m.header.Flags&unix.MSG_TRUNC != 0 {
		return nil, from, to, at, false
	}
	port := binary.BigEndian.Uint16(name[2:])
	if binary.NativeEndian.Uint16(name) == unix.AF_INET6 && len(name) == unix.SizeofSockaddrInet6 {
		from = netip.AddrPortFrom(netip.AddrFrom16([16]byte(name[8:24])).Unmap(), port)
	} else {
		from = netip.AddrPortFrom(netip.AddrFrom4([4]byte(name[4:8])), port)
	}
	to, at = circumstances(in.controls[i][:m.header.Controllen])
	return in.buffers[i][:m.len:m.len], from, to, at, true
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
