package trace

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Sniff calls take with what comes to a UDP port of this machine over loopback, until ctx ends. It needs root.
func Sniff(ctx context.Context, port int, take func(datagram []byte, at time.Time)) error {
	const protocol = unix.ETH_P_IP<<8&0xff00 | unix.ETH_P_IP>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return fmt.Errorf("open packet socket: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
	wait := unix.NsecToTimeval((50 * time.Millisecond).Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return fmt.Errorf("set receive timeout: %w", err)
	}
	buf := make([]byte, 65536)
	for ctx.Err() == nil {
		n, from, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read packet socket: %w", err)
		}
		// Every packet of loopback is seen as it goes and as it comes.
		if at, ok := from.(*unix.SockaddrLinklayer); !ok || at.Pkttype != unix.PACKET_HOST {
			continue
		}
		if udp := datagram(buf[:n], port); udp != nil {
			take(udp, time.Now())
		}
	}
	return nil
}

// datagram returns the payload of an IPv4 packet with UDP to port, else nil.
func datagram(b []byte, port int) []byte {
	if len(b) < 20 || b[0]>>4 != 4 || b[9] != unix.IPPROTO_UDP {
		return nil
	}
	size := 4 * int(b[0]&0x0f)
	if len(b) < size+8 || int(binary.BigEndian.Uint16(b[size+2:])) != port {
		return nil
	}
	return b[size+8:]
}
