package turn

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestRelaysToMediaOfMembers comes by every way and talks to a member, to another port of it, and to a stranger.
func TestRelaysToMediaOfMembers(t *testing.T) {
	for way := range ways {
		t.Run(way, func(t *testing.T) {
			in(t, nil, func(w *world) {
				h := w.newHost()
				conn := w.dial(h, way)
				username, password := w.key.Issue(time.Now(), "ann")
				c := w.clientAs(conn, way, username, password)
				relay := w.allocate(c)
				if !w.comesBack(relay, w.media.LocalAddr(), "to the media port") {
					t.Error("nothing comes back from a member's media port")
				}
				if w.comesBack(relay, w.beside.LocalAddr(), "to another port") {
					t.Error("another port of a member is relayed to")
				}
				if _, err := w.beside.WriteTo([]byte("from another port"), relay.LocalAddr()); err != nil {
					t.Fatal(err)
				}
				if w.hears(relay, "from another port") {
					t.Error("another port of a member is relayed from")
				}
				if _, err := relay.WriteTo([]byte("to a stranger"), w.stranger.LocalAddr()); err == nil || !strings.Contains(err.Error(), "403") {
					t.Errorf("a permission for a stranger: %v, want 403", err)
				}
				w.server.SetPeers(nil) // the member is gone
				if w.comesBack(relay, w.media.LocalAddr(), "to who was a member") {
					t.Error("a relay keeps what was a member")
				}
				s := w.server.Stats()
				if s.Allocations != 1 || s.UpPackets != 1 || s.DownPackets != 1 || s.Forbidden != 2 || s.Strangers != 1 || s.Unpermitted == 0 {
					t.Errorf("%+v", s)
				}
				end(c, conn, relay)
			})
		})
	}
}

// TestOwnMediaBehindNAT relays to the machine's own media port, which is told by the address of a NAT that does not send back.
func TestOwnMediaBehindNAT(t *testing.T) {
	told, local := netip.MustParseAddrPort("198.51.100.200:20000"), netip.MustParseAddrPort(serverAt+":10000")
	in(t, func(c *Config) {
		c.Own = map[netip.AddrPort]netip.AddrPort{told: local}
		c.Relays = []netip.Addr{told.Addr()}
	}, func(w *world) {
		own := w.packets(w.host, ":10000")
		defer own.Close()
		go echo(own)
		for way := range ways {
			conn := w.dial(w.newHost(), way)
			username, password := w.key.Issue(time.Now(), "ann")
			c := w.clientAs(conn, way, username, password)
			relay := w.allocate(c)
			if at := relay.LocalAddr().(*net.UDPAddr).AddrPort().Addr(); at != told.Addr() {
				t.Errorf("the relay is told at %v", at)
			}
			w.server.SetPeers([]netip.AddrPort{told})
			if !w.comesBack(relay, net.UDPAddrFromAddrPort(told), "to the own media") {
				t.Errorf("by %s nothing comes back from the own media port", way)
			}
			w.server.SetPeers(nil)
			if w.comesBack(relay, net.UDPAddrFromAddrPort(told), "to nobody") {
				t.Errorf("by %s the own media port is a peer without being told so", way)
			}
			end(c, conn, relay)
		}
	})
}

// TestOpenedRanges opens the stranger's range, and reserved ones.
func TestOpenedRanges(t *testing.T) {
	in(t, func(c *Config) {
		c.Opened = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("0.0.0.0/0")}
	}, func(w *world) {
		conn := w.dial(w.newHost(), "UDP")
		username, password := w.key.Issue(time.Now(), "ann")
		c := w.clientAs(conn, "UDP", username, password)
		relay := w.allocate(c)
		if !w.comesBack(relay, w.stranger.LocalAddr(), "to the opened range") {
			t.Error("an opened range is closed")
		}
		for _, ip := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "224.0.0.1", "192.168.0.1"} {
			if _, err := relay.WriteTo([]byte("x"), &net.UDPAddr{IP: net.ParseIP(ip), Port: 80}); err == nil || !strings.Contains(err.Error(), "403") {
				t.Errorf("%s: %v, want 403", ip, err)
			}
		}
		end(c, conn, relay)
	})
}
