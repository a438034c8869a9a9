package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/geo/dns"
	"github.com/atoll-mesh/atoll/geo/dns/zone"
	"github.com/atoll-mesh/atoll/node/doctor"
	"github.com/atoll-mesh/atoll/node/precedence"
	"github.com/atoll-mesh/atoll/tools/freeport"
)

const served = "meet.example.org"

// lenience is how long something expected may take when others have the machine.
const lenience = time.Minute

// promised is how long something may take that operators count on, without the race detector.
func promised(d time.Duration) time.Duration {
	if testing.Short() {
		return lenience
	}
	return d
}

// process is a node that runs on an address of its own.
type process struct {
	ip     netip.Addr
	dns    netip.AddrPort
	admin  string
	mesh   string
	secret string // file
	cmd    *exec.Cmd
	log    journal
}

// journal is the log of a process that runs.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// processes starts n nodes of one cluster on 127.0.0.2 and what follows, the later ones by the first.
func processes(t *testing.T, n int, more ...string) []*process {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(identity.NewSecret().Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	var all []*process
	for i := range n {
		ip := netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + i)})
		p := &process{ip: ip, dns: netip.MustParseAddrPort(freeport.At(t, ip)), admin: freeport.Get(t), mesh: freeport.At(t, ip), secret: secret}
		args := []string{
			"run", "--http", freeport.At(t, ip), "--https", "off", "--turn", freeport.At(t, ip), "--admin", p.admin, "--media", freeport.At(t, ip), "--data", t.TempDir(), "--secret-file", secret,
			"--domain", served, "--dns", p.dns.String(), "--mesh", p.mesh,
		}
		if i > 0 {
			args = append(args, "--join", all[0].mesh)
		}
		p.start(t, append(args, more...)...)
		all = append(all, p)
		within(t, lenience, "it serves DNS", func() bool { return len(p.answers(t)) > 0 })
	}
	return all
}

// start runs a process until the test ends.
func (p *process) start(t *testing.T, args ...string) {
	t.Helper()
	p.cmd = command(t, args...)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("log of %v:\n%s", p.ip, p.log.String())
		}
	})
}

// answers returns the addresses that a node gives for the domain, nil when it does not answer.
func (p *process) answers(t *testing.T) []netip.Addr {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	reply, err := dns.Ask(ctx, "udp", p.dns, served, zone.TypeA)
	if err != nil {
		return nil
	}
	return reply.Addresses
}

func within(t *testing.T, d time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		took := time.Since(start)
		if holds() {
			return took
		}
		if took > d {
			t.Fatalf("%s: not within %v", what, d)
		}
	}
}

// TestAKilledNodeLeavesEveryAnswer is the promise of the zone with three real processes.
func TestAKilledNodeLeavesEveryAnswer(t *testing.T) {
	all := processes(t, 3)
	for i, p := range all {
		within(t, lenience, "node "+strconv.Itoa(i)+" gives all three", func() bool { return len(p.answers(t)) == 3 })
	}
	victim := all[1]
	if err := victim.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.cmd.Wait()
	for _, p := range []*process{all[0], all[2]} {
		took := within(t, promised(5*time.Second), "the killed node is in no answer", func() bool {
			got := p.answers(t)
			return len(got) == 2 && !slices.Contains(got, victim.ip)
		})
		t.Logf("%v after %v", p.ip, took)
	}
	// One that stops leaves at once.
	if err := all[2].cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	took := within(t, promised(4*time.Second), "the stopped node is in no answer", func() bool { return slices.Equal(all[0].answers(t), []netip.Addr{all[0].ip}) })
	t.Logf("stopped: after %v", took)
}

func TestOneLinePerPortSaysWhetherAnotherNodeReachesIt(t *testing.T) {
	for _, p := range processes(t, 2) {
		want := []string{"http TCP", "media UDP", "turn UDP", "turn TCP", "dns UDP", "dns TCP", "mesh TCP", "mesh UDP", "mesh links UDP"}
		lines := func() (found []string) {
			for line := range strings.Lines(p.log.String()) {
				if strings.Contains(line, "another node reaches this port") {
					_, rest, _ := strings.Cut(line, `"port":"`)
					name, _, _ := strings.Cut(rest, `"`)
					found = append(found, name)
				}
			}
			return found
		}
		within(t, lenience, "each port has its line", func() bool { return len(lines()) >= len(want) })
		if got := lines(); !slices.Equal(got, want) || strings.Contains(p.log.String(), "cannot reach this port") {
			t.Errorf("%q", got)
		}
	}
}

// TestDoctor asks one of two nodes whose domain nobody delegates: that is its only trouble.
func TestDoctor(t *testing.T) {
	all := processes(t, 2)
	within(t, lenience, "they know each other", func() bool { return len(all[0].answers(t)) == 2 })
	var code int
	var out, errs string
	within(t, lenience, "heartbeats go both ways", func() bool {
		code, out, errs = atoll(t, "doctor", "--admin", all[0].admin)
		return strings.Contains(out, "ok    ports        mesh links")
	})
	if code != failed || !strings.Contains(errs, "something does not work") {
		t.Errorf("code %d, err %q", code, errs)
	}
	permitted := "ok    precedence   "
	if precedence.Permitted() != nil {
		permitted = "warn  precedence   "
	}
	for _, want := range []string{
		permitted, "ok    ports        media UDP 127.0.0.2:", "ok    clock        ", "warn  certificate  --https is off",
		"ok    dns          the node's own DNS answers by udp", "ok    dns          the node's own DNS answers by tcp", "warn  dns          DNS is on port",
		"fail  dns          ", "-> add to the zone above", ".meet.example.org.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
	t.Logf("\n%s", out)
	code, out, _ = atoll(t, "doctor", "--admin", all[0].admin, "--json")
	var report doctor.Report
	if err := json.Unmarshal([]byte(out), &report); code != failed || err != nil || report.Status != doctor.Fail || len(report.Checks) < 10 {
		t.Errorf("code %d, %v, %s", code, err, out)
	}
}

// TestAJoinerLearnsTheDomain starts a node that is told nothing but whom to join, and one that is told another domain.
func TestAJoinerLearnsTheDomain(t *testing.T) {
	first := processes(t, 1)[0]
	ip := netip.MustParseAddr("127.0.0.9")
	joiner := &process{ip: ip, dns: netip.MustParseAddrPort(freeport.At(t, ip)), admin: freeport.Get(t)}
	args := func(more ...string) []string {
		return append([]string{
			"run", "--http", freeport.At(t, ip), "--https", "off", "--turn", "off", "--media", freeport.At(t, ip), "--mesh", freeport.At(t, ip), "--join", first.mesh,
			"--secret-file", first.secret, "--data", t.TempDir(),
		}, more...)
	}
	joiner.start(t, args("--admin", joiner.admin, "--dns", joiner.dns.String())...)
	within(t, lenience, "it answers for a domain that it was not told", func() bool { return len(joiner.answers(t)) == 2 })

	code, _, errs := atoll(t, args("--admin", freeport.Get(t), "--domain", "other.example")...)
	if code != failed || errs != "atoll: --domain: other.example is not the cluster's domain; want meet.example.org\n" {
		t.Errorf("another domain: code %d, err %q", code, errs)
	}
}

// TestANameThatIsNothingIsJoinedForEver starts a node whose seeds are nowhere: it serves, and says so.
func TestANameThatIsNothingIsJoinedForEver(t *testing.T) {
	p := processes(t, 1, "--join", "nobody.invalid")[0]
	within(t, lenience, "it says what it misses", func() bool { return strings.Contains(p.log.String(), `"seed":"nobody.invalid"`) })
	time.Sleep(3 * time.Second) // half a dozen tries
	if got := strings.Count(p.log.String(), `"seed":"nobody.invalid"`); got != 1 {
		t.Errorf("%d lines", got)
	}
	within(t, lenience, "it serves", func() bool { return len(p.answers(t)) == 1 })
}
