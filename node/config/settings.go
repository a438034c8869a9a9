package config

import (
	"strings"
)

// setting is one row of the table of settings: the flags, the variables, the keys of the file and their description
// come from here.
type setting struct {
	name  string
	form  string // what a value looks like
	value string // default, as text; "" for none
	says  string // the default in words, when value does not say it
	help  string
	list  bool
	set   func(c *Config, values []string) []error
}

// one is a setting with one value.
func one[T any](field func(*Config) *T, parse func(string) (T, error)) func(*Config, []string) []error {
	return func(c *Config, values []string) []error {
		v, err := parse(strings.TrimSpace(values[len(values)-1]))
		if err != nil {
			return []error{err}
		}
		*field(c) = v
		return nil
	}
}

// many is a setting with a list of values.
func many[T any](field func(*Config) *[]T, parse func(string) (T, error)) func(*Config, []string) []error {
	return func(c *Config, values []string) []error {
		var list []T
		var errs []error
		for _, text := range values {
			v, err := parse(strings.TrimSpace(text))
			if err != nil {
				errs = append(errs, err)
				continue
			}
			list = append(list, v)
		}
		*field(c) = list
		return errs
	}
}

// split takes the commas of a list apart.
func (s setting) split(values []string) []string {
	if !s.list {
		return values
	}
	var all []string
	for _, v := range values {
		all = append(all, strings.Split(v, ",")...)
	}
	return all
}

// flag returns the setting as the command line writes it.
func (s setting) flag() string { return "--" + s.name }

// variable returns the setting as the environment writes it.
func variable(name string) string {
	return "ATOLL_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

const (
	formAddr = "ADDR"
	formFile = "FILE"
)

// settings stand in the order in which they are described. --config is read by Load itself.
var settings = []setting{
	{
		name: "http", form: formAddr, value: ":8080",
		help: "page and sockets in clear, for a reverse proxy or localhost",
		set:  one(func(c *Config) *Addr { return &c.HTTP }, ParseAddr),
	}, {
		name: "https", form: formAddr, value: "off", says: "off, :443 with --domain",
		help: "page and sockets with TLS, and TURN over TLS",
		set:  one(func(c *Config) *Addr { return &c.HTTPS }, ParseAddr),
	}, {
		name: "tls-cert", form: formFile, says: "self-signed",
		help: "own certificate, PEM with its chain; read again when it changes",
		set:  one(func(c *Config) *string { return &c.TLSCert }, parsePath),
	}, {
		name: "tls-key", form: formFile,
		help: "private key of --tls-cert, PEM",
		set:  one(func(c *Config) *string { return &c.TLSKey }, parsePath),
	}, {
		name: "domain", form: "NAME", value: localhost,
		help: "public name, also the XMPP domain",
		set:  one(func(c *Config) *string { return &c.Domain }, ParseDomain),
	}, {
		name: "node-url", form: "URL", says: "https://<node>.<domain>",
		help: "this node's own address, for pages that measure and re-home",
		set:  one(nodeURL, parseNodeURL),
	}, {
		name: "media", form: formAddr, value: ":10000",
		help: "UDP for ICE, DTLS and SRTP",
		set:  one(func(c *Config) *Addr { return &c.Media }, ParseAddr),
	}, {
		name: "geoip", form: formFile, says: "embedded table",
		help: "mmdb file; read again when it changes",
		set:  one(func(c *Config) *string { return &c.GeoIP }, parsePath),
	}, {
		name: "origins", form: "URL", says: "the domain and its nodes", list: true,
		help: "web origins that may open sockets",
		set:  many(func(c *Config) *[]Origin { return &c.Origins }, ParseOrigin),
	}, {
		name: "turn", form: formAddr, value: ":3478",
		help: "TURN and STUN on UDP and TCP",
		set:  one(func(c *Config) *Addr { return &c.TURN }, ParseAddr),
	}, {
		name: "turn-peers", form: "CIDR", list: true,
		help: "what TURN may relay to beside the media of live nodes",
		set:  many(func(c *Config) *[]Prefix { return &c.TURNPeers }, parsePrefix),
	}, {
		name: "xmpp", form: formAddr, value: "off", says: "off; not built yet",
		help: "XMPP over TCP with STARTTLS",
		set:  one(func(c *Config) *Addr { return &c.XMPP }, ParseAddr),
	}, {
		name: "mesh", form: formAddr, value: ":7946",
		help: "gossip on TCP and UDP; links on the next port, UDP",
		set:  one(func(c *Config) *Addr { return &c.Mesh }, ParseAddr),
	}, {
		name: "dns", form: formAddr, value: "off",
		help: "authoritative geo-DNS for --domain, e.g. :53",
		set:  one(func(c *Config) *Addr { return &c.DNS }, ParseAddr),
	}, {
		name: "admin", form: formAddr, value: DefaultAdmin,
		help: "metrics, health, profiles and admin API; never public",
		set:  one(func(c *Config) *Addr { return &c.Admin }, ParseAddr),
	}, {
		name: "advertise", form: "IP[:PORT]", says: "found out", list: true,
		help: "public address told to clients and nodes",
		set:  many(func(c *Config) *[]Endpoint { return &c.Advertise }, parseEndpoint),
	}, {
		name: "region", form: "NAME", says: "from the address",
		help: "name for nodes close to each other",
		set:  one(func(c *Config) *string { return &c.Region }, parseRegion),
	}, {
		name: "location", form: "LAT,LON", says: "from the address",
		help: "where the node stands",
		set:  one(func(c *Config) **Location { return &c.Location }, parseLocation),
	}, {
		name: "join", form: "HOST[:PORT]", list: true, says: "none",
		help: "address or name of any node of the cluster",
		set:  many(func(c *Config) *[]string { return &c.Join }, parsePeer),
	}, {
		name: "secret-file", form: formFile, says: "made at first start, kept in the data folder",
		help: "file with the cluster secret",
		set:  one(func(c *Config) *string { return &c.secretFile }, parsePath),
	}, {
		name: "secret", form: "SECRET",
		help: "the cluster secret itself; shows in the list of processes",
		set:  one(func(c *Config) *string { return &c.secretText }, parseText),
	}, {
		name: "handover", form: "off|drain|standby", value: string(HandoverStandby),
		help: "how participants move to other nodes",
		set:  one(func(c *Config) *Handover { return &c.Handover }, parseHandover),
	}, {
		name: "data", form: "FOLDER", says: "/var/lib/atoll as root, else the XDG state folder",
		help: "node key, certificates, last members",
		set:  one(func(c *Config) *string { return &c.Data }, parsePath),
	}, {
		name: "log", form: "debug|info|warn|error", value: "info",
		help: "level; JSON when stderr is no terminal",
		set:  one(level, parseLevel),
	},
}

// find returns the row with a name.
func find(name string) (setting, bool) {
	for _, s := range settings {
		if s.name == name {
			return s, true
		}
	}
	return setting{}, false
}
