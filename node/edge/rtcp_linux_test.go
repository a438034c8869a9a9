package edge

import (
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// RTCP comes to the second socket of the port, in both address families, and everything else to the first, whatever its
// size.
func TestRTCPComesToASocketOfItsOwn(t *testing.T) {
	for _, network := range []string{"udp4", "udp6", "udp"} {
		conn, err := net.ListenUDP(network, nil)
		if err != nil {
			t.Logf("no %s here: %v", network, err)
			continue
		}
		s, err := newSocket(conn)
		if err != nil {
			t.Fatal(err)
		}
		if s.rtcp == nil {
			t.Fatalf("%s: there is no second socket", network)
		}
		for _, from := range []string{"127.0.0.1", "::1"} {
			if network == "udp4" && from == "::1" || network == "udp6" && from == "127.0.0.1" {
				continue
			}
			client, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(from), Port: int(s.addr.Port())})
			if err != nil {
				t.Fatal(err)
			}
			sent := []struct {
				data []byte
				rtcp bool
			}{
				{data: []byte{0x80, 111, 1}},
				{data: []byte{0x90, 111 | 0x80, 2}},
				{data: []byte{0x80, 191, 3}},
				{[]byte{0x80, 192, 4}, true},
				{[]byte{0xbf, 205, 5}, true},
				{[]byte{0x81, 223, 6}, true},
				{data: []byte{0x81, 224, 7}},
				{data: []byte{0, 201, 8}},
				{data: []byte{22, 201, 9}},
				{data: []byte{0xc0, 201, 10}},
				{data: []byte{0x80}},
				{},
			}
			var want [2][]byte
			for _, p := range sent {
				if _, err := client.Write(p.data); err != nil {
					t.Fatal(err)
				}
				if p.rtcp {
					want[1] = append(want[1], p.data...)
				} else {
					want[0] = append(want[0], p.data...)
				}
			}
			client.Close()
			var got [2][]byte
			take := func(i int, in *inlet) {
				for j := range in.n {
					data, _, to, at, ok := in.arrival(j)
					if !ok || at.IsZero() || to.String() != from {
						t.Errorf("%s: arrived at %v, to %v", network, at, to)
					}
					got[i] = append(got[i], data...)
				}
			}
			for end := time.Now().Add(patience); len(got[0])+len(got[1]) < len(want[0])+len(want[1]) && time.Now().Before(end); {
				if n, err := s.receiveWithin(time.Millisecond); err != nil {
					t.Fatal(err)
				} else if n > 0 {
					take(0, s.rx)
				}
				if s.receiveRTCP() > 0 {
					take(1, s.rtcp)
				}
			}
			for i := range want {
				if !slices.Equal(got[i], want[i]) {
					t.Errorf("%s from %s: socket %d got %v, want %v", network, from, i, got[i], want[i])
				}
			}
		}
		s.stop()
		s.close()
	}
}

// Who waits for the socket is woken by what comes to it and not by what leaves, comes to the other socket, or came before.
func TestTheReaderIsWokenByWhatItReads(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSocket(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	client, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(s.addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	type got struct {
		n   int
		err error
	}
	news, next := make(chan got), make(chan struct{})
	go func() {
		for range next {
			n, err := s.receive(patience)
			news <- got{n, err}
		}
	}()
	defer close(next)
	for i := range 100 {
		next <- struct{}{}
		client.Write([]byte{0x80, 205})
		client.Write([]byte{0x80, 111})
		if g := <-news; g.n != 1 || g.err != nil {
			t.Fatalf("read %d, %v", g.n, g.err)
		}
		client.Write([]byte{0x80, 112}) // nobody reads just now
		time.Sleep(time.Duration(i%3) * 100 * time.Microsecond)
		next <- struct{}{}
		if g := <-news; g.n != 1 || g.err != nil {
			t.Fatalf("read %d, %v", g.n, g.err)
		}
	}
	for _, d := range []time.Duration{-1, 0, 5 * time.Millisecond} {
		client.Write([]byte{0x80, 205})
		begin := time.Now()
		if n, err := s.receive(d); n != 0 || err != nil || time.Since(begin) < d {
			t.Errorf("read %d within %v, %v", n, time.Since(begin), err)
		}
	}
	next <- struct{}{}
	s.stop()
	if g := <-news; !errors.Is(g.err, net.ErrClosed) {
		t.Errorf("after the end: %v", g.err)
	}
}

// RTCP is found behind IP options, and without a checksum.
func TestRTCPIsFoundBehindIPOptions(t *testing.T) {
	nops := "\x01\x01\x01\x00"
	for _, c := range []struct {
		name, to string
		set      func(fd int) error
	}{
		{"IPv4 options", "127.0.0.1", func(fd int) error { return unix.SetsockoptString(fd, unix.IPPROTO_IP, unix.IP_OPTIONS, nops) }},
		{"no checksum", "127.0.0.1", func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1) }},
	} {
		conn, err := net.ListenUDP("udp", nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := newSocket(conn)
		if err != nil {
			t.Fatal(err)
		}
		client, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(c.to), Port: int(s.addr.Port())})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := client.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if raw.Control(func(fd uintptr) { err = c.set(int(fd)) }); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, b := range [][]byte{{0x80, 205, 1}, {0x80, 111, 2}, {0x80, 201, 3}, {0, 1, 4}, {22, 254, 5}} {
			if _, err := client.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		var media, rtcp int
		for end := time.Now().Add(patience); media+rtcp < 5 && time.Now().Before(end); {
			n, err := s.receiveWithin(time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			media += n
			rtcp += s.receiveRTCP()
		}
		if media != 3 || rtcp != 2 {
			t.Errorf("%s: %d and %d of RTCP, want 3 and 2", c.name, media, rtcp)
		}
		client.Close()
		s.stop()
		s.close()
	}
}
