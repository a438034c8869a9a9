// Package config is what an operator can set: one typed [Config], where each value comes from, and what can be wrong
// with it.
//
// # Sources
//
// A setting has one name. It is a flag (--tls-cert), an environment variable (ATOLL_TLS_CERT) and a key of the YAML file
// that --config names (tls-cert). A flag counts more than the environment, the environment more than the file, the file
// more than the default; a list is replaced as a whole. An empty environment variable is one that is not set. Lists are
// written with commas in all three, as repeated flags, or as YAML sequences. Of a flag that is given twice and is no
// list the last counts.
//
// # Problems
//
// [Load] reports every [Problem] at once: where the value was given, what is wrong, what would be right. Problems are
// found in three steps, and a later step leaves out what an earlier one has named: reading the sources, reading the
// values, and comparing values with each other and with the machine.
//
// # Parts that are not built yet
//
// Their settings are read and checked. Asking for one of their listeners stops the start; their defaults are off.
//
// # Choices
//
// --https is :443 by itself only for a --domain other than localhost: giving a default explicitly changes nothing.
// --advertise without a port means the port of --media.
package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"os"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Config is a complete, checked configuration. The zero value is not: start from Load or Default.
type Config struct {
	HTTP      Addr       // page and sockets in clear
	HTTPS     Addr       // the same with TLS
	TLSCert   string     // PEM files; both or none
	TLSKey    string     //
	Domain    string     // public name and XMPP domain, lower case
	NodeURL   *url.URL   // this node's own address; nil: https://<node>.<domain>
	Media     Addr       // UDP for ICE, DTLS, SRTP
	GeoIP     string     // mmdb file; "": the embedded table
	Origins   []Origin   // web origins that may open sockets; none: the domain and its nodes
	TURN      Addr       // TURN and STUN on UDP and TCP
	TURNPeers []Prefix   // what TURN relays to beside the media of live nodes
	XMPP      Addr       // XMPP over TCP
	Mesh      Addr       // gossip; QUIC links on the next port
	DNS       Addr       // authoritative DNS
	Admin     Addr       // metrics, health, profiles, admin API
	Advertise []Endpoint // public addresses; none: found out
	Region    string     // "": from the address
	Location  *Location  // nil: from the address
	Join      []string   // addresses or names of nodes
	Secret    identity.Secret
	Handover  Handover
	Data      string // data folder
	Log       slog.Level

	// Warnings are what an operator should know and what does not stop the start.
	Warnings []string

	secretFile, secretText string
	given                  map[string]string // by setting: where it was given, "" for a default
}

// Endpoint is a public address of the node. Port 0 stands for the port of --media.
type Endpoint = netip.AddrPort

// Prefix is a range of addresses.
type Prefix = netip.Prefix

// Given reports whether a setting was given, or stands at its default.
func (c *Config) Given(name string) bool { return c.given[name] != "" }

// Default returns the configuration of a node that was told nothing: the defaults, without a data folder.
func Default() Config {
	c := Config{given: map[string]string{}}
	for _, s := range settings {
		if s.value != "" {
			if problems := s.set(&c, []string{s.value}); problems != nil {
				panic("config: default of " + s.name + ": " + problems[0].Error()) // the table below is wrong
			}
		}
	}
	return c
}

// Load returns the configuration that the command line (without the command) and the environment ("NAME=value") ask for.
// The error is [Problems].
func Load(args, environ []string) (Config, error) {
	return load(args, environ, os.Geteuid() == 0)
}

func load(args, environ []string, root bool) (Config, error) {
	flags, problems := readArgs(args)
	variables := readEnviron(environ)
	var file assignments
	if path, ok := pick("config", flags, variables); ok {
		var more Problems
		file, more = readFile(path.values[len(path.values)-1])
		problems = append(problems, more...)
	}

	c := Default()
	c.Warnings = unknownVariables(environ)
	bad := map[string]bool{}
	for _, s := range settings {
		a, ok := pick(s.name, flags, variables, file)
		if !ok {
			continue
		}
		c.given[s.name] = a.where
		for _, err := range s.set(&c, s.split(a.values)) {
			problems = append(problems, place(err, a.where))
			bad[s.name] = true
		}
	}
	c.derive(root, environ)
	problems = append(problems, c.check(bad)...)
	if len(problems) > 0 {
		return Config{}, problems
	}
	return c, nil
}

// pick returns the first source's assignment of a setting.
func pick(name string, sources ...assignments) (assignment, bool) {
	for _, source := range sources {
		if a, ok := source[name]; ok {
			return a, true
		}
	}
	return assignment{}, false
}

// assignment is what one source says about a setting.
type assignment struct {
	where  string
	values []string
}

// assignments are by the name of the setting.
type assignments map[string]assignment
