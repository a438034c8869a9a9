//go:build lab && linux

package lab_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

// pulse is what a page knows of its media connection and of the pictures that it shows, by its own count.
type pulse struct {
	Connections int                `json:"connections"`
	Lost        int                `json:"lost"`     // RTP packets, of all that is received
	Received    int                `json:"received"` // the same
	DTLS        []string           `json:"dtls"`     // states since the page was told to watch
	Room        float64            `json:"room"`     // bit/s that Chromium believes it can send
	Gaps        map[string]float64 `json:"gaps"`     // longest time in ms between two pictures of somebody
	Ended       bool               `json:"ended"`
}

// watch makes a page time every picture of the others, and write down the states of its DTLS transport.
const watch = `(() => {
	atollLab.gaps = {}; atollLab.dtls = [];
	for (const v of document.querySelectorAll('video')) {
		const of = v.closest('[data-endpoint]');
		if (!of || of.hasAttribute('data-local')) continue;
		let last = performance.now();
		const next = () => {
			const now = performance.now();
			atollLab.gaps[of.dataset.endpoint] = Math.max(atollLab.gaps[of.dataset.endpoint] ?? 0, now - last);
			last = now;
			v.requestVideoFrameCallback(next);
		};
		v.requestVideoFrameCallback(() => { last = performance.now(); v.requestVideoFrameCallback(next); });
	}
	for (const c of atollLab.connections) for (const s of c.getSenders()) {
		if (!s.transport) continue;
		atollLab.dtls.push(s.transport.state);
		s.transport.onstatechange = () => atollLab.dtls.push(s.transport.state);
	}
})()`

const feel = `(async () => {
	const p = { connections: atollLab.connections.filter((c) => c.connectionState !== 'closed').length, lost: 0, received: 0, room: 0,
		dtls: [...new Set(atollLab.dtls)], gaps: atollLab.gaps, ended: !!document.querySelector('[data-testid=ending]') };
	for (const c of atollLab.connections) for (const s of (await c.getStats()).values()) {
		if (s.type === 'inbound-rtp') { p.lost += s.packetsLost ?? 0; p.received += s.packetsReceived ?? 0; }
		if (s.type === 'candidate-pair' && s.nominated) p.room = Math.max(p.room, s.availableOutgoingBitrate ?? 0);
	}
	atollLab.gaps = Object.fromEntries(Object.keys(atollLab.gaps).map((k) => [k, 0]));
	return p;
})()`

// TestDrain drains a node with six participants who talk: two in Chromium, one in Firefox, three without a browser. They go on at the
// other node of the cluster: no new handshake, nobody leaves, and the node ends by itself. Lost packets, late pictures and a lower
// estimate are held against the bars in the log; the test refuses what a person would notice.
func TestDrain(t *testing.T) {
	const link = 5 * ms
	m := newMesh(t, lab.Topology{
		Regions: []lab.Region{{Name: "eu"}, {Name: "fr"}}, Links: []lab.Link{{A: "eu", B: "fr", Impairment: wan.Impairment{Delay: link}}},
	})
	for _, region := range []string{"eu", "fr"} {
		if _, err := m.cluster.Start(region, "--node-url", lab.Origin(m.lab.Node(region)), "--origins", strings.Join(m.origins[:2], ",")); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.cluster.Await(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	old, successor := m.cluster.Member("eu"), m.cluster.Member("fr")
	const room = "drained"
	for k, engine := range []string{"chromium", "chromium", "firefox"} {
		b, err := m.lab.Browser(m.lab.Client(lab.Home("eu")), lab.BrowserOptions{
			Engine: engine, Media: lab.Media{Participant: uint8(k + 1)}, Secure: m.origins, Window: lab.Window{Width: 640, Height: 480},
		})
		if err != nil {
			t.Fatal(err)
		}
		v := &visitor{number: uint8(k + 1), home: "eu", browser: b}
		m.people = append(m.people, v)
		m.enter(v, old, room)
	}
	m.met(m.people...)
	var listeners []*listener
	for range 3 {
		l, err := m.listen("eu", room, "")
		if err != nil {
			t.Fatal(err)
		}
		defer l.leave()
		listeners = append(listeners, l)
	}
	time.Sleep(5 * time.Second) // estimates and buffers settle

	feels := func() (all []pulse) {
		t.Helper()
		for _, v := range m.people {
			var p pulse
			if err := v.page.Eval(feel, &p); err != nil {
				t.Fatalf("%v: %v", v, err)
			}
			all = append(all, p)
		}
		return all
	}
	for _, v := range m.people {
		if err := v.page.Eval(watch, nil); err != nil {
			t.Fatal(err)
		}
	}
	const window = 8 * time.Second
	feels()
	time.Sleep(window)
	control := feels()

	at := time.Now()
	followed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() {
			followed <- l.Follow(t.Context(), fmt.Sprintf("ws://%s/xmpp-websocket", strings.TrimPrefix(successor.Origin(), "http://")))
		}()
	}
	var out []byte
	load, err := m.lab.Load(func() {
		var failed error
		out, failed = exec.Command("ip", "netns", "exec", m.lab.Node("eu").Name, program(t), "drain", "--deadline", "30s").CombinedOutput()
		if failed != nil {
			t.Errorf("atoll drain: %v", failed)
		}
		time.Sleep(time.Until(at.Add(window)))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("others take %.2f cores; atoll drain: %s", load.Others, out)
	var took float64
	var moved, anew, without, left int
	if _, err := fmt.Sscanf(string(out), "drained in %f s: %d moved, %d invited anew, %d without media, %d left", &took, &moved, &anew, &without, &left); err != nil {
		t.Fatalf("atoll drain says %q: %v", out, err)
	}
	if moved != 6 || left != 0 {
		t.Errorf("%d moved, %d were invited anew, %d moved without media, %d were left; want 6 moved", moved, anew, without, left)
	}
	if moving := took - 3; moving > 5 {
		t.Errorf("moving everybody took %.1f s, want 5 s at most", moving)
	}
	select {
	case <-old.Process.Exited():
		if err := old.Process.Err(); err != nil {
			t.Errorf("the drained node ended with %v", err)
		}
	case <-time.After(15 * time.Second):
		t.Error("the drained node has not ended")
	}
	for range listeners {
		if err := <-followed; err != nil {
			t.Error(err)
		}
	}

	frame := 1000 / 30.
	const few = 25 // packets of more than a thousand: links shed what waits for 40 ms, and it is not known that this is all
	// Three browsers that take a new transport at the same moment want more than two cores: their pictures stand still for 0.1 to
	// 0.6 s, and one to five packets were lost in two of six runs. Participants without a browser miss no more than one packet's time (node's TestDrain).
	const still = 1000. // ms
	for k, p := range feels() {
		v, before := m.people[k], control[k]
		t.Logf("%v: %+v, in the window before %+v", v, p, before)
		if p.Connections != 1 || p.Ended || len(p.DTLS) != 1 || p.DTLS[0] != "connected" {
			t.Errorf("%v: %d connections, DTLS was %v, ended %v; want the one that it had, connected all the time", v, p.Connections, p.DTLS, p.Ended)
		}
		if lost := p.Lost - before.Lost; lost != 0 {
			t.Logf("%v lost %d packets of %d: the bar is none", v, lost, p.Received-before.Received)
			if lost > few {
				t.Errorf("%v lost %d packets of %d", v, lost, p.Received-before.Received)
			}
		}
		for of, gap := range p.Gaps {
			over := gap - before.Gaps[of]
			if over > 2*frame {
				t.Logf("%v was without a new picture of %s for %.0f ms, in the window before for %.0f ms: the bar is 2 frames more", v, of, gap, before.Gaps[of])
			}
			if over > still || gap == 0 {
				t.Errorf("%v was without a new picture of %s for %.0f ms, in the window before for %.0f ms", v, of, gap, before.Gaps[of])
			}
		}
		if p.Room < 0.9*before.Room {
			t.Logf("%v believes that it can send %.0f kbit/s, before %.0f: the bar is 0.9 of that", v, p.Room/1000, before.Room/1000)
		}
		if p.Room < 0.5*before.Room {
			t.Errorf("%v believes that it can send %.0f kbit/s, before %.0f", v, p.Room/1000, before.Room/1000)
		}
	}
	m.chat("still here", m.people...)
	listeners[0].says(t, "and here", listeners...)
	var open int
	for _, v := range m.people {
		if err := v.page.Eval("atollLab.sockets.filter((s) => s.url.includes('/colibri-ws') && s.readyState === 1).length", &open); err != nil || open != 1 {
			t.Errorf("%v has %d bridge channels open, %v", v, open, err)
		}
	}
	m.judged(5*time.Second, m.people, m.meet(m.people, 10))
	m.nobodyCameOrWent(at, m.people...)
	for _, l := range listeners {
		if gone := l.departures(at); len(gone) != 0 {
			t.Errorf("a listener saw %+v leave", gone)
		}
	}
}
