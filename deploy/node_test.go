// Package deploy checks what stands in this folder against the program: every flag, variable, command, port and metric
// that a unit, a manifest, a dashboard, an alert or a README names is one that the program has. It holds tests only.
package deploy

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/node"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/tools/freeport"
)

// metric is what a node shows under one name.
type metric struct {
	kind   string
	labels map[string]bool
}

// start runs a node on loopback until the test ends and returns the address of its admin API.
func start(t *testing.T, flags ...string) (admin string) {
	t.Helper()
	admin = freeport.Get(t)
	cfg, err := config.Load(append([]string{
		"--http", "127.0.0.1:0", "--media", "127.0.0.1:0", "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--admin", admin, "--data", t.TempDir(),
	}, flags...), nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return admin
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return body
}

// pair runs two nodes of one cluster and returns the admin API of the one with everything on.
func pair(t *testing.T) (admin string) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(identity.NewSecret().Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	admin = start(t, "--secret-file", secret, "--domain", "meet.example.org", "--https", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--region", "eu")
	var cluster struct {
		Members []struct{ Address string }
	}
	if err := json.Unmarshal(get(t, "http://"+admin+"/api/v1/cluster"), &cluster); err != nil || len(cluster.Members) != 1 {
		t.Fatalf("%+v, %v", cluster, err)
	}
	start(t, "--secret-file", secret, "--region", "us", "--join", cluster.Members[0].Address)
	for end := time.Now().Add(20 * time.Second); !strings.Contains(string(get(t, "http://"+admin+"/metrics")), "\natoll_link_up{"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the nodes do not find each other")
		}
	}
	return admin
}

var (
	typeLine   = regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`)
	sampleLine = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`)
	labelName  = regexp.MustCompile(`([a-z_]+)="(?:[^"\\]|\\.)*"`)
)

// shown are the metrics of a running node.
func shown(t *testing.T) map[string]metric {
	t.Helper()
	text := string(get(t, "http://"+pair(t)+"/metrics"))
	all := map[string]metric{"up": {"gauge", map[string]bool{}}} // of Prometheus itself
	for _, m := range typeLine.FindAllStringSubmatch(text, -1) {
		all[m[1]] = metric{m[2], map[string]bool{}}
	}
	for _, m := range sampleLine.FindAllStringSubmatch(text, -1) {
		if known, ok := all[m[1]]; ok {
			for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
				known.labels[l[1]] = true
			}
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d metrics", len(all))
	}
	for _, m := range all { // Prometheus adds these
		m.labels["job"], m.labels["instance"] = true, true
	}
	return all
}

// decodeYAML reads a file with one document; a field that the value has not is an error.
func decodeYAML(t *testing.T, path string, value any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(text, value, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
