package config

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// derive fills in the defaults that depend on other settings and on the machine.
func (c *Config) derive(root bool, environ []string) {
	if !c.Given("https") && c.Domain != localhost {
		c.HTTPS = Addr{Port: 443}
	}
	if c.Given("data") {
		return
	}
	if root {
		c.Data = "/var/lib/atoll"
	} else if state := lookup(environ, "XDG_STATE_HOME"); filepath.IsAbs(state) {
		c.Data = filepath.Join(state, "atoll")
	} else if home := lookup(environ, "HOME"); filepath.IsAbs(home) {
		c.Data = filepath.Join(home, ".local", "state", "atoll")
	}
}

// check compares values with each other and with the machine. Settings in bad have been complained of.
func (c *Config) check(bad map[string]bool) Problems {
	var problems Problems
	report := func(name, what, want string) {
		if !bad[name] {
			problems = append(problems, Problem{Where: c.where(name), What: what, Want: want})
		}
	}
	c.checkListeners(bad, report)
	c.checkTLS(report)
	c.checkSecret(report)
	c.readable("geoip", c.GeoIP, report)
	if c.Data == "" {
		report("data", "there is no home folder to keep data in", "--data FOLDER")
	}
	return problems
}

type report func(name, what, want string)

// listened is a port by the setting that asks for it.
type listened struct {
	name string
	addr Addr
}

func (c *Config) checkListeners(bad map[string]bool, report report) {
	for _, part := range []struct {
		name string
		addr Addr
	}{{"xmpp", c.XMPP}} {
		if c.Given(part.name) && !part.addr.Off {
			report(part.name, "not built yet", "off")
		}
	}
	if !c.DNS.Off && c.Domain == localhost && len(c.Join) == 0 && !bad["domain"] {
		report("dns", "there is no domain to answer for", "--domain NAME beside it")
	}
	if c.Mesh.Off && len(c.Join) > 0 {
		report("join", "--mesh is off", "--mesh :7946")
	}
	if c.Mesh.Port == math.MaxUint16 {
		report("mesh", "links take the next port, and there is none", "a port below 65535")
	}
	if c.HTTP.Off && c.HTTPS.Off && !bad["https"] {
		report("http", "http and https are both off: nobody can open the page", "an address for one of them")
	}
	if c.Media.Off {
		report("media", "a node without media serves nobody", "host:port or :port")
	}
	tcp := []listened{{"http", c.HTTP}, {"https", c.HTTPS}, {"admin", c.Admin}, {"mesh", c.Mesh}, {"turn", c.TURN}, {"dns", c.DNS}}
	udp := []listened{{"media", c.Media}, {"mesh", c.Mesh}, {"turn", c.TURN}, {"dns", c.DNS}}
	for _, ports := range [][]listened{tcp, udp} {
		for i, a := range ports {
			for _, b := range ports[i+1:] {
				if a.addr.meets(b.addr) && !bad[a.name] {
					report(b.name, fmt.Sprintf("%s is taken by --%s", b.addr, a.name), "another port")
				}
			}
		}
	}
	if len(c.TURNPeers) > 0 && c.TURN.Off {
		c.Warnings = append(c.Warnings, c.where("turn-peers")+": not used, --turn is off")
	}
	if !c.Admin.Off && !c.Admin.loopback() && !bad["admin"] {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s: %s can be reached from other machines; the admin API has no password", c.where("admin"), c.Admin))
	}
}

func (c *Config) checkTLS(report report) {
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		report("tls-cert", "the certificate has no key", "--tls-key beside it")
	case c.TLSCert == "" && c.TLSKey != "":
		report("tls-key", "the key has no certificate", "--tls-cert beside it")
	}
	c.readable("tls-cert", c.TLSCert, report)
	c.readable("tls-key", c.TLSKey, report)
	if c.TLSCert != "" && c.HTTPS.Off {
		c.Warnings = append(c.Warnings, c.where("tls-cert")+": not used, --https is off")
	}
}

func (c *Config) checkSecret(report report) {
	if c.Given("join") && !c.Given("secret") && !c.Given("secret-file") {
		report("join", "a cluster is joined with its secret", "--secret-file FILE beside it")
	}
	if c.secretText != "" && c.secretFile != "" {
		report("secret", "there is a --secret-file too", "one of them")
		return
	}
	if c.secretText != "" {
		c.takeSecret("secret", c.secretText, report)
		if c.where("secret") == "--secret" {
			c.Warnings = append(c.Warnings, "--secret: everybody on this machine sees it in the list of processes; use --secret-file")
		}
	}
	if c.secretFile != "" {
		info, err := os.Stat(c.secretFile)
		if err == nil && info.Mode().Perm()&0o007 != 0 {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s: everybody on this machine can read %s", c.where("secret-file"), c.secretFile))
		}
		if text, ok := c.readable("secret-file", c.secretFile, report); ok {
			c.takeSecret("secret-file", text, report)
		}
	}
}

func (c *Config) takeSecret(name, text string, report report) {
	secret, err := identity.ParseSecret(text)
	if err != nil {
		report(name, err.Error(), "")
		return
	}
	c.Secret, c.secretText = secret, ""
}

// readable reports a file that is named and cannot be read, and returns the beginning of one that can.
func (c *Config) readable(name, path string, report report) (string, bool) {
	if path == "" {
		return "", false
	}
	file, err := os.Open(path)
	if err != nil {
		report(name, err.Error(), "a file that can be read")
		return "", false
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, 4096))
	if err != nil {
		report(name, err.Error(), "a file that can be read")
		return "", false
	}
	return string(text), true
}

// where returns where a setting was given, or its flag.
func (c *Config) where(name string) string {
	if where := c.given[name]; where != "" {
		return where
	}
	return "--" + name
}
