//go:build lab && linux

package lab_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// detour lets a page's sockets be cut, and opened at another node than the page wants, as DNS would have it.
const detour = `(() => {
	const Original = window.WebSocket;
	atollLab.streams = () => atollLab.sockets.filter((s) => s.url.includes('/xmpp-websocket'));
	atollLab.detour = '';
	window.WebSocket = class extends Original {
		constructor(url, protocols) {
			const to = new URL(url);
			if (to.pathname === '/xmpp-websocket' && atollLab.detour !== '') to.host = atollLab.detour;
			super(to.href, protocols);
		}
	};
})()`

// reading returns how many of the chat's messages contain a text.
func reading(text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('[data-testid=chat-body]')].filter((b) => b.innerText.includes(%q)).length`, text)
}

// join lets a visitor come in by the form, so that its page can be prepared before.
func (m *mesh) joinBy(v *visitor, node *lab.Member, room, prepare string) {
	m.Helper()
	var err error
	v.page, err = v.browser.Open(fmt.Sprintf(`%s/%s#userInfo.displayName=%%22%s%%22`, node.Origin(), room, name(v.number)))
	if err != nil {
		m.Fatal(err)
	}
	const button, own = "[data-testid=join]", "document.querySelector('[data-phase=joined] [data-endpoint][data-local]')"
	for _, step := range []func() error{
		func() error { return v.page.Wait(fmt.Sprintf("document.querySelector(%q)", button), 20*time.Second) },
		func() error { return v.page.Eval(prepare, nil) },
		func() error { return v.page.Click(button) },
		func() error { return v.page.Wait(own, 20*time.Second) },
		func() error { return v.page.Eval(own+".dataset.endpoint", &v.endpoint) },
		func() error { return v.page.Eval(followRoster, nil) },
	} {
		if err := step(); err != nil {
			m.Fatal(err)
		}
	}
}

// say lets a visitor say something in the chat.
func (m *mesh) say(v *visitor, text string) {
	m.Helper()
	input := m.openChat(v)
	if err := v.page.Fill(input, text); err != nil {
		m.Fatal(err)
	}
	if err := v.page.Press(input, "Enter"); err != nil {
		m.Fatal(err)
	}
}

// TestResumeAnywhere cuts a page's socket and has it resumed at another node, first with the node alive that it was at, then, at the third,
// after that was killed. Its place in the room, what was said meanwhile and its media are kept, and nobody sees it leave.
func TestResumeAnywhere(t *testing.T) {
	m := newMesh(t, lab.Mesh())
	regions := []string{"eu", "us", "ap"}
	for _, region := range regions {
		// Nobody is sent to another node: the map says that all are at one place, and each visitor comes to the nearest.
		flags := []string{"--node-url", lab.Origin(m.lab.Node(region)), "--origins", strings.Join(m.origins, ",")}
		if _, err := m.cluster.Start(region, flags...); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.cluster.Await(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	a, b := m.visitor(1, "eu", lab.Media{}), m.visitor(2, "ap", lab.Media{})
	m.joinBy(a, m.cluster.Member("eu"), "resumed", detour)
	m.enter(b, m.cluster.Member("ap"), "resumed")
	m.met(a, b)
	m.chat("before", a, b)
	time.Sleep(3 * time.Second)
	began := time.Now()
	host := func(region string) string {
		u, err := url.Parse(m.cluster.Member(region).Origin())
		if err != nil {
			t.Fatal(err)
		}
		return u.Host
	}
	resumed := func(what string, n int) time.Time {
		m.Helper()
		m.openChat(a)
		if err := a.page.Wait(fmt.Sprintf("atollLab.streams().length >= %d && atollLab.streams().at(-1).readyState === 1 && %s === 1", n, reading(what)), 15*time.Second); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return time.Now()
	}

	// The holder lives.
	_, control := m.around(m.people, func() {})
	_, during := m.around(m.people, func() {
		if err := a.page.Eval(fmt.Sprintf("(atollLab.detour = %q, atollLab.streams().at(-1).close())", host("us")), nil); err != nil {
			t.Error(err)
		}
		m.say(b, "unread one")
		resumed("unread one", 2)
	})
	for _, wrong := range m.frozen(m.people, control, during, time.Second) {
		t.Error("resumed at a second node: ", wrong)
	}
	status, err := m.cluster.Member("us").Room(t.Context(), "resumed")
	if err != nil {
		t.Fatal(err)
	}
	m.at(status, a, "us")
	m.chat("at the second", a, b)
	m.judged(4*time.Second, m.people, m.meet(m.people, 10))
	m.nobodyCameOrWent(began, a, b)

	// The holder dies: what it was is on record.
	time.Sleep(2 * time.Second)
	killed := time.Now()
	if err := a.page.Eval(fmt.Sprintf("(atollLab.detour = %q, 0)", host("eu")), nil); err != nil {
		t.Fatal(err)
	}
	m.cluster.Member("us").Kill()
	m.say(b, "unread two")
	back := resumed("unread two", 3)
	t.Logf("resumed and read %.1f s after the kill", back.Sub(killed).Seconds())
	time.Sleep(time.Until(back.Add(5 * time.Second)))
	m.judged(4*time.Second, m.people, m.meet(m.people, 10))
	if status, err = m.cluster.Member("eu").Room(t.Context(), "resumed"); err != nil {
		t.Fatal(err)
	}
	m.at(status, a, "eu")
	m.chat("at the third", a, b)
	time.Sleep(time.Until(killed.Add(grace + detection)))
	m.nobodyCameOrWent(began, a, b)
	m.openChat(a)
	for _, text := range []string{"unread one", "unread two"} {
		var n int
		if err := a.page.Eval(reading(text), &n); err != nil || n != 1 {
			t.Errorf("%q is read %d times, %v", text, n, err)
		}
	}
}

// at checks at which node a room says that a visitor is, and as whom.
func (m *mesh) at(status lab.RoomStatus, v *visitor, region string) {
	m.Helper()
	for _, p := range status.Participants {
		if p.ID == v.endpoint {
			if at := m.cluster.Region(p.Node); at != region {
				m.Errorf("%v is at %s, want %s", v, at, region)
			}
			return
		}
	}
	m.Errorf("%v is not in the room", v)
}
