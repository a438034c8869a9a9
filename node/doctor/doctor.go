// Package doctor says what is wrong with a node and what to do about it. It is an engine: the node gathers [Facts], the verdicts
// follow from them alone.
//
//	ports        what another node reaches (node/reach)
//	addresses    whether clients elsewhere can use what they are told
//	clock        how far it is from those of others: more than a minute and gossip refuses the node
//	certificate  whether browsers take it, and for how long
//	precedence   whether the node may run before other programs while somebody joins (node/precedence)
//	dns          whether the domain leads to the cluster: by its own servers, or by records that somebody else serves
package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Status is how a check went.
type Status string

// What a check can come to, the worst last.
const (
	OK   Status = "ok"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Check is one line of the report.
type Check struct {
	Area   string `json:"area"`
	Status Status `json:"status"`
	Text   string `json:"text"`
	Do     string `json:"do,omitempty"` // what would help; "" when nothing is to be done
}

// Report is all of them.
type Report struct {
	Status Status  `json:"status"` // the worst
	Checks []Check `json:"checks"`
}

// Facts are what a node knows of itself and what others told it.
type Facts struct {
	Domain string // "localhost": none
	Node   string

	Alone     bool // no other node is there
	Ports     []Port
	PortsLost string // why no other node said anything of the ports

	Addresses []netip.Addr // that clients are told, the best first
	Given     bool         // by the operator
	Public    func(netip.Addr) bool

	Clocks []Clock

	Certificate Certificate
	Late        string // why the node may not run before other programs, "" when it may
	DNS         DNS
}

// Port is what another node found of a port.
type Port struct {
	Name, Flag string
	Addr       netip.AddrPort
	By, Err    string
}

// Clock is how far the clock of another node is ahead of the own one, give or take.
type Clock struct {
	Node      string
	Ahead     time.Duration
	Tolerance time.Duration
	Err       string
}

// Certificate is what the HTTPS port shows.
type Certificate struct {
	Off        bool
	Ends       time.Time
	Misses     []string // names that clients use and that are not in it
	SelfSigned bool
	Untrusted  string // why the system's roots do not vouch for it
}

// DNS is how the domain is found.
type DNS struct {
	Serves    bool
	Port      uint16
	Own       map[string]string // by protocol: what is wrong with the own answers, "" for nothing
	Servers   []string          // names that the rest of the world says serve the domain
	ServerErr string
	Addresses []netip.Addr // that the rest of the world gets for the domain
	LookupErr string
	Nodes     []string     // names of nodes that serve DNS, with the domain
	Living    []netip.Addr // addresses of all nodes
}

// Limits of what is well.
const (
	clockWarn = 2 * time.Second
	clockFail = time.Minute
	endsSoon  = 14 * 24 * time.Hour
)

// Examine returns the report.
func Examine(now time.Time, f Facts) Report {
	r := Report{Status: OK}
	for _, area := range []struct {
		name  string
		check func(time.Time, Facts) []Check
	}{{"ports", ports}, {"addresses", addresses}, {"clock", clock}, {"certificate", certificate}, {"precedence", precedence}, {"dns", names}} {
		for _, c := range area.check(now, f) {
			c.Area = area.name
			r.Checks = append(r.Checks, c)
			if c.Status == Fail || c.Status == Warn && r.Status == OK {
				r.Status = c.Status
			}
		}
	}
	return r
}

func ports(_ time.Time, f Facts) []Check {
	switch {
	case f.Alone:
		return []Check{{Status: Warn, Text: "no other node is there that could try the ports", Do: "ask again when there are two nodes"}}
	case f.PortsLost != "":
		return []Check{{Status: Warn, Text: "no other node could try the ports: " + f.PortsLost, Do: "see what atoll doctor says at the other nodes"}}
	}
	var all []Check
	for _, p := range f.Ports {
		if p.Err == "" {
			all = append(all, Check{Status: OK, Text: fmt.Sprintf("%s %v: %s reaches it", p.Name, p.Addr, p.By)})
			continue
		}
		all = append(all, Check{
			Status: Fail, Text: fmt.Sprintf("%s %v: %s does not reach it: %s", p.Name, p.Addr, p.By, p.Err),
			Do: fmt.Sprintf("open it in the firewall and forward it to this node (%s); if the address is wrong, give --advertise", p.Flag),
		})
	}
	return all
}

func addresses(_ time.Time, f Facts) []Check {
	var texts []string
	for _, ip := range f.Addresses {
		texts = append(texts, ip.String())
	}
	told := "clients are told " + strings.Join(texts, ", ")
	switch {
	case len(f.Addresses) == 0:
		return []Check{{Status: Fail, Text: "clients are told no address", Do: "give --advertise"}}
	case f.Given, slices.ContainsFunc(f.Addresses, f.Public):
		return []Check{{Status: OK, Text: told}}
	case !slices.ContainsFunc(f.Addresses, func(ip netip.Addr) bool { return !ip.IsLoopback() }):
		status, do := OK, ""
		if f.Domain != localhost {
			status, do = Fail, "let --media listen on every address (:10000), or give --advertise"
		}
		return []Check{{Status: status, Text: told + ": only this machine reaches it", Do: do}}
	}
	return []Check{{Status: Warn, Text: told + ": only its own network reaches it", Do: "give --advertise with the public address if clients come from elsewhere"}}
}

const localhost = "localhost"

func clock(_ time.Time, f Facts) []Check {
	if len(f.Clocks) == 0 {
		return []Check{{Status: OK, Text: "no other clock to compare with"}}
	}
	var all []Check
	for _, c := range f.Clocks {
		off := max(0, c.Ahead.Abs()-c.Tolerance)
		switch text := fmt.Sprintf("%s is ahead by %v (within %v)", c.Node, c.Ahead.Round(time.Millisecond), c.Tolerance.Round(time.Millisecond)); {
		case c.Err != "":
			all = append(all, Check{Status: Warn, Text: c.Node + " does not tell its time: " + c.Err})
		case off >= clockFail:
			all = append(all, Check{Status: Fail, Text: text + ": nodes refuse each other", Do: "run NTP at both, e.g. systemd-timesyncd or chrony"})
		case off >= clockWarn:
			all = append(all, Check{Status: Warn, Text: text, Do: "run NTP at both, e.g. systemd-timesyncd or chrony"})
		default:
			all = append(all, Check{Status: OK, Text: text})
		}
	}
	return all
}

func certificate(now time.Time, f Facts) []Check {
	c := f.Certificate
	left := c.Ends.Sub(now)
	ends := "it ends on " + c.Ends.UTC().Format(time.DateOnly)
	switch {
	case c.Off && f.Domain == localhost:
		return []Check{{Status: OK, Text: "--https is off: browsers give camera and microphone to pages of localhost only"}}
	case c.Off:
		return []Check{{Status: Warn, Text: "--https is off: browsers give camera and microphone only to pages by TLS", Do: "let a reverse proxy do TLS in front of --http, or give --https :443"}}
	case left <= 0:
		return []Check{{Status: Fail, Text: "the certificate ended on " + c.Ends.UTC().Format(time.DateOnly), Do: "renew --tls-cert; the node reads it again by itself"}}
	case slices.Contains(c.Misses, f.Domain):
		return []Check{{Status: Fail, Text: "the certificate does not name " + strings.Join(c.Misses, ", "), Do: "get one for the domain and for *." + f.Domain}}
	case len(c.Misses) > 0:
		return []Check{{Status: Warn, Text: "the certificate does not name " + strings.Join(c.Misses, ", ") + ": pages cannot measure this node and go to it by name", Do: "get one for the domain and for *." + f.Domain}}
	case c.SelfSigned && f.Domain == localhost:
		return []Check{{Status: OK, Text: "the certificate is the node's own; " + ends}}
	case c.SelfSigned:
		return []Check{{Status: Warn, Text: "the certificate is the node's own: browsers warn of it", Do: "give --tls-cert and --tls-key"}}
	case c.Untrusted != "":
		return []Check{{Status: Warn, Text: "this machine does not trust the certificate: " + c.Untrusted, Do: "see that --tls-cert holds the whole chain"}}
	case left < endsSoon:
		return []Check{{Status: Warn, Text: "the certificate ends soon: " + ends, Do: "renew --tls-cert; the node reads it again by itself"}}
	}
	return []Check{{Status: OK, Text: "the certificate fits; " + ends}}
}

func precedence(_ time.Time, f Facts) []Check {
	if f.Late == "" {
		return []Check{{Status: OK, Text: "the node runs before other programs while somebody joins"}}
	}
	return []Check{{
		Status: Warn, Text: "media is late while many join and the machine is busy: " + f.Late,
		Do: "where that can be, give it a real-time limit of 1: LimitRTPRIO=1 in its unit, --ulimit rtprio=1 for a container",
	}}
}
