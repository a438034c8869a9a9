//go:build lab && linux

package lab_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// relayed is the local candidate of the pair that carries a page's media.
type relayed struct {
	Type     string `json:"candidateType"`
	Protocol string `json:"relayProtocol"`
	URL      string `json:"url"`
	Address  string `json:"address"`
}

const selectedLocal = `(async () => {
	for (let tries = 0; tries < 50; tries++) {
		for (const c of atollLab.connections) {
			if (c.connectionState !== 'connected') continue;
			const stats = await c.getStats();
			for (const s of stats.values()) {
				if (s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded') {
					const { candidateType, relayProtocol = '', url = '', address = '' } = stats.get(s.localCandidateId);
					return { candidateType, relayProtocol, url, address };
				}
			}
		}
		await new Promise((done) => setTimeout(done, 100));
	}
	return { candidateType: 'none' };
})()`

// TestNetworkWithoutUDP is a meeting of three at three nodes, one of whom is in a network that lets no UDP through: over TURN on TCP,
// then, with that port closed too, over TURN on the TLS port. A node without TURN lets its page say why nothing comes through.
func TestNetworkWithoutUDP(t *testing.T) {
	topology := fourRegions()
	for k := range topology.Regions {
		topology.Regions[k].NAT = topology.Regions[k].Name == "eu"
	}
	m := newMesh(t, topology)
	for _, region := range []string{"eu", "us", "ap"} {
		if _, err := m.cluster.Start(region, "--turn", ":3478", "--https", ":8443"); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.cluster.Await(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := m.lab.BlockUDP(lab.Home("eu"), true); err != nil {
		t.Fatal(err)
	}
	blocked := m.behindNAT(1, "eu")
	without := m.withoutTURN(blocked)
	for k, region := range []string{"us", "ap"} {
		m.enter(m.visitor(uint8(k+2), region, lab.Media{}), m.cluster.Member(region), "firewall")
	}

	m.over(blocked, "tcp", "turn:")
	m.leave(blocked)
	if err := m.lab.BlockTCP(lab.Home("eu"), 3478); err != nil {
		t.Fatal(err)
	}
	m.over(blocked, "tls", "turns:")

	const reason = "your network seems to block UDP, and this server offers no relay (TURN)"
	if err := without.Wait(fmt.Sprintf("document.querySelector('[role=status]')?.innerText.includes(%q)", reason), 60*time.Second); err != nil {
		texts, _ := without.Texts("[role=status]")
		t.Errorf("without TURN the page says %q: %v", texts, err)
	}
	var now relayed
	if err := without.Eval(strings.Replace(selectedLocal, "tries < 50", "tries < 1", 1), &now); err != nil || now.Type != "none" {
		t.Errorf("without TURN it has media by %+v, %v", now, err)
	}
}

// behindNAT starts a browser that takes every certificate behind the NAT of a home.
func (m *mesh) behindNAT(number uint8, region string) *visitor {
	m.Helper()
	b, err := m.lab.Browser(m.lab.NATClient(lab.Home(region)), lab.BrowserOptions{
		Media: lab.Media{Participant: number}, Secure: m.origins, Window: lab.Window{Width: 800, Height: 600}, Args: []string{"--ignore-certificate-errors"},
	})
	if err != nil {
		m.Fatal(err)
	}
	v := &visitor{number: number, home: region, browser: b}
	m.people = append(m.people, v)
	return v
}

// over lets a visitor come into the meeting, and checks that everybody sees everybody and that its media goes over a relay.
func (m *mesh) over(v *visitor, protocol, scheme string) {
	m.Helper()
	m.enter(v, m.cluster.Member(v.home), "firewall")
	m.met(m.people...)
	m.judged(6*time.Second, m.people, m.meet(m.people, 15))
	var way relayed
	if err := v.page.Eval(selectedLocal, &way); err != nil {
		m.Fatal(err)
	}
	m.Logf("%v sends its media by %+v", v, way)
	if way.Type != "relay" || way.Protocol != protocol || !strings.HasPrefix(way.URL, scheme) {
		m.Errorf("%v sends its media by %+v, want a relay over %s", v, way, protocol)
	}
	// It is told of the nearest other node and of its own one, whose relay is there sooner.
	if way.Address != m.lab.Node("us").Addr().String() && way.Address != m.lab.Node("eu").Addr().String() {
		m.Errorf("%v has its relay at %s", v, way.Address)
	}
}

// withoutTURN brings a visitor into a room of a node that is alone and has no TURN, in another tab.
func (m *mesh) withoutTURN(v *visitor) *lab.Page {
	m.Helper()
	host := m.lab.Node("sa")
	alone, err := host.Start("atoll", program(m.T), "run", "--http", ":8080", "--media", ":10000", "--admin", "127.0.0.1:9090", "--turn", "off", "--mesh", "off",
		"--advertise", host.Addr().String(), "--data", m.lab.Folder("alone"))
	if err != nil {
		m.Fatal(err)
	}
	if err := alone.Ready(20*time.Second, func(ctx context.Context) error {
		_, err := host.Get(ctx, lab.Origin(host)+"/about/health")
		return err
	}); err != nil {
		m.Fatal(err)
	}
	other, err := m.listen("sa", "alone", "")
	if err != nil {
		m.Fatal(err)
	}
	m.Cleanup(other.leave)
	page, err := v.browser.Open(lab.Origin(host) + `/alone#userInfo.displayName=%22alone%22&config.prejoinConfig.enabled=false`)
	if err != nil {
		m.Fatal(err)
	}
	return page
}
