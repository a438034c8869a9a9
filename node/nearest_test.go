package node

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/web"
)

// TestPlaceFromTheAddress: what is not configured is taken from where the public address is.
func TestPlaceFromTheAddress(t *testing.T) {
	for name, c := range map[string]struct {
		flags  []string
		region string
		lat    float64
		known  bool
	}{
		"nothing given":      {[]string{"--advertise", "141.20.1.1"}, "de", 52.5, true},
		"IPv6":               {[]string{"--advertise", "2001:268::1"}, "jp", 35.65, true},
		"the first that is":  {[]string{"--advertise", "10.0.0.1,141.20.1.1"}, "de", 52.5, true},
		"region given":       {[]string{"--advertise", "141.20.1.1", "--region", "eu"}, "eu", 52.5, true},
		"both given":         {[]string{"--advertise", "141.20.1.1", "--region", "eu", "--location", "1,2"}, "eu", 1, true},
		"no public address":  {[]string{"--advertise", "10.0.0.1"}, "", 0, false},
		"of nobody's region": {nil, "", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			n, _ := startNode(t, c.flags...)
			self := n.nodes()[0]
			if self.Region != c.region || self.Located != c.known || self.Location.Lat < c.lat-0.1 || self.Location.Lat > c.lat+0.1 {
				t.Errorf("%+v, want %q and %v", self, c.region, c.lat)
			}
		})
	}
}

// TestNearestOfTwo asks two nodes of one cluster, and reports to one.
func TestNearestOfTwo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(identity.NewSecret().Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	eu, socket := startNode(t, "--secret-file", secret, "--region", "eu", "--location", "50,9", "--node-url", "http://eu.example:1")
	us, _ := startNode(t, "--secret-file", secret, "--region", "us", "--location", "39,-77", "--node-url", "http://us.example:2", "--join", eu.mesh.Addr().String())
	api := strings.NewReplacer("ws://", "http://", "/xmpp-websocket", "/api/v1/nearest").Replace(socket)
	ask := func(client string) web.Nearest {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, api, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", client)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		var got web.Nearest
		if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	const berlin, boston = "141.20.1.1", "18.9.22.69"
	eventually(ctx, t, "both to be there", func() bool { // who asks too often is not answered
		alive, _ := eu.mesh.Alive()
		return len(alive) == 2
	})
	eventually(ctx, t, "both are candidates", func() bool { return len(ask(berlin).Candidates) == 2 })
	first := func(client string) web.Candidate { return ask(client).Candidates[0] }
	if got := first(berlin); got != (web.Candidate{Node: string(eu.name), Region: "eu", URL: "http://eu.example:1"}) {
		t.Errorf("the first for Berlin is %+v", got)
	}
	if got := first(boston); got != (web.Candidate{Node: string(us.name), Region: "us", URL: "http://us.example:2"}) {
		t.Errorf("the first for Boston is %+v", got)
	}

	// The page at the other node has measured that Boston is near the node in Europe.
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, api, strings.NewReader(`{"trips":[{"node":"`+string(eu.name)+`","rtt_ms":5}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "http://us.example:2")
	r.Header.Set("X-Forwarded-For", boston)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Errorf("the report is answered with %s", answer.Status)
	}
	if got := first(boston); got.Node != string(eu.name) {
		t.Errorf("the first for Boston, measured, is %+v", got)
	}
}

// TestGeoIPThatIsNone stops the start with a line that says what is wrong.
func TestGeoIPThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.mmdb")
	if err := os.WriteFile(path, []byte("no table"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load([]string{
		"--geoip", path, "--data", t.TempDir(), "--http", "127.0.0.1:0", "--media", "127.0.0.1:0", "--mesh", "off", "--admin", "off", "--turn", "off",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := Start(cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("it started", n)
	}
	if want := "--geoip: read " + path + ": no mmdb file"; !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
