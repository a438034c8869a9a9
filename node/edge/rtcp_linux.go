package edge

import (
	"golang.org/x/sys/unix"
)

// toRTCP sends RTCP (RFC 5761 4) to the second socket of a port and all else to the first. What is shorter than it looks at
// goes to the first.
var toRTCP = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 0},
	{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 128, Jf: 5},
	{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 192, Jt: 4},
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 1},
	{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 192, Jf: 2},
	{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 224, Jt: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
}

// besides opens a second socket on the port, which RTCP comes to from now on. Nobody is woken by it: receivers report ten
// times a second and more each, one by one, and being woken costs many times what there is to do. It returns nil where the
// system does not do that.
//
// The port was taken without sharing it, so that it is nobody else's; two that share it now are this process's.
func (s *socket) besides() *inlet {
	name, err := unix.Getsockname(s.fd)
	if err != nil || unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) != nil {
		return nil
	}
	domain := unix.AF_INET
	if s.v6 {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	ok := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) == nil && s.prepare(fd) == nil
	if ok && s.v6 {
		only, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		ok = err == nil && unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only) == nil
	}
	ok = ok && unix.Bind(fd, name) == nil
	ok = ok && unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
		&unix.SockFprog{Len: uint16(len(toRTCP)), Filter: &toRTCP[0]}) == nil
	if !ok {
		_ = unix.Close(fd)
		return nil
	}
	return newInlet(fd)
}
