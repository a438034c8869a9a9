package link

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

func TestAnotherSecret(t *testing.T) {
	in(t, 2, func(t *testing.T, r *rig) {
		a, b := r.nodes[0], r.nodes[1]
		b.stop()
		b.secret = identity.NewSecret()
		b.start()
		r.mesh(true, false)
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if a.linked(b) || b.linked(a) || a.report(b).Alive || b.report(a).Alive {
			t.Error("half a member")
		}
		for _, n := range r.nodes {
			lines := strings.Split(strings.TrimSpace(n.logged()), "\n")
			other := r.nodes[0]
			if n == other {
				other = r.nodes[1]
			}
			if len(lines) != 1 || !strings.Contains(lines[0], "the other node has another secret") || !strings.Contains(lines[0], other.addr.String()) {
				t.Errorf("log %q", lines)
			}
			if len(n.said()) != 0 {
				t.Error("something was told")
			}
		}
	})
}

// TestHelloThatDoesNotFit has a member below the node dial it with a wrong Hello.
func TestHelloThatDoesNotFit(t *testing.T) {
	cases := map[string]struct {
		change func(h *wire.Hello)
		want   string
	}{
		"clock ahead":    {func(h *wire.Hello) { h.Clock += 62_080 }, "differ by 1m2s, at most 1m0s"},
		"clock behind":   {func(h *wire.Hello) { h.Clock -= 61_960 }, "differ by 1m2s, at most 1m0s"},
		"another name":   {func(h *wire.Hello) { h.Name = "aaaaaaaaaa" }, "hello of aaaaaaaaaa with the certificate of"},
		"newer versions": {func(h *wire.Hello) { h.Oldest, h.Newest = 3, 4 }, "no common version"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in(t, 1, func(t *testing.T, r *rig) {
				n, f := r.nodes[0], newFake(t, r, true, "10.0.0.100")
				defer f.close()
				n.e.SetPeers([]Peer{f.peer()})
				wrong := func() wire.Hello {
					h := f.hello()
					c.change(&h)
					return h
				}
				for range 3 {
					if _, _, err := f.link(n, wrong()); !strings.Contains(closed(err), c.want) {
						t.Errorf("%v, want %q", err, c.want)
					}
				}
				if log := n.logged(); strings.Count(log, c.want) != 1 || strings.Count(log, "\n") != 1 {
					t.Errorf("log %q", log)
				}
				time.Sleep(time.Minute)
				_, _, _ = f.link(n, wrong())
				if log := n.logged(); strings.Count(log, c.want) != 2 {
					t.Errorf("log after a minute %q", log)
				}
				ok := f.hello()
				ok.Clock += 58_000
				if _, _, err := f.link(n, ok); err != nil {
					t.Errorf("a good one is refused: %v", err)
				}
			})
		})
	}
}

// TestAnswerThatDoesNotFit has the node dial a member whose answer is wrong.
func TestAnswerThatDoesNotFit(t *testing.T) {
	cases := map[string]struct {
		change func(h *wire.Hello)
		want   string
	}{
		"clock ahead":  {func(h *wire.Hello) { h.Clock += 62_000 }, "differ by 1m2s, at most 1m0s"},
		"another name": {func(h *wire.Hello) { h.Name = "aaaaaaaaaa" }, "hello of aaaaaaaaaa with the certificate of"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in(t, 1, func(t *testing.T, r *rig) {
				n, f := r.nodes[0], newFake(t, r, false, "10.0.0.100")
				defer f.close()
				listener, err := f.transport.Listen(f.tls(protocolControl), serverConfig())
				if err != nil {
					t.Fatal(err)
				}
				n.e.SetPeers([]Peer{f.peer()})
				conn, err := listener.Accept(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				stream, err := conn.AcceptStream(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if h, err := readHello(stream); err != nil || h.Name != n.name() {
					t.Errorf("%+v, %v", h, err)
				}
				h := f.hello()
				c.change(&h)
				if _, err := stream.Write(wire.AppendFramed(nil, h, 2)); err != nil {
					t.Fatal(err)
				}
				if why := ended(t, conn, time.Second); !strings.Contains(why, c.want) {
					t.Errorf("closed for %q", why)
				}
				if !strings.Contains(n.logged(), c.want) || len(n.said()) != 0 {
					t.Errorf("log %q", n.logged())
				}
			})
		})
	}
}

func TestAnotherNodeAtTheAddress(t *testing.T) {
	in(t, 3, func(t *testing.T, r *rig) {
		a, b, c := r.nodes[0], r.nodes[1], r.nodes[2]
		a.e.SetPeers([]Peer{{Name: b.name(), Addrs: []netip.AddrPort{c.addr}, Link: true}})
		c.knows(false, false, a)
		time.Sleep(5 * time.Second)
		if want := string(c.name()) + " answers at the address of " + string(b.name()); !strings.Contains(a.logged(), want) {
			t.Errorf("log %q, want %q", a.logged(), want)
		}
		if len(a.said()) != 0 {
			t.Error("something was told")
		}
	})
}

func TestTheLowerNameDials(t *testing.T) {
	in(t, 1, func(t *testing.T, r *rig) {
		n, f := r.nodes[0], newFake(t, r, false, "10.0.0.100")
		defer f.close()
		n.e.SetPeers([]Peer{{Name: f.key.Name()}})
		if _, _, err := f.link(n, f.hello()); closed(err) != "the node with the lower name dials" {
			t.Errorf("%v", err)
		}
	})
}

func TestCertificates(t *testing.T) {
	cases := map[string]struct {
		leaf func(f *fake, r *rig) tls.Certificate
		want string
	}{
		"expired": {func(f *fake, r *rig) tls.Certificate {
			leaf, _ := r.secret.Authority().Issue(f.key, time.Now().Add(-25*time.Hour))
			return leaf
		}, "was valid until 1h0m0s ago"},
		"not yet valid": {func(f *fake, r *rig) tls.Certificate {
			leaf, _ := r.secret.Authority().Issue(f.key, time.Now().Add(2*time.Hour))
			return leaf
		}, "is valid in 1h0m0s"},
		"another authority": {func(f *fake, _ *rig) tls.Certificate {
			leaf, _ := identity.NewSecret().Authority().Issue(f.key, time.Now())
			return leaf
		}, "another secret"},
		"none": {func(*fake, *rig) tls.Certificate { return tls.Certificate{} }, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in(t, 1, func(t *testing.T, r *rig) {
				n, f := r.nodes[0], newFake(t, r, true, "10.0.0.100")
				defer f.close()
				n.e.SetPeers([]Peer{f.peer()})
				f.leaf = c.leaf(f, r)
				if _, _, err := f.link(n, f.hello()); err == nil || !strings.Contains(explain(err).Error(), "refuses our certificate") {
					t.Errorf("%v", err)
				}
				if log := n.logged(); !strings.Contains(log, c.want) || strings.Count(log, "\n") != min(len(c.want), 1) {
					t.Errorf("log %q", log)
				}
			})
		})
	}
}

func TestFramesThatAreNone(t *testing.T) {
	frame := wire.AppendFramed(nil, wire.Claim{Room: "r"}, 2)
	cases := map[string]struct {
		lanes  [][]byte // number, bytes
		closes string
		want   Report
	}{
		"good":             {[][]byte{append([]byte{2}, frame...)}, "", Report{}},
		"unknown type":     {[][]byte{append([]byte{2, 0, 0, 0, 1, 99}, frame...)}, "", Report{Unknown: 1}},
		"malformed":        {[][]byte{append([]byte{2, 0, 0, 0, 1, 10}, frame...)}, "", Report{Misbehaved: 1}},
		"too long":         {[][]byte{{2, 0x7f, 0, 0, 0}}, "frame of 2130706432 bytes", Report{}},
		"empty":            {[][]byte{{2, 0, 0, 0, 0}}, "frame of 0 bytes", Report{}},
		"no such lane":     {[][]byte{{8}}, "lane 8 does not exist", Report{}},
		"a lane twice":     {[][]byte{{3}, {3}}, "lane 3 does not exist or is open", Report{}},
		"the largest lane": {[][]byte{append([]byte{7}, frame...)}, "", Report{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in(t, 1, func(t *testing.T, r *rig) {
				n, f := r.nodes[0], newFake(t, r, true, "10.0.0.100")
				defer f.close()
				n.e.SetPeers([]Peer{f.peer()})
				conn, _, err := f.link(n, f.hello())
				if err != nil {
					t.Fatal(err)
				}
				for _, lane := range c.lanes {
					f.lane(conn, lane[0], lane[1:])
				}
				if c.closes != "" {
					if why := ended(t, conn, time.Second); !strings.Contains(why, c.closes) {
						t.Errorf("closed for %q", why)
					}
					return
				}
				within(t, time.Second, "the good frame", func() bool { return n.got() == 1 })
				got := n.e.Peers()[0]
				if got.Unknown != c.want.Unknown || got.Misbehaved != c.want.Misbehaved || conn.Context().Err() != nil {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestStreamOfTheHellos(t *testing.T) {
	in(t, 1, func(t *testing.T, r *rig) {
		n, f := r.nodes[0], newFake(t, r, true, "10.0.0.100")
		defer f.close()
		n.e.SetPeers([]Peer{f.peer()})
		conn, stream, err := f.link(n, f.hello())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Write(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if conn.Context().Err() != nil {
			t.Fatal("zeros close the link")
		}
		if _, err := stream.Write([]byte{0, 1}); err != nil {
			t.Fatal(err)
		}
		if why := ended(t, conn, time.Second); why != "a second hello" {
			t.Errorf("closed for %q", why)
		}
	})
}

func TestMisbehaving(t *testing.T) {
	in(t, 1, func(t *testing.T, r *rig) {
		n, f := r.nodes[0], newFake(t, r, true, "10.0.0.100")
		defer f.close()
		n.e.SetPeers([]Peer{f.peer()})
		conn, _, err := f.link(n, f.hello())
		if err != nil {
			t.Fatal(err)
		}
		lane := f.lane(conn, 1, nil)
		bad := []byte{0, 0, 0, 1, 10}
		if _, err := lane.Write(bytes.Repeat(bad, maxFaults)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if conn.Context().Err() != nil {
			t.Fatal("closed too early")
		}
		if _, err := lane.Write(bad); err != nil {
			t.Fatal(err)
		}
		if why := ended(t, conn, time.Second); why != "too many refused frames" {
			t.Errorf("closed for %q", why)
		}
		if _, _, err := f.link(n, f.hello()); err == nil {
			t.Error("linked again at once")
		}
		time.Sleep(time.Minute)
		if _, _, err := f.link(n, f.hello()); err != nil {
			t.Errorf("not linked again after a minute: %v", err)
		}
		if log := n.logged(); strings.Count(log, "refused a frame") != 1 || strings.Count(log, "closed a link") != 1 {
			t.Errorf("log %q", log)
		}
	})
}

func TestNothingIsResumed(t *testing.T) {
	in(t, 1, func(t *testing.T, r *rig) {
		n, f := r.nodes[0], newFake(t, r, true, "10.0.0.100")
		defer f.close()
		config := f.tls(protocolControl)
		config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		for range 2 {
			conn, err := f.transport.Dial(t.Context(), net.UDPAddrFromAddrPort(n.addr), config, clientConfig(0, handshakeSilence))
			if err != nil {
				t.Fatal(err)
			}
			if conn.ConnectionState().TLS.DidResume {
				t.Error("a session was resumed: nobody looked at the certificate")
			}
			time.Sleep(time.Second)
			_ = conn.CloseWithError(0, "")
		}
	})
}
