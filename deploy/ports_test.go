package deploy

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/node/config"
)

// ports are those that others must reach, as "443/tcp", of a configuration.
func ports(cfg config.Config) []string {
	all := map[string]bool{}
	add := func(a config.Addr, after uint16, protocols ...string) {
		for _, p := range protocols {
			if !a.Off {
				all[fmt.Sprintf("%d/%s", a.Port+after, p)] = true
			}
		}
	}
	add(cfg.HTTP, 0, "tcp")
	add(cfg.HTTPS, 0, "tcp")
	add(cfg.Media, 0, "udp")
	add(cfg.Mesh, 0, "tcp", "udp")
	add(cfg.Mesh, 1, "udp")
	add(cfg.TURN, 0, "tcp", "udp")
	add(cfg.XMPP, 0, "tcp")
	add(cfg.DNS, 0, "tcp", "udp")
	return slices.Sorted(maps.Keys(all))
}

// face are the ports that operators have opened, built or not: they must not change.
var face = []string{"10000/udp", "3478/tcp", "3478/udp", "443/tcp", "53/tcp", "53/udp", "7946/tcp", "7946/udp", "7947/udp", "8080/tcp"}

// covers reports listed ports that are not of the face, and used ones that are not listed.
func covers(t *testing.T, where string, listed, used []string) {
	t.Helper()
	for _, p := range listed {
		if !slices.Contains(face, p) {
			t.Errorf("%s: port %s is not of the face", where, p)
		}
	}
	for _, p := range used {
		if !slices.Contains(listed, p) {
			t.Errorf("%s: port %s is not listed", where, p)
		}
	}
}

// TestDefaultPorts: the program's own defaults are ports of the face, and the container exposes them.
func TestDefaultPorts(t *testing.T) {
	cfg := load(t, "defaults", []string{"--domain", "meet.example.org"}, nil)
	text, err := os.ReadFile("container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	exposed := regexp.MustCompile(`(?m)^EXPOSE (.*)$`).FindStringSubmatch(string(text))
	if exposed == nil {
		t.Fatal("nothing is exposed")
	}
	covers(t, "Containerfile", strings.Fields(exposed[1]), ports(cfg))
}

// TestFirewallTable: the README lists every port that others must reach, and no other.
func TestFirewallTable(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| ([A-Z, ]+) \|`).FindAllStringSubmatch(string(text), -1) {
		for _, protocol := range strings.Split(strings.ToLower(row[2]), ", ") {
			all[row[1]+"/"+protocol] = true
		}
	}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, face) {
		t.Errorf("the table lists %q, want %q", got, face)
	}
}
