package edge

import (
	"net"
	"testing"
	"time"
)

// Datagrams that wait in the socket together have come at their own times each.
func TestTheSystemStampsArrivals(t *testing.T) {
	for _, network := range []string{"udp4", "udp6"} {
		conn, err := net.ListenUDP(network, nil)
		if err != nil {
			t.Logf("no %s here: %v", network, err)
			continue
		}
		s, err := newSocket(conn)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: conn.LocalAddr().(*net.UDPAddr).Port}
		if network == "udp6" {
			to.IP = net.IPv6loopback
		}
		client, err := net.DialUDP(network, nil, to)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		// The kernel begins to stamp some time after it was asked; until then reading is stamped.
		for deadline := time.Now().Add(patience); !stampedOnArrival(t, s, client); {
			if time.Now().After(deadline) {
				t.Fatalf("%s: datagrams bear the time of reading", network)
			}
		}
	}
}

// stampedOnArrival sends two datagrams, then reads them, and reports whether each bears a time from before the next step.
func stampedOnArrival(t *testing.T, s *socket, client *net.UDPConn) bool {
	t.Helper()
	var after [2]time.Time
	begin := time.Now()
	for i := range after {
		if _, err := client.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		after[i] = time.Now()
	}
	on := true
	for read := 0; read < 2; {
		n, err := s.receive(patience)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			_, _, _, at, ok := s.rx.arrival(i)
			if !ok || at.IsZero() {
				t.Fatalf("no stamp, read %v", ok)
			}
			on = on && !at.Before(begin.Round(0)) && !at.After(after[read].Round(0))
			read++
		}
	}
	return on
}
