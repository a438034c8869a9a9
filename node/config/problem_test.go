package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

func problems(t *testing.T, args, environ []string) []string {
	t.Helper()
	_, err := load(args, environ, false)
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func TestAllProblemsAtOnce(t *testing.T) {
	file := write(t, "atoll.yaml", "media: 10000\ncolour: red\nlocaton: 1,2\nhandover: [off]\n", 0o600)
	got := problems(t, []string{"--http", "8080", "--nope", "x", "--config", file, "--domian=a", "stray", "--turn-peers", "10.0.0.1/8,x", "--log"},
		append(home, "ATOLL_REGION=EU!", "ATOLL_LOCATION=91,0"))
	want := []string{
		`--nope: there is no such flag; want one of ` + "`atoll run --help`",
		`--domian: there is no such flag; want --domain`,
		`command line: "stray" is no flag; want --name value`,
		`--log: the value is missing; want --log debug|info|warn|error`,
		`atoll.yaml:2: there is no setting "colour"; want the name of a flag without its --`,
		`atoll.yaml:3: there is no setting "locaton"; want location`,
		`atoll.yaml:4: handover: a list; want one value: off|drain|standby`,
		`--http: "8080" is no address; want host:port, :port or off`,
		`atoll.yaml:1: media: "10000" is no address; want host:port, :port or off`,
		`--turn-peers: "10.0.0.1/8" has bits set beyond its length; want 10.0.0.0/8`,
		`--turn-peers: "x" is no range of addresses; want a range such as 10.0.0.0/8 or fd00::/8`,
		`ATOLL_REGION: "EU!" is no region; want up to 32 of a-z, 0-9 and hyphens, such as eu-west`,
		`ATOLL_LOCATION: the latitude of "91,0" is no number from -90 to 90; want latitude,longitude in degrees, such as 52.52,13.40`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestValuesThatCannotBeRead(t *testing.T) {
	cases := []struct{ flag, value, want string }{
		{"http", "", "is no address"},
		{"http", "localhost", "is no address"},
		{"http", ":99999", "port"},
		{"http", ":http", "port"},
		{"http", "a b:80", "neither an IP address nor a name"},
		{"http", "1.2.3:80", "neither an IP address nor a name"},
		{"http", "http://x:80", "is no address"},
		{"tls-cert", "", "is no path"},
		{"domain", "https://x.example", "is a URL"},
		{"domain", "192.0.2.1", "is an address"},
		{"domain", "x..y", "is no DNS name"},
		{"domain", "-x.example", "is no DNS name"},
		{"domain", "x_y.example", "is no DNS name"},
		{"domain", "münchen.example", "is no DNS name"},
		{"domain", strings.Repeat("a.", 120) + "a", "characters"},
		{"node-url", "node1.example.org", "is no node address"},
		{"node-url", "https://n.example/path", "is no node address"},
		{"node-url", "ftp://n.example", "is no node address"},
		{"origins", "meet.example.org", "is no origin"},
		{"origins", "https://meet.example.org/x", "is no origin"},
		{"origins", "https://*", "neither a name"},
		{"origins", "https://*.*.example.org", "neither a name"},
		{"origins", "https://a b", "is no origin"},
		{"origins", "https://u:p@x.example", "is no origin"},
		{"origins", "https://a.example,", "is no origin"},
		{"turn-peers", "10.0.0.1", "is no range"},
		{"advertise", "example.org", "is no IP address"},
		{"advertise", "0.0.0.0", "nobody can send"},
		{"advertise", "224.0.0.1:80", "nobody can send"},
		{"advertise", "fe80::1%eth0", "nobody can send"},
		{"advertise", "192.0.2.1:0", "is 0"},
		{"region", "", "is no region"},
		{"region", "eu west", "is no region"},
		{"region", "eu.west", "is no region"},
		{"region", strings.Repeat("a", 33), "is no region"},
		{"location", "52", "is no place"},
		{"location", "52,181", "longitude"},
		{"location", "NaN,0", "latitude"},
		{"handover", "always", "is no way"},
		{"log", "INFO+1", "is no level"},
		{"secret", "swordfish", "must begin with"},
	}
	for _, c := range cases {
		t.Run(c.flag+" "+c.value, func(t *testing.T) {
			got := problems(t, []string{"--" + c.flag, c.value}, home)
			if len(got) != 1 || !strings.HasPrefix(got[0], "--"+c.flag+": ") || !strings.Contains(got[0], c.want) {
				if c.flag == "tls-cert" && len(got) == 1 {
					return
				}
				t.Errorf("problems %q, want one of --%s with %q", got, c.flag, c.want)
			}
		})
	}
}

func TestPartsThatAreNotBuilt(t *testing.T) {
	for flag, value := range map[string]string{"xmpp": ":5222"} {
		got := problems(t, []string{"--" + flag, value}, home)
		if diff := cmp.Diff([]string{"--" + flag + ": not built yet; want off"}, got); diff != "" {
			t.Error(diff)
		}
		if got := problems(t, []string{"--" + flag, "off"}, home); got != nil {
			t.Errorf("--%s off: %q", flag, got)
		}
	}
}

func TestJoining(t *testing.T) {
	secret := identity.NewSecret().Reveal()
	got := problems(t, nil, append(home, "ATOLL_JOIN=a.example,b.example:7946", "ATOLL_SECRET="+secret))
	if got != nil {
		t.Errorf("a node that joins: %q", got)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--join", "a.example"}, "--join: a cluster is joined with its secret; want --secret-file FILE beside it"},
		{[]string{"--join", "a.example", "--secret", secret, "--mesh", "off"}, "--join: --mesh is off; want --mesh :7946"},
		{[]string{"--mesh", ":65535"}, "--mesh: links take the next port, and there is none; want a port below 65535"},
		{[]string{"--mesh", ":8080"}, "--mesh: :8080 is taken by --http; want another port"},
	} {
		if diff := cmp.Diff([]string{c.want}, problems(t, c.args, home)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestValuesThatDoNotFitTogether(t *testing.T) {
	cert := write(t, "c.pem", "x", 0o600)
	secret := identity.NewSecret().Reveal()
	cases := map[string]struct {
		args []string
		want string
	}{
		"a certificate without key":  {[]string{"--tls-cert", cert}, "--tls-cert: the certificate has no key"},
		"a key without certificate":  {[]string{"--tls-key", cert}, "--tls-key: the key has no certificate"},
		"a file that is not there":   {[]string{"--geoip", "/nowhere/x"}, "--geoip: open /nowhere/x: no such file or directory"},
		"a folder in place of it":    {[]string{"--geoip", filepath.Dir(cert)}, "is a directory"},
		"a secret file not there":    {[]string{"--secret-file", "/nowhere/x"}, "--secret-file: open /nowhere/x"},
		"a secret file with no such": {[]string{"--secret-file", cert}, "--secret-file: not a secret"},
		"both secrets":               {[]string{"--secret-file", cert, "--secret", secret}, "--secret: there is a --secret-file too"},
		"no way in":                  {[]string{"--http", "off"}, "--http: http and https are both off"},
		"no media":                   {[]string{"--media", "off"}, "--media: a node without media"},
		"one port twice":             {[]string{"--http", ":9090"}, "--admin: 127.0.0.1:9090 is taken by --http"},
		"TURN on the media port":     {[]string{"--turn", ":10000"}, "--turn: :10000 is taken by --media"},
		"TURN on the port of HTTP":   {[]string{"--turn", ":8080"}, "--turn: :8080 is taken by --http"},
		"no such configuration":      {[]string{"--config", "/nowhere/x"}, "--config: open /nowhere/x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := problems(t, c.args, home)
			if len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("problems %q, want one with %q", got, c.want)
			}
		})
	}
	for name, args := range map[string][]string{
		"ports of the system's choice": {"--http", ":0", "--admin", "127.0.0.1:0"},
		"one port, two addresses":      {"--http", "127.0.0.2:9090"},
		"one port, TCP and UDP":        {"--http", ":10000"},
	} {
		if got := problems(t, args, home); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestAnUnreadableFile(t *testing.T) {
	if os.Geteuid() == 0 {
		return // root reads everything; the case "a file that is not there" above covers the way of the error
	}
	file := write(t, "x", "x", 0o000)
	if got := problems(t, []string{"--geoip", file}, home); len(got) != 1 || !strings.Contains(got[0], "permission denied") {
		t.Errorf("problems %q", got)
	}
}
