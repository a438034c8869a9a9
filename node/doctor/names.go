package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// names checks the way from the domain to the cluster.
func names(_ time.Time, f Facts) []Check {
	if f.Domain == localhost {
		return []Check{{Status: OK, Text: "there is no --domain: clients use the address"}}
	}
	var all []Check
	if f.DNS.Serves {
		all = append(all, own(f)...)
		all = append(all, delegation(f))
	}
	return append(all, leads(f))
}

// own are the answers of the node itself.
func own(f Facts) []Check {
	var all []Check
	for _, network := range []string{"udp", "tcp"} {
		if trouble := f.DNS.Own[network]; trouble != "" {
			all = append(all, Check{Status: Fail, Text: "the node's own DNS does not answer by " + network + ": " + trouble, Do: "see the log of the node"})
		} else {
			all = append(all, Check{Status: OK, Text: "the node's own DNS answers by " + network})
		}
	}
	if f.DNS.Port != 53 {
		all = append(all, Check{Status: Warn, Text: fmt.Sprintf("DNS is on port %d, and resolvers ask port 53", f.DNS.Port), Do: "forward port 53 to it, or give --dns :53"})
	}
	return all
}

func delegation(f Facts) Check {
	records := make([]string, len(f.DNS.Nodes))
	for i, n := range f.DNS.Nodes {
		records[i] = fmt.Sprintf("%s. NS %s.", f.Domain, n)
	}
	do := "add to the zone above, with the addresses of the nodes as glue: " + strings.Join(records, "  ")
	switch {
	case f.DNS.ServerErr != "":
		return Check{Status: Fail, Text: "nobody knows who serves " + f.Domain + ": " + f.DNS.ServerErr, Do: do}
	case !slices.ContainsFunc(f.DNS.Servers, func(s string) bool { return slices.Contains(f.DNS.Nodes, strings.ToLower(s)) }):
		return Check{Status: Fail, Text: f.Domain + " is served by " + strings.Join(f.DNS.Servers, ", ") + ", none of which is a node", Do: do}
	}
	return Check{Status: OK, Text: f.Domain + " is delegated to " + strings.Join(f.DNS.Servers, ", ")}
}

// leads is what the rest of the world gets for the domain.
func leads(f Facts) Check {
	do := "point A and AAAA records of the domain at the nodes, or delegate it to them with --dns :53"
	var texts []string
	strange := 0
	for _, ip := range f.DNS.Addresses {
		texts = append(texts, ip.String())
		if !slices.Contains(f.DNS.Living, ip) {
			strange++
		}
	}
	text := f.Domain + " leads to " + strings.Join(texts, ", ")
	switch {
	case f.DNS.LookupErr != "":
		return Check{Status: Fail, Text: f.Domain + " leads nowhere: " + f.DNS.LookupErr, Do: do}
	case strange == len(texts):
		if !slices.ContainsFunc(f.DNS.Living, func(ip netip.Addr) bool { return f.Public(ip) }) {
			return Check{Status: Warn, Text: text + "; the nodes know only private addresses, so this may be right", Do: "give --advertise with the public address"}
		}
		return Check{Status: Fail, Text: text + ", where no node is", Do: do}
	case strange > 0:
		return Check{Status: Warn, Text: text + "; at some of them no node is", Do: do}
	}
	return Check{Status: OK, Text: text}
}
