package hostile

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/freeport"
)

// TestStopDoesNotWaitForTheDeaf: clients that neither read nor answer do not keep the node from stopping.
func TestStopDoesNotWaitForTheDeaf(t *testing.T) {
	t.Parallel()
	n := &served{t: t, http: freeport.Get(t), https: "off", admin: freeport.Get(t), media: freeport.Get(t)}
	stop := run(t, "--http", n.http, "--admin", n.admin, "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--media", n.media, "--data", t.TempDir())
	a, b := n.in("deaf"), n.in("deaf")
	o := a.offered()
	if got := a.jingle("deaf", o.sid, "session-accept", accepting("", "")); got != "" {
		t.Fatal(got)
	}
	n.upgraded(t, strings.TrimPrefix(o.channel, "ws://"+n.http), "")
	a.pause()
	b.pause()
	for _, c := range []*client{a, b} {
		c.say("deaf", "wake up, to fall asleep") // the reader goes after the next message
	}
	n.upgraded(t, "/xmpp-websocket", "xmpp")
	c := dial(t, n.http)
	if _, err := io.WriteString(c, "POST /conference-request/v1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "request under way", func() bool {
		return strings.Contains(n.get("/debug/pprof/goroutine?debug=1"), "web.readAll")
	})
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > patience {
		t.Errorf("it took %v", took)
	}
}
