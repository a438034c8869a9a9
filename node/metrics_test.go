package node

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// shown is what a scrape shows: the sum of the series of a metric that have all the labels, and how many there are.
type shown map[string]*dto.MetricFamily

func scrape(t *testing.T, n *Node) shown {
	t.Helper()
	families, err := n.metrics(nil).Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("problems with metrics: %v, %v", problems, err)
	}
	all := shown{}
	for _, f := range families {
		all[f.GetName()] = f
	}
	return all
}

func (s shown) sum(name string, labels ...string) (sum float64, series int) {
	for _, m := range s[name].GetMetric() {
		has := map[string]string{}
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && has[labels[i]] == labels[i+1]
		}
		if fits {
			sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			series++
		}
	}
	return sum, series
}

// TestMetricsOfACluster: two nodes with a participant each show each other, the link between them and what goes over it.
func TestMetricsOfACluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(identity.NewSecret().Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	eu, euURL := startNode(t, "--secret-file", secret, "--region", "eu", "--https", "127.0.0.1:0")
	us, usURL := startNode(t, "--secret-file", secret, "--region", "us", "--join", eu.mesh.Addr().String())
	a, b := join(ctx, t, euURL, "a", 1000), join(ctx, t, usURL, "b", 2000)
	a.talk(ctx, t)
	b.talk(ctx, t)
	eventually(ctx, t, "media over the link", a.received(2, 30))
	eventually(ctx, t, "media over the link", b.received(2, 30))

	got := scrape(t, eu)
	peer := []string{"peer", string(us.name), "region", "us"}
	for _, c := range []struct {
		name        string
		labels      []string
		least, most float64
	}{
		{"atoll_node_info", []string{"node", string(eu.name), "region", "eu", "version", Version}, 1, 1},
		{"atoll_cluster_members", []string{"state", "alive"}, 2, 2},
		{"atoll_cluster_members", []string{"state", "dead"}, 0, 0},
		{"atoll_cluster_members_draining", nil, 0, 0},
		{"atoll_draining", nil, 0, 0},
		{"atoll_rooms", nil, 1, 1},
		{"atoll_participants", nil, 1, 1},
		{"atoll_sockets", nil, 1, 1},
		{"atoll_sources_pulled", nil, 2, 2},
		{"atoll_sources_served", nil, 2, 2},
		{"atoll_link_up", peer, 1, 1},
		{"atoll_link_connected", peer, 1, 1},
		{"atoll_link_round_trip_seconds", peer, 1e-9, 5},
		{"atoll_link_loss_ratio", peer, 0, 1},
		{"atoll_link_sent_packets_total", append([]string{"class", "audio"}, peer...), 1, 1e6},
		{"atoll_link_sent_bytes_total", peer, 1000, 1e9},
		{"atoll_link_received_packets_total", peer, 60, 1e6},
		{"atoll_link_received_bytes_total", peer, 1000, 1e9},
		{"atoll_link_sent_frames_total", peer, 1, 1e6},
		{"atoll_link_received_frames_total", peer, 1, 1e6},
		{"atoll_link_rejected_frames_total", peer, 0, 0},
		{"atoll_mesh_handshakes_total", nil, 0, 1000},
		{"atoll_certificate_expiry_timestamp_seconds", nil, float64(time.Now().Unix()), 1e11},
	} {
		sum, series := got.sum(c.name, c.labels...)
		if series == 0 || sum < c.least || sum > c.most {
			t.Errorf("%s%q is %v in %d series, want %v to %v", c.name, c.labels, sum, series, c.least, c.most)
		}
	}
	for _, g := range []*guest{a, b} {
		g.stop()
		g.done.Wait()
		g.Leave()
	}
}

// TestMetricsOfOneAlone: a node without a mesh shows no links, and what it answers by DNS.
func TestMetricsOfOneAlone(t *testing.T) {
	n, _ := startNode(t, "--mesh", "off", "--domain", "meet.example.org", "--https", "off", "--dns", "127.0.0.1:0")
	got := scrape(t, n)
	if _, series := got.sum("atoll_link_up"); series != 0 || got["atoll_rooms"] == nil || got["atoll_certificate_expiry_timestamp_seconds"] != nil {
		t.Errorf("%d links; rooms %v; certificate %v", series, got["atoll_rooms"], got["atoll_certificate_expiry_timestamp_seconds"])
	}
	for name, code := range map[string]string{"meet.example.org.": "noerror", "nobody.meet.example.org.": "nxdomain", "example.net.": "refused"} {
		before, _ := got.sum("atoll_dns_answers_total", "code", code)
		question := new(dns.Msg).SetQuestion(name, dns.TypeSOA)
		if _, _, err := new(dns.Client).ExchangeContext(t.Context(), question, n.dns.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if after, series := scrape(t, n).sum("atoll_dns_answers_total", "code", code); series != 1 || after != before+1 {
			t.Errorf("%s was asked once, %s went from %v to %v", name, code, before, after)
		}
	}
}
