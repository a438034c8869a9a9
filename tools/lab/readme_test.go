//go:build lab && linux

package lab_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// step is one shell block of the README and the machine that it is for.
type step struct{ where, text string }

const (
	here       = "here" // where the repository is
	everywhere = "each" // on all machines
	section    = "Three regions in five minutes"
)

var placed = regexp.MustCompile(`^On (eu|us|ap|each)\b`)

// steps takes a section apart. Every shell block in it has a machine, by the first words of the paragraph before it.
func steps(t *testing.T, readme string) []step {
	t.Helper()
	_, after, found := strings.Cut(readme, "\n## "+section+"\n")
	if !found {
		t.Fatalf("the README has no section %q", section)
	}
	text, _, _ := strings.Cut(after, "\n## ")
	var all []step
	paragraphs := strings.Split(text, "\n\n")
	for k, p := range paragraphs {
		commands, ok := strings.CutPrefix(p, "```sh\n")
		if !ok {
			continue
		}
		where := here
		if at := placed.FindStringSubmatch(paragraphs[k-1]); at != nil {
			where = at[1]
		} else if !strings.HasPrefix(paragraphs[k-1], "Where this repository is") {
			t.Fatalf("on which machine? %q", paragraphs[k-1])
		}
		all = append(all, step{where, strings.TrimSuffix(commands, "```")})
	}
	if blocks := strings.Count(text, "```") / 2; len(all) != blocks || blocks == 0 {
		t.Fatalf("%d of %d shell blocks understood", len(all), blocks)
	}
	return all
}

// addresses are the machines of the README.
var addresses = map[string]string{"eu": "192.0.2.7", "us": "198.51.100.7", "ap": "203.0.113.7"}

// machines gives three hosts the addresses of the README, with a router between them, and each a folder of its own.
func machines(t *testing.T, l *lab.Lab) (hosts map[string]*lab.Namespace, folder func(string) string) {
	t.Helper()
	hosts = map[string]*lab.Namespace{}
	for k, region := range []string{"eu", "us", "ap"} {
		n, a := l.Nodes("net")[k], addresses[region]
		gateway := strings.TrimSuffix(a, ".7") + ".1"
		wire := "node"
		if k > 0 {
			wire = fmt.Sprintf("node%d", k+1)
		}
		hosts[region] = n
		for _, c := range [][]string{
			{"-n", n.Name, "addr", "flush", "dev", "eth0"},
			{"-n", n.Name, "addr", "add", a + "/24", "dev", "eth0"},
			{"-n", l.Router("net").Name, "addr", "add", gateway + "/24", "dev", wire},
			{"-n", n.Name, "route", "add", "default", "via", gateway},
		} {
			if out, err := exec.Command("ip", c...).CombinedOutput(); err != nil {
				t.Fatalf("ip %q: %v: %s", c, err, out)
			}
		}
	}
	return hosts, func(region string) string { return l.Folder("machine-" + region) }
}

// copyist is a scp: there is no sshd on these machines. It puts files into the folder of the machine with an address.
const copyist = `#!/bin/sh
set -eu
for last; do :; done
case $last in %s*) echo "scp: no such machine: $last" >&2; exit 1;; esac
while [ $# -gt 1 ]; do cp -p "$1" "$folder"; shift; done
`

// TestReadmeThreeRegions does what the README's section says, word for word, on three machines with the addresses that it uses,
// and then expects what it promises. The exposition of one of these nodes has to please Prometheus.
func TestReadmeThreeRegions(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	todo := steps(t, string(readme))
	l := lab.New(t, lab.Topology{Regions: []lab.Region{{Name: "net", Nodes: 3}}})
	hosts, folder := machines(t, l)

	var cases strings.Builder
	for region, a := range addresses {
		fmt.Fprintf(&cases, "%s:) folder=%s/;; ", a, folder(region))
	}
	programs := l.Folder("programs")
	if err := os.WriteFile(filepath.Join(programs, "scp"), fmt.Appendf(nil, copyist, cases.String()), 0o700); err != nil {
		t.Fatal(err)
	}
	// Debian's kdig takes what dig takes.
	if kdig, err := exec.LookPath("kdig"); err != nil {
		t.Fatal(err)
	} else if err := os.Symlink(kdig, filepath.Join(programs, "dig")); err != nil {
		t.Fatal(err)
	}
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}

	entries, err := os.ReadDir(repository)
	if err != nil {
		t.Fatal(err)
	}

	begun := time.Now()
	started := 0
	for _, s := range todo {
		switch s.where {
		case here:
			// The repository, but what is made in it stays out of it.
			at := l.Folder("repository")
			for _, entry := range entries {
				if err := os.Symlink(filepath.Join(repository, entry.Name()), filepath.Join(at, entry.Name())); err != nil {
					t.Fatal(err)
				}
			}
			shell(t, nil, at, programs, s.text)
		case everywhere:
			for _, region := range []string{"eu", "us", "ap"} {
				// Who reads types slower than a test, and a node that was added is in DNS after 5 s.
				var out string
				if err := lab.Eventually(t.Context(), 5*time.Second, func(context.Context) error {
					out = shell(t, hosts[region], folder(region), programs, s.text)
					for other, a := range addresses {
						if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(a) + `$`).MatchString(out) {
							return fmt.Errorf("DNS does not answer with %s", a)
						}
						if !regexp.MustCompile(`(?m)^\w{10}( \(this one\))? +` + other + ` +alive`).MatchString(out) {
							return fmt.Errorf("nobody of %s is alive", other)
						}
					}
					return nil
				}); err != nil {
					t.Errorf("on %s: %v", region, err)
				}
				t.Logf("on %s:\n%s", region, out)
			}
		default:
			if _, err := hosts[s.where].Start("atoll", "sh", "-euc", "cd "+folder(s.where)+"\n"+s.text); err != nil {
				t.Fatal(err)
			}
			started++
			if err := lab.Eventually(t.Context(), 20*time.Second, func(ctx context.Context) error {
				return joined(ctx, hosts[s.where], s.where, started)
			}); err != nil {
				t.Fatalf("on %s: %v", s.where, err)
			}
		}
	}
	t.Logf("done in %.1f s", time.Since(begun).Seconds())

	for region, host := range hosts {
		if err := lab.Eventually(t.Context(), 10*time.Second, func(ctx context.Context) error { return joined(ctx, host, region, 3) }); err != nil {
			t.Errorf("%s: %v", region, err)
		}
		for _, a := range addresses { // from every machine to every other
			if err := page(t, host, "https://"+a+"/demo"); err != nil {
				t.Errorf("from %s: %v", region, err)
			}
		}
	}

	exposition, err := hosts["us"].Get(t.Context(), "http://127.0.0.1:9090/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(exposition, []byte("\natoll_link_up{")) {
		t.Error("no links among the metrics")
	}
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = bytes.NewReader(exposition)
	if out, err := check.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("promtool check metrics: %v: %s", err, out)
	}
}

// shell runs a block of commands on a machine, or here, and returns what it printed.
func shell(t *testing.T, host *lab.Namespace, folder, programs, text string) string {
	t.Helper()
	argv := []string{"sh", "-euc", text}
	if host != nil {
		argv = append([]string{"ip", "netns", "exec", host.Name}, argv...)
	}
	c := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	c.Dir, c.Env = folder, append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"))
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v: %s", text, err, out)
	}
	return string(out)
}

// joined says what is missing until a node says that it is in a region and that so many, itself included, are alive, one in each
// region, all linked.
func joined(ctx context.Context, host *lab.Namespace, region string, want int) error {
	body, err := host.Get(ctx, "http://127.0.0.1:9090/api/v1/cluster")
	if err != nil {
		return err
	}
	var status lab.ClusterStatus
	if err := json.Unmarshal(body, &status); err != nil {
		return err
	}
	alive := map[string]bool{}
	for _, m := range status.Members {
		if m.State == "alive" {
			alive[m.Region] = true
		}
		if m.Self && m.Region != region {
			return fmt.Errorf("it says that it is in %q", m.Region)
		}
	}
	up := 0
	for _, l := range status.Links {
		if l.Up {
			up++
		}
	}
	if len(alive) != want || len(status.Members) != want || up != want-1 {
		return fmt.Errorf("%d members, alive in %v, %d links are up; want %d", len(status.Members), alive, up, want)
	}
	return nil
}

// page fetches a room's page by TLS with whatever certificate.
func page(t *testing.T, from *lab.Namespace, url string) error {
	t.Helper()
	client := from.HTTP()
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("<script")) {
		return errors.New(url + ": " + response.Status + ": no page")
	}
	return nil
}
