package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// compose is what of a compose file is used here.
type compose struct {
	Name     string                    `yaml:"name"`
	Node     composeService            `yaml:"x-node"`
	Services map[string]composeService `yaml:"services"`
	Networks map[string]struct {
		IPAM struct {
			Config []map[string]string `yaml:"config"`
		} `yaml:"ipam"`
	} `yaml:"networks"`
	Secrets map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
	Volumes map[string]any `yaml:"volumes"`
}

type composeService struct {
	Image string `yaml:"image"`
	Build struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Restart         string            `yaml:"restart"`
	StopGracePeriod string            `yaml:"stop_grace_period"`
	ReadOnly        bool              `yaml:"read_only"`
	CapDrop         []string          `yaml:"cap_drop"`
	CapAdd          []string          `yaml:"cap_add"`
	Secrets         []string          `yaml:"secrets"`
	Environment     map[string]string `yaml:"environment"`
	Networks        map[string]struct {
		Address string `yaml:"ipv4_address"`
	} `yaml:"networks"`
	Ports   []string `yaml:"ports"`
	Volumes []string `yaml:"volumes"`
}

// TestComposeRunsThreeRegions: three services whose environment is a configuration, each at an address of its own.
func TestComposeRunsThreeRegions(t *testing.T) {
	var c compose
	decodeYAML(t, "container/compose.yaml", &c)
	folder := etc(t, "")
	published := map[string]bool{}
	for name, s := range c.Services {
		environ := []string{}
		for key, value := range s.Environment {
			environ = append(environ, key+"="+strings.Replace(value, "/run/secrets", folder, 1))
		}
		cfg := load(t, name, nil, environ)
		if cfg.Region != name || len(cfg.Advertise) != 1 || cfg.Advertise[0].Addr().String() != s.Networks["mesh"].Address || cfg.Secret.IsZero() {
			t.Errorf("%s: %+v", name, cfg)
		}
		if joins := strings.Join(cfg.Join, " "); name == "eu" && joins != "" || name != "eu" && joins != "eu" {
			t.Errorf("%s joins %q", name, joins)
		}
		patience, err := time.ParseDuration(s.StopGracePeriod)
		if err != nil || patience < 70*time.Second || s.Image != "atoll" || !s.ReadOnly || strings.Join(s.CapDrop, "") != "ALL" || strings.Join(s.CapAdd, "") != "NET_BIND_SERVICE" {
			t.Errorf("%s: %+v", name, s)
		}
		if _, ok := c.Volumes[name]; !ok || len(s.Volumes) != 1 || s.Volumes[0] != name+":/data" || len(s.Ports) != 1 || published[s.Ports[0]] {
			t.Errorf("%s: volumes %q, ports %q", name, s.Volumes, s.Ports)
		}
		published[s.Ports[0]] = true
	}
	if len(c.Services) != 3 || c.Secrets["secret"].File != "./secret" {
		t.Errorf("%d services, secrets %+v", len(c.Services), c.Secrets)
	}
	if _, err := os.Stat("container/" + c.Node.Build.Context + "/" + c.Node.Build.Dockerfile); err != nil {
		t.Error(err)
	}
}

// TestContainerIsSmall: one static file that runs as nobody, and commands that it has.
func TestContainerIsSmall(t *testing.T) {
	text, err := os.ReadFile("container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	last := string(text[strings.LastIndex(string(text), "\nFROM ")+1:])
	for _, want := range []string{
		"FROM scratch\n", "\nUSER 65532:65532\n", "\nENV ATOLL_DATA=/data\n", "\nVOLUME /data\n", "\nENTRYPOINT [\"/atoll\"]\n", "\nCMD [\"run\"]\n", "\nSTOPSIGNAL SIGTERM\n",
	} {
		if !strings.Contains(last, want) {
			t.Errorf("the last stage does not say %q", want)
		}
	}
	if !strings.Contains(string(text), "CGO_ENABLED=0 go build") {
		t.Error("the program is not static")
	}
	if strings.Contains(last, "RUN") {
		t.Error("there is no shell to run something in")
	}
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(module))
	if !strings.Contains(string(text), "library/golang:"+version[1]+"-") {
		t.Errorf("not built by Go %s", version[1])
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY (?:--\S+ )*([a-z][^ ]*)`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat("../" + m[1]); err != nil {
			t.Errorf("copies what is not there: %v", err)
		}
	}
}
