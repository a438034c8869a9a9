package turn

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/atoll-mesh/atoll/turn/credential"
)

// TestWhoGetsIn: a credential of another node does; expired, forged and malformed ones do not, and are counted.
func TestWhoGetsIn(t *testing.T) {
	other := credential.NewKey([]byte("secret of the cluster")) // derived at another node
	stranger := credential.NewKey([]byte("another secret"))
	issue := func(k credential.Key, age time.Duration, user string) (string, string) {
		return k.Issue(time.Now().Add(-age), user)
	}
	for name, c := range map[string]struct {
		credential func() (string, string)
		code       int
		counted    func(Stats) uint64
	}{
		"another node's":    {func() (string, string) { return issue(other, 0, "ann") }, 0, func(s Stats) uint64 { return s.Created }},
		"a day old":         {func() (string, string) { return issue(other, credential.Lifetime-time.Minute, "ann") }, 0, func(s Stats) uint64 { return s.Created }},
		"expired":           {func() (string, string) { return issue(other, credential.Lifetime+time.Second, "ann") }, 400, func(s Stats) uint64 { return s.Expired }},
		"another cluster's": {func() (string, string) { return issue(stranger, 0, "ann") }, 400, func(s Stats) uint64 { return s.Forged }},
		"another user's": {func() (string, string) {
			_, password := issue(other, 0, "ben")
			username, _ := issue(other, 0, "ann")
			return username, password
		}, 400, func(s Stats) uint64 { return s.Forged }},
		"of the far future": {func() (string, string) { return issue(other, -time.Hour, "ann") }, 400, func(s Stats) uint64 { return s.Malformed }},
		"without an expiry": {func() (string, string) { return "ann", "secret" }, 400, func(s Stats) uint64 { return s.Malformed }},
	} {
		for way := range ways {
			t.Run(name+" by "+way, func(t *testing.T) {
				in(t, nil, func(w *world) {
					username, password := c.credential()
					r := w.raw(w.newHost(), way, username, password)
					defer r.conn.Close()
					if got := code(r.ask(r.request(stun.MethodAllocate, true))); got != c.code {
						t.Errorf("answered %d, want %d", got, c.code)
					}
					s := w.server.Stats()
					if n := c.counted(s); n != 1 || s.Created+s.Expired+s.Forged+s.Malformed+s.Replayed != 1 {
						t.Errorf("counted %d: %+v", n, s)
					}
				})
			})
		}
	}
}

// TestReplayedRequest sends somebody's request from another socket.
func TestReplayedRequest(t *testing.T) {
	for way := range ways {
		t.Run(way, func(t *testing.T) {
			in(t, nil, func(w *world) {
				username, password := w.key.Issue(time.Now(), "ann")
				ann := w.raw(w.newHost(), way, username, password)
				defer ann.conn.Close()
				request := ann.request(stun.MethodAllocate, true)
				if got := code(ann.ask(request)); got != 0 {
					t.Fatalf("answered %d", got)
				}
				if got := code(ann.ask(request)); got != 0 {
					t.Errorf("sent again by herself: %d", got)
				}
				for _, at := range []time.Duration{0, 30 * time.Minute, 29 * time.Minute} {
					time.Sleep(at)
					eve := w.raw(w.newHost(), way, "", "")
					if got := code(eve.ask(request)); got != 486 {
						t.Errorf("replayed after %v: %d, want 486", at, got)
					}
					_ = eve.conn.Close()
				}
				time.Sleep(3 * time.Minute)
				eve := w.raw(w.newHost(), way, "", "")
				if got := code(eve.ask(request)); got != 438 {
					t.Errorf("replayed after an hour: %d, want 438, its nonce is stale", got)
				}
				_ = eve.conn.Close()
				if s := w.server.Stats(); s.Replayed != 3 || s.Created != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestAnothersAllocation: a credential does not open an allocation of somebody else, even from the same socket.
func TestAnothersAllocation(t *testing.T) {
	in(t, nil, func(w *world) {
		username, password := w.key.Issue(time.Now(), "ann")
		r := w.raw(w.newHost(), "UDP", username, password)
		defer r.conn.Close()
		if got := code(r.ask(r.request(stun.MethodAllocate, true))); got != 0 {
			t.Fatalf("answered %d", got)
		}
		r.username, r.password = w.key.Issue(time.Now(), "eve")
		if got := code(r.ask(r.request(stun.MethodRefresh, true, lifetime(0)))); got != -1 {
			t.Errorf("answered %d, want nothing", got)
		}
		if s := w.server.Stats(); s.Allocations != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestNoRelaysOverTCP asks for what is not offered.
func TestNoRelaysOverTCP(t *testing.T) {
	in(t, nil, func(w *world) {
		conn := w.dial(w.newHost(), "TCP")
		username, password := w.key.Issue(time.Now(), "ann")
		c := w.clientAs(conn, "TCP", username, password)
		if _, err := c.AllocateTCP(); err == nil {
			t.Error("a relay over TCP")
		}
		end(c, conn, nil)
	})
}

// TestOwnersComeBack: pion's name of an owner is ours, whatever the user is called.
func TestOwnersComeBack(t *testing.T) {
	for _, user := range []string{"ann", "", "a|b", "|", "1800000000", "a|192.0.2.1:5"} {
		for _, text := range []string{"192.0.2.1:5000", "[2001:db8::1]:5000", "[fe80::1%eth0]:5000"} {
			from := netip.MustParseAddrPort(text)
			if gotUser, gotFrom, ok := ownerOf(owner(user, from)); gotUser != user || gotFrom != from || !ok {
				t.Errorf("%q at %v: %q at %v, %v", user, from, gotUser, gotFrom, ok)
			}
		}
	}
	for _, text := range []string{"", "ann", "ann|", "ann|nowhere"} {
		if _, _, ok := ownerOf(text); ok {
			t.Errorf("%q has an owner", text)
		}
	}
}
