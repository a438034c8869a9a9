package stream

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

func TestLoginDeadline(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Duration
		play func(c *client)
	}{
		{"silent", 10 * time.Second, func(*client) {}},
		{"opened", 10 * time.Second, func(c *client) { c.send(openXML); c.expect("<open ", "features") }},
		{"authenticated", 19 * time.Second, func(c *client) { time.Sleep(9 * time.Second); c.login() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, n *network) {
				start := time.Now()
				k := n.dial("")
				c.play(k)
				if c.name == "silent" {
					time.Sleep(8 * time.Second)
					k.expect("<open ")
				} else {
					time.Sleep(8 * time.Second)
				}
				k.expect(`<connection-timeout `, `<close `)
				k.expectEnd()
				if got := time.Since(start); got < c.at || got > c.at+time.Second {
					t.Errorf("ended after %v, want %v", got, c.at)
				}
			})
		})
	}
}

func TestBoundStreamHasNoDeadline(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		go func() { _, _, _ = c.ws.Read(t.Context()) }() // answers pings
		time.Sleep(time.Hour)
		c.send(message("1"))
		n.recorder.expect(t, "bound", "message 1")
		c.cut()
	})
}

func TestSilentSocketIsGivenUp(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		go func() { _, _ = io.Copy(io.Discard, c.net) }() // no ping is answered
		time.Sleep(49 * time.Second)
		n.recorder.expect(t, "bound")
		time.Sleep(2 * time.Second)
		n.recorder.expect(t, "bound", "suspended")
		c.cut()
	})
}

func TestRate(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind() // five of the burst
		start := time.Now()
		for i := range 195 + 40 {
			c.send(message(fmt.Sprint(i)))
		}
		synctest.Wait()
		if got := time.Since(start); got < 1900*time.Millisecond || got > 2100*time.Millisecond {
			t.Errorf("40 stanzas over the burst took %v, want 2 s", got)
		}
		if n.server.Stats().Throttled == 0 {
			t.Error("not counted")
		}
		c.cut()
	})
}

func TestByteRate(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		start := time.Now()
		big := `<message xmlns="jabber:client"><body>` + strings.Repeat("x", 64<<10) + `</body></message>`
		for range 8 + 5 { // the last is in debt for those before it
			c.send(big)
		}
		if got := time.Since(start); got < 4*time.Second || got > 5*time.Second {
			t.Errorf("took %v, want 4 to 5 s", got)
		}
		c.cut()
	})
}

func TestSlowClientLosesItsSession(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"items": func(c *Config) { c.Limits.QueueStanzas = 20 },
		"bytes": func(c *Config) { c.Limits.QueueBytes = 2000 },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, change, func(t *testing.T, n *network) {
				c := n.dial("").bind()
				s := n.recorder.last()
				for i := range 100 {
					s.Send(toClient(fmt.Sprint("message number ", i)))
				}
				time.Sleep(3 * time.Second)
				n.recorder.expect(t, "bound", "closed: queue overflow")
				if n.server.Stats().Overflowed != 1 {
					t.Error("not counted")
				}
				c.cut()
			})
		})
	}
}

func TestClientThatReadsIsToldOfTheOverflow(t *testing.T) {
	bubble(t, func(c *Config) { c.Limits.QueueStanzas = 20 }, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		s := n.recorder.last()
		for range 21 { // it takes all and acknowledges nothing
			s.Send(toClient("x"))
			synctest.Wait()
		}
		for strings.Contains(c.receive(), "<message ") {
		}
		for {
			if m := c.receive(); strings.Contains(m, "<stream:error ") {
				if !strings.Contains(m, "<resource-constraint ") {
					t.Errorf("got %s", m)
				}
				break
			}
		}
		c.expect("<close ")
		c.expectEnd()
		n.recorder.expect(t, "bound", "closed: queue overflow")
	})
}

func TestSuspendedSessionIsBounded(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		s := n.recorder.last()
		c.cut()
		synctest.Wait()
		for i := range (Limits{}).orDefault().QueueStanzas {
			s.Send(toClient(fmt.Sprint(i)))
		}
		n.recorder.expect(t, "bound", "suspended")
		s.Send(toClient("one too many"))
		n.recorder.expect(t, "bound", "suspended", "closed: queue overflow")
	})
}

func TestStalledWrite(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		c := n.dial("").bind()
		c.enable()
		n.recorder.last().Send(toClient("x"))
		time.Sleep(11 * time.Second)
		n.recorder.expect(t, "bound", "suspended")
		c.cut()
	})
}

func TestSessionsAreCounted(t *testing.T) {
	bubble(t, func(c *Config) { c.Limits.Sessions = 2 }, func(t *testing.T, n *network) {
		var suspended []*client
		for range 2 {
			c := n.dial("").bind()
			c.enable()
			suspended = append(suspended, c)
		}
		for _, c := range suspended {
			c.cut()
		}
		synctest.Wait()
		c := n.dial("").login()
		c.send(bindXML)
		c.expect(`<resource-constraint `, `<close `)
		c.expectEnd()
	})
}

func TestConnectRate(t *testing.T) {
	a := addresses{rate: 1, burst: 3}
	now := time.Now()
	ask := func(ip string) bool { return a.allow(now, netip.MustParseAddr(ip)) }
	count := func(ip string) (n int) {
		for range 10 {
			if ask(ip) {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		ip   string
		want int
	}{
		{"192.0.2.1", 3},
		{"::ffff:192.0.2.1", 0},
		{"192.0.2.2", 3},
		{"2001:db8::1", 3},
		{"2001:db8::2", 0},
		{"2001:db8:0:1::2", 3},
		{"127.0.0.1", 10},
		{"::1", 10},
	} {
		if got := count(c.ip); got != c.want {
			t.Errorf("%s: %d of 10, want %d", c.ip, got, c.want)
		}
	}
	now = now.Add(2 * time.Second)
	if got := count("192.0.2.1"); got != 2 {
		t.Errorf("after two seconds: %d, want 2", got)
	}
	now = now.Add(time.Hour)
	ask("192.0.2.1")
	if len(a.buckets) != 1 {
		t.Errorf("%d addresses remembered, want 1", len(a.buckets))
	}
	for i := range maxAddresses + 10 {
		a.allow(now, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(a.buckets) > maxAddresses {
		t.Errorf("%d addresses remembered", len(a.buckets))
	}
}

func TestHandlerThatAnswersKeepsOrder(t *testing.T) {
	bubble(t, nil, func(t *testing.T, n *network) {
		n.recorder.onStanza = func(s *Session, el *stanza.Element) { s.Send(toClient(el.Attr("id"))) }
		c := n.dial("").bind()
		go func() {
			for i := range 100 {
				c.send(message(fmt.Sprint(i)))
			}
		}()
		for i := range 100 {
			c.expect(fmt.Sprintf(`id="%d"`, i))
		}
		c.cut()
	})
}
