package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/geo/country"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/tools/freeport"
)

// TestMain lets the test binary be the command: exit codes, signals and the environment are then the real ones.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// command returns atoll with arguments, in an environment with nothing but a home folder.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = []string{"TEST_AS_COMMAND=1", "HOME=" + t.TempDir(), "XDG_STATE_HOME=" + t.TempDir()}
	c.Dir = t.TempDir()
	return c
}

// atoll runs atoll to its end.
func atoll(t *testing.T, args ...string) (code int, out, errors string) {
	t.Helper()
	c := command(t, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func TestCommandLine(t *testing.T) {
	cases := map[string]struct {
		args     []string
		code     int
		out, err string
	}{
		"nothing":            {nil, misuse, "", "atoll: "},
		"help":               {[]string{"--help"}, 0, "status", ""},
		"help of run":        {[]string{"run", "--help"}, 0, "--tls-cert FILE", ""},
		"help of check":      {[]string{"check", "-h"}, 0, "--tls-cert FILE", ""},
		"help of status":     {[]string{"status", "--help"}, 0, "127.0.0.1:9090", ""},
		"no such command":    {[]string{"fly"}, misuse, "", "fly"},
		"no such flag":       {[]string{"status", "--nope"}, misuse, "", "--nope"},
		"version":            {[]string{"version"}, 0, "atoll dev\n", ""},
		"notices":            {[]string{"version", "--notices"}, 0, country.Attribution, ""},
		"drain of nobody":    {[]string{"drain", "--admin", "127.0.0.1:1", "--deadline", "5s"}, failed, "", "atoll: no node answers at 127.0.0.1:1: "},
		"doctor of nobody":   {[]string{"doctor", "--admin", "127.0.0.1:1"}, failed, "", "atoll: no node answers at 127.0.0.1:1; is it running, and is this its --admin? "},
		"doctor, bad flag":   {[]string{"doctor", "--nope"}, misuse, "", "--nope"},
		"check":              {[]string{"check"}, 0, "the configuration is right\n", ""},
		"check warns":        {[]string{"check", "--admin", ":9090"}, 0, "right", "atoll: warning: --admin: :9090 can be reached"},
		"check of bad flags": {[]string{"check", "--http", "x", "--nope"}, misuse, "", "atoll: --nope: there is no such flag; want one of `atoll run --help`\natoll: --http: \"x\" is no address; want host:port, :port or off\n"},
		"run with bad flags": {[]string{"run", "--http", "x", "--log=loud"}, misuse, "", "atoll: --http: \"x\" is no address; want host:port, :port or off\natoll: --log: \"loud\" is no level; want debug, info, warn or error\n"},
		"run, not built":     {[]string{"run", "--xmpp=:5222"}, misuse, "", "atoll: --xmpp: not built yet; want off\n"},
		"status of nobody":   {[]string{"status", "--admin", "127.0.0.1:1"}, failed, "", "atoll: no node answers at 127.0.0.1:1: "},
		"status of nowhere":  {[]string{"status", "--admin", "off"}, failed, "", "no address to connect to"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			code, out, err := atoll(t, c.args...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(err, c.err) {
				t.Errorf("code %d, out %q, err %q; want %d, %q, %q", code, out, err, c.code, c.out, c.err)
			}
			if c.err == "" && err != "" {
				t.Errorf("err %q", err)
			}
		})
	}
}

func TestCheckBlamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "atoll.yaml")
	if err := os.WriteFile(file, []byte("http: x\nnope: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := atoll(t, "check", "--config", file)
	want := "atoll: atoll.yaml:2: there is no setting \"nope\"; want the name of a flag without its --\natoll: atoll.yaml:1: http: \"x\" is no address; want host:port, :port or off\n"
	if code != failed || errs != want {
		t.Errorf("code %d, err %q; want %q", code, errs, want)
	}
	garbage := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(garbage, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := atoll(t, "check", "--https", ":8443", "--tls-cert", garbage, "--tls-key", garbage); code != failed || !strings.Contains(errs, "atoll: --tls-cert: certificate "+garbage) {
		t.Errorf("code %d, err %q", code, errs)
	}
}

func TestSecretIsOne(t *testing.T) {
	code, out, _ := atoll(t, "secret")
	if _, err := identity.ParseSecret(out); code != 0 || err != nil || strings.Count(out, "\n") != 1 {
		t.Errorf("code %d, %v", code, err)
	}
}

// operator serves answers by path until the test ends and returns its address.
func operator(t *testing.T, answers map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, answers[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestStatus(t *testing.T) {
	answers := map[string]string{
		"/api/v1/cluster": `{"self":"ubiig7mfa4","members":[{"name":"ubiig7mfa4","region":"","state":"alive","version":"v1"}],"links":[{"to":"abcdefghij","rtt_ms":12.34,"loss":0.015}]}`,
		"/api/v1/rooms":   `{"rooms":[{"name":"demo\u001b[2J@conference.localhost","nodes":["ubiig7mfa4"],"participants":[{"id":"478dfae7","node":"ubiig7mfa4"}],"sources":[]}]}`,
	}
	address := operator(t, answers)

	code, out, errs := atoll(t, "status", "--admin", address)
	want := `NODE                   REGION  STATE  VERSION
ubiig7mfa4 (this one)  -       alive  v1

LINK TO     RTT      LOSS
abcdefghij  12.3 ms  1.5 %

ROOM                           PARTICIPANTS  SOURCES  NODES
demo?[2J@conference.localhost  1             0        ubiig7mfa4
`
	if code != 0 || errs != "" {
		t.Errorf("code %d, err %q", code, errs)
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}

	code, out, _ = atoll(t, "status", "--admin", address, "--json")
	var got struct {
		Cluster struct{ Self string }
		Rooms   []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil || got.Cluster.Self != "ubiig7mfa4" || len(got.Rooms) != 1 {
		t.Errorf("code %d, %v, %+v", code, err, got)
	}

	other := operator(t, map[string]string{"/api/v1/cluster": answers["/api/v1/cluster"], "/api/v1/rooms": "<html>"})
	if code, _, errs := atoll(t, "status", "--admin", other); code != failed || !strings.Contains(errs, "not the answer of a node") {
		t.Errorf("code %d, err %q", code, errs)
	}
}

func TestStatusAsksLoopbackForEverywhere(t *testing.T) {
	for text, want := range map[string]string{":9090": "http://127.0.0.1:9090", "0.0.0.0:1": "http://127.0.0.1:1", "[::]:1": "http://[::1]:1", "10.0.0.1:1": "http://10.0.0.1:1"} {
		if got, err := adminURL(text); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestURLsToOpen(t *testing.T) {
	cases := map[string]struct {
		args []string
		want []string
	}{
		"defaults":        {nil, []string{"http://localhost:8080/"}},
		"a domain":        {[]string{"--domain", "meet.example.org"}, []string{"http://localhost:8080/", "https://meet.example.org/"}},
		"other ports":     {[]string{"--http", ":80", "--https", ":8443"}, []string{"http://localhost/", "https://localhost:8443/"}},
		"addresses":       {[]string{"--http", "192.0.2.1:80", "--https", "[2001:db8::1]:443"}, []string{"http://192.0.2.1/", "https://[2001:db8::1]/"}},
		"everywhere":      {[]string{"--http", "0.0.0.0:8080", "--https", "[::]:8443"}, []string{"http://localhost:8080/", "https://localhost:8443/"}},
		"off, and chosen": {[]string{"--http", "off", "--https", ":0"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.Load(c.args, []string{"HOME=/home/op"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, urls(cfg)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRunServesAndStops(t *testing.T) {
	httpAt, adminAt := freeport.Get(t), freeport.Get(t)
	c := command(t, "run", "--http", httpAt, "--admin", adminAt, "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--media", freeport.Get(t), "--data", t.TempDir())
	var log bytes.Buffer
	c.Stderr = &log
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "open http://"+httpAt+"/\n" {
		_ = c.Process.Kill()
		_ = c.Wait()
		t.Fatalf("first line %q, %v; log %s", line, err, log.String())
	}
	for _, url := range []string{"http://" + httpAt + "/about/health", "http://" + adminAt + "/about/health"} {
		response, err := http.Get(url)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, response.Status)
		}
	}
	if code, out, errs := atoll(t, "status", "--admin", adminAt); code != 0 || !strings.Contains(out, "(this one)") || !strings.Contains(out, "no rooms") {
		t.Errorf("status: code %d, %q, %q", code, out, errs)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("end: %v; log %s", err, log.String())
	}
	for _, line := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("a log line that is no JSON: %q", line)
		}
	}
}

func TestRunNamesEveryProblemOfTheMachine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	media, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = media.Close() }()
	inTheWay := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := atoll(t, "run", "--http", taken.Addr().String(), "--admin", freeport.Get(t), "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--media", media.LocalAddr().String(), "--data", inTheWay)
	if code != failed {
		t.Errorf("code %d", code)
	}
	for _, want := range []string{"--http: ", "--media: ", "--data: "} {
		if strings.Count(errs, "atoll: "+want) != 1 {
			t.Errorf("err %q, want one line for %s", errs, want)
		}
	}
}
