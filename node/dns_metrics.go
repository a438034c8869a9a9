package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atoll-mesh/atoll/geo/dns"
)

const (
	dnsAnswers = "DNS questions that were answered, by code."
	dnsDropped = "DNS questions and connections that got nothing, or less than they asked for."
)

// dnsCodes are the codes that a name server of one zone gives (RFC 1035 4.1.1), by their number.
var dnsCodes = map[int]string{0: "noerror", 1: "formerr", 2: "servfail", 3: "nxdomain", 4: "notimp", 5: "refused"}

// dnsCounters are the counters of the DNS server. Without one there are none.
func (n *Node) dnsCounters() []counter {
	if n.dns == nil {
		return nil
	}
	var counters []counter
	add := func(name, help string, labels prometheus.Labels, read func(dns.Stats) uint64) {
		counters = append(counters, counter{name, help, labels, func() uint64 { return read(n.dns.Stats()) }})
	}
	code := func(name string) prometheus.Labels { return prometheus.Labels{"code": name} }
	for number, name := range dnsCodes {
		add("atoll_dns_answers_total", dnsAnswers, code(name), func(s dns.Stats) uint64 { return s.Answers[number] })
	}
	add("atoll_dns_answers_total", dnsAnswers, code("other"), func(s dns.Stats) uint64 {
		var all uint64
		for number, count := range s.Answers {
			if dnsCodes[number] == "" {
				all += count
			}
		}
		return all
	})
	add("atoll_dns_dropped_total", dnsDropped, reason("rate"), func(s dns.Stats) uint64 { return s.Limited })
	add("atoll_dns_dropped_total", dnsDropped, reason("garbage"), func(s dns.Stats) uint64 { return s.Garbage })
	add("atoll_dns_dropped_total", dnsDropped, reason("evicted"), func(s dns.Stats) uint64 { return s.Evicted })
	add("atoll_dns_truncated_total", "DNS answers that were too long for UDP.", nil, func(s dns.Stats) uint64 { return s.Truncated })
	add("atoll_dns_connections_total", "DNS connections by TCP.", nil, func(s dns.Stats) uint64 { return s.Connections })
	return counters
}
