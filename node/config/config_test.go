package config

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// home is an environment in which the defaults need nothing else.
var home = []string{"HOME=/home/op"}

func write(t *testing.T, name, contents string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(contents), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c, err := load(nil, home, false)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"http": c.HTTP, "https": c.HTTPS, "domain": c.Domain, "media": c.Media, "turn": c.TURN, "mesh": c.Mesh,
		"dns": c.DNS, "xmpp": c.XMPP, "admin": c.Admin, "handover": c.Handover, "data": c.Data, "log": c.Log,
		"secret": c.Secret.IsZero(), "warnings": len(c.Warnings),
	}
	want := map[string]any{
		"http": Addr{Port: 8080}, "https": Off, "domain": "localhost", "media": Addr{Port: 10000}, "turn": Addr{Port: 3478}, "mesh": Addr{Port: 7946},
		"dns": Off, "xmpp": Off, "admin": Addr{Host: "127.0.0.1", Port: 9090}, "handover": HandoverStandby,
		"data": "/home/op/.local/state/atoll", "log": slog.LevelInfo, "secret": true, "warnings": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDataFolder(t *testing.T) {
	cases := map[string]struct {
		args, environ []string
		root          bool
		want          string
	}{
		"root":              {nil, home, true, "/var/lib/atoll"},
		"a user":            {nil, home, false, "/home/op/.local/state/atoll"},
		"XDG":               {nil, append(home, "XDG_STATE_HOME=/state"), false, "/state/atoll"},
		"XDG not absolute":  {nil, append(home, "XDG_STATE_HOME=state"), false, "/home/op/.local/state/atoll"},
		"asked for":         {[]string{"--data", "./data"}, home, false, "./data"},
		"asked for as root": {[]string{"--data", "./data"}, home, true, "./data"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := load(c.args, c.environ, c.root)
			if err != nil || got.Data != c.want {
				t.Errorf("%q, %v; want %q", got.Data, err, c.want)
			}
		})
	}
	if _, err := load(nil, nil, false); err == nil {
		t.Error("no home folder, no data folder, and no problem")
	}
}

func TestEverySettingIsRead(t *testing.T) {
	secret := identity.NewSecret()
	secretFile := write(t, "secret", secret.Reveal()+"\n", 0o600)
	cert, key, geo := write(t, "c.pem", "c", 0o600), write(t, "k.pem", "k", 0o600), write(t, "g.mmdb", "g", 0o600)
	c, err := load([]string{
		"--http", "127.0.0.1:80", "--https=[::1]:443", "--tls-cert", cert, "--tls-key", key, "--domain", "Meet.Example.org.",
		"--node-url", "https://n1.example.org:8443", "--media", ":0", "--geoip", geo, "--origins", "https://a.example,http://b.example:80",
		"--origins", "*", "--turn", "off", "--turn-peers", "10.0.0.0/8", "--turn-peers", "fd00::/8", "--xmpp", "off", "--mesh", "off",
		"--dns", "off", "--admin", "localhost:9191", "--advertise", "192.0.2.1,[2001:db8::1]:9", "--region", "eu-west",
		"--location", "-33.9,151.2", "--secret-file", secretFile, "--handover", "drain", "--data", "d", "--log", "debug",
	}, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"http": c.HTTP.String(), "https": c.HTTPS.String(), "cert": c.TLSCert, "key": c.TLSKey, "domain": c.Domain,
		"node-url": c.NodeURL.String(), "media": c.Media.String(), "geoip": c.GeoIP, "origins": texts(c.Origins),
		"turn": c.TURN, "peers": texts(c.TURNPeers), "admin": c.Admin.String(), "advertise": texts(c.Advertise),
		"region": c.Region, "location": c.Location.String(), "secret": c.Secret == secret, "handover": c.Handover,
		"data": c.Data, "log": c.Log,
	}
	want := map[string]any{
		"http": "127.0.0.1:80", "https": "[::1]:443", "cert": cert, "key": key, "domain": "meet.example.org",
		"node-url": "https://n1.example.org:8443", "media": ":0", "geoip": geo,
		"origins": []string{"https://a.example", "http://b.example", "*"},
		"turn":    Off, "peers": []string{"10.0.0.0/8", "fd00::/8"}, "admin": "localhost:9191",
		"advertise": []string{"192.0.2.1:0", "[2001:db8::1]:9"}, "region": "eu-west", "location": "-33.9,151.2",
		"secret": true, "handover": HandoverDrain, "data": "d", "log": slog.LevelDebug,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, s := range settings {
		if given := c.Given(s.name); given != (s.name != "join" && s.name != "secret") {
			t.Errorf("Given(%q) = %v", s.name, given)
		}
	}
}

func texts[T interface{ String() string }](list []T) []string {
	var all []string
	for _, v := range list {
		all = append(all, v.String())
	}
	return all
}

func TestFlagOverEnvironmentOverFileOverDefault(t *testing.T) {
	file := write(t, "atoll.yaml", "http: :3\nmedia: :3\nlog: warn\norigins:\n  - https://file.example\n  - https://f2.example\nturn-peers: 10.0.0.0/8, 11.0.0.0/8\n", 0o600)
	environ := append(home, "ATOLL_HTTP=:2", "ATOLL_MEDIA=:2", "ATOLL_ORIGINS=https://env.example, https://e2.example", "ATOLL_LOG=", "ATOLL_CONFIG="+file)
	c, err := load([]string{"--http", ":1"}, environ, false)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.HTTP.Port, c.Media.Port, c.Log, c.Admin.String(), texts(c.Origins), texts(c.TURNPeers)}
	want := []any{uint16(1), uint16(2), slog.LevelWarn, DefaultAdmin, []string{"https://env.example", "https://e2.example"}, []string{"10.0.0.0/8", "11.0.0.0/8"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	other := write(t, "other.yaml", "http: :4\n", 0o600)
	if c, err := load([]string{"--config", other, "--media", ":7", "--media=:8"}, environ, false); err != nil || c.HTTP.Port != 2 || c.Media.Port != 8 {
		t.Errorf("--config beside ATOLL_CONFIG, a flag twice: %v %v, %v", c.HTTP, c.Media, err)
	}
}

func TestHTTPSComesWithADomain(t *testing.T) {
	cases := map[string]struct {
		args []string
		want string
	}{
		"a domain":             {[]string{"--domain", "meet.example.org"}, ":443"},
		"localhost by name":    {[]string{"--domain", "localhost"}, "off"},
		"a domain, and off":    {[]string{"--domain", "meet.example.org", "--https", "off"}, "off"},
		"a domain and a port":  {[]string{"--domain", "meet.example.org", "--https", ":8443"}, ":8443"},
		"a port and no domain": {[]string{"--https", ":8443"}, ":8443"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got, err := load(c.args, home, false); err != nil || got.HTTPS.String() != c.want {
				t.Errorf("https %v, %v; want %s", got.HTTPS, err, c.want)
			}
		})
	}
}

func TestSecretSources(t *testing.T) {
	secret := identity.NewSecret()
	c, err := load([]string{"--secret", secret.Reveal()}, home, false)
	if err != nil || c.Secret != secret || len(c.Warnings) != 1 {
		t.Errorf("--secret: %v, %v, warnings %q", c.Secret == secret, err, c.Warnings)
	}
	c, err = load(nil, append(home, "ATOLL_SECRET="+secret.Reveal()), false)
	if err != nil || c.Secret != secret || len(c.Warnings) != 0 {
		t.Errorf("ATOLL_SECRET: %v, %v, warnings %q", c.Secret == secret, err, c.Warnings)
	}
	c, err = load([]string{"--secret-file", write(t, "s", secret.Reveal(), 0o644)}, home, false)
	if err != nil || c.Secret != secret || len(c.Warnings) != 1 {
		t.Errorf("a secret that all can read: %v, %v, warnings %q", c.Secret == secret, err, c.Warnings)
	}
}

func TestWarnings(t *testing.T) {
	c, err := load([]string{"--admin", ":9090"}, append(home, "ATOLL_DOMIAN=x.example", "ATOLL_SERVICE_HOST=10.0.0.1", "ATOLL_PORT_8080_TCP=tcp://10.0.0.1:8080"), false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ATOLL_DOMIAN: there is no such setting; was ATOLL_DOMAIN meant?",
		"--admin: :9090 can be reached from other machines; the admin API has no password",
	}
	if diff := cmp.Diff(want, c.Warnings); diff != "" {
		t.Error(diff)
	}
}

func TestProblemsAreTyped(t *testing.T) {
	_, err := Load([]string{"--log", "loud"}, home)
	var problems Problems
	if !errors.As(err, &problems) || !problems.OnCommandLine() {
		t.Errorf("error %v is no list of problems of the command line", err)
	}
	_, err = Load(nil, append(home, "ATOLL_LOG=loud"))
	if !errors.As(err, &problems) || problems.OnCommandLine() {
		t.Errorf("error %v is blamed on the command line", err)
	}
}

func TestDefaultServes(t *testing.T) {
	c := Default()
	if c.HTTP.Port != 8080 || c.Domain != "localhost" || c.Given("http") {
		t.Errorf("Default() = %+v", c)
	}
	if netip.MustParseAddr(c.Admin.Host) != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("admin %v", c.Admin)
	}
}
