//go:build lab && linux

package lab_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tool runs a program of Debian's in a folder and returns what it printed.
func tool(t *testing.T, folder, input string, argv ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	c.Dir, c.Stdin = folder, strings.NewReader(input)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%q: %v: %s", argv, err, out)
	}
	return string(out)
}

// TestPrometheusTakesTheRules: the alerts are well formed and fire when they shall, and the example configuration is one.
func TestPrometheusTakesTheRules(t *testing.T) {
	const folder = "../../deploy/prometheus"
	tool(t, folder, "", "promtool", "check", "rules", "--lint-fatal", "alerts.yaml")
	tool(t, folder, "", "promtool", "check", "config", "prometheus.yaml")
	tool(t, folder, "", "promtool", "test", "rules", "alerts_test.yaml")
}

// TestSystemdTakesTheUnit: systemd finds nothing wrong with the unit, with the program where it says, and little that a break-in
// could use.
func TestSystemdTakesTheUnit(t *testing.T) {
	text, err := os.ReadFile("../../deploy/systemd/atoll.service")
	if err != nil {
		t.Fatal(err)
	}
	binary, err := filepath.Abs(program(t))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	unit := strings.ReplaceAll(string(text), "/usr/local/bin/atoll", binary)
	if err := os.WriteFile(filepath.Join(folder, "atoll.service"), []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := tool(t, folder, "", "systemd-analyze", "verify", "./atoll.service"); strings.Contains(out, "atoll.service") {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	out := tool(t, folder, "", "systemd-analyze", "security", "--offline=true", "./atoll.service")
	level := regexp.MustCompile(`Overall exposure level for atoll.service: ([0-9.]+)`).FindStringSubmatch(out)
	if level == nil {
		t.Fatalf("no exposure level: %s", out)
	}
	if exposure, err := strconv.ParseFloat(level[1], 64); err != nil || exposure > 1.8 {
		t.Errorf("exposure %v, %v; the README says 1.8", exposure, err)
	}
}

// TestFirewallOfTheReadme: the rules that an operator copies are rules.
func TestFirewallOfTheReadme(t *testing.T) {
	text, err := os.ReadFile("../../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "```\ntable inet atoll {")
	if !found {
		t.Fatal("no table in the README")
	}
	rules, _, _ := strings.Cut(after, "```")
	tool(t, ".", "table inet atoll {"+rules, "nft", "--check", "--file", "-")
}
