package simnet

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// in runs f in a bubble with a network that is closed afterwards.
func in(t *testing.T, seed uint64, f func(t *testing.T, n *Network)) {
	t.Helper()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		n := New(seed)
		defer n.Close()
		f(t, n)
	})
}

func packets(t *testing.T, h *Host, address string) *PacketConn {
	t.Helper()
	c, err := h.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sendTo(t *testing.T, c *PacketConn, to net.Addr, b []byte) {
	t.Helper()
	if _, err := c.WriteTo(b, to); err != nil {
		t.Fatal(err)
	}
}

// arrival is a datagram and how long after start it came.
type arrival struct {
	after time.Duration
	data  string
	from  string
}

// collect reads what arrives within the time.
func collect(t *testing.T, c *PacketConn, within time.Duration) []arrival {
	t.Helper()
	start := time.Now()
	if err := c.SetReadDeadline(start.Add(within)); err != nil {
		t.Fatal(err)
	}
	var all []arrival
	b := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return all
		}
		all = append(all, arrival{time.Since(start), string(b[:n]), from.String()})
	}
}

// streams returns the two ends of a stream from one host to another.
func streams(t *testing.T, from, to *Host) (client, server net.Conn) {
	t.Helper()
	l, err := to.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = from.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
