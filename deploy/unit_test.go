package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// unit is a systemd unit: the values of every key, in order, by section and key.
type unit map[string][]string

func readUnit(t *testing.T, path string) unit {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	u, section := unit{}, ""
	for number, line := range strings.Split(string(text), "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			section = line[1 : len(line)-1]
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok || section == "" || strings.HasSuffix(line, "\\") || strings.ContainsAny(key, " \t") {
				t.Fatalf("%s:%d: %q is no setting", path, number+1, line)
			}
			u[section+"/"+key] = append(u[section+"/"+key], value)
		}
	}
	return u
}

func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if len(u["Service/"+key]) != 1 {
		t.Fatalf("%s is there %d times", key, len(u["Service/"+key]))
	}
	return u["Service/"+key][0]
}

// TestUnitStartsANode: the command and the environment of the unit are a configuration, with the example beside it.
func TestUnitStartsANode(t *testing.T) {
	u := readUnit(t, "systemd/atoll.service")
	folder := etc(t, "systemd/atoll.yaml")
	in := strings.NewReplacer("%d", folder, "/etc/atoll", folder)
	var environ []string
	for _, line := range u["Service/Environment"] {
		environ = append(environ, strings.Fields(in.Replace(line))...)
	}
	command := strings.Fields(u.one(t, "ExecStart"))
	if len(command) < 2 || filepath.Base(command[0]) != "atoll" || command[1] != "run" {
		t.Fatalf("ExecStart %q", command)
	}
	cfg := load(t, "unit", command[2:], environ)
	if cfg.Data != "/var/lib/"+u.one(t, "StateDirectory") || cfg.Secret.IsZero() || cfg.Domain != "meet.example.org" || cfg.HTTPS.Port != 443 || !cfg.HTTP.Off {
		t.Errorf("%+v", cfg)
	}
	if u.one(t, "LoadCredential") != "secret:/etc/atoll/secret" {
		t.Errorf("credential %q", u.one(t, "LoadCredential"))
	}
}

// TestUnitGivesTimeToDrain: systemd waits longer than a drain takes by default, and a node that ended well stays down.
func TestUnitGivesTimeToDrain(t *testing.T) {
	u := readUnit(t, "systemd/atoll.service")
	found := regexp.MustCompile(`--deadline=(\w+)`).FindStringSubmatch(run(t, 0, "drain", "--help"))
	if found == nil {
		t.Fatal("no default deadline")
	}
	deadline, err := time.ParseDuration(found[1])
	if err != nil {
		t.Fatal(err)
	}
	patience, err := time.ParseDuration(u.one(t, "TimeoutStopSec") + "s")
	if err != nil || patience < deadline+10*time.Second {
		t.Errorf("stops after %v, %v; a drain may take %v and closing 10 s", patience, err, deadline)
	}
	for key, want := range map[string]string{"Type": "exec", "Restart": "on-failure", "RestartPreventExitStatus": "2", "KillSignal": "SIGTERM", "KillMode": "mixed"} {
		if got := u.one(t, key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}

// TestUnitMayComeFirst: the node may schedule itself in real time, with the lowest priority and without a capability.
func TestUnitMayComeFirst(t *testing.T) {
	u := readUnit(t, "systemd/atoll.service")
	filters := u["Service/SystemCallFilter"]
	if u.one(t, "LimitRTPRIO") != "1" || u["Service/RestrictRealtime"] != nil || len(filters) == 0 || filters[len(filters)-1] != "sched_setattr" {
		t.Errorf("priority %q, restricted %q, calls %q", u["Service/LimitRTPRIO"], u["Service/RestrictRealtime"], filters)
	}
}

// TestUnitIsHardened: the service may listen below 1024 and otherwise what a program needs that owns one folder.
func TestUnitIsHardened(t *testing.T) {
	u := readUnit(t, "systemd/atoll.service")
	for key, want := range map[string]string{
		"User": "atoll", "AmbientCapabilities": "CAP_NET_BIND_SERVICE", "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE",
		"ProtectSystem": "strict", "NoNewPrivileges": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "ProtectHome": "yes",
		"ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectKernelLogs": "yes", "ProtectControlGroups": "yes",
		"RestrictAddressFamilies": "AF_INET AF_INET6 AF_NETLINK", "RestrictNamespaces": "yes", "MemoryDenyWriteExecute": "yes",
		"SystemCallArchitectures": "native", "UMask": "0077", "StateDirectoryMode": "0700",
	} {
		if got := u.one(t, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}
