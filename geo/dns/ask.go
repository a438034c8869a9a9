package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Reply is what a server answered to Ask.
type Reply struct {
	Code          int // RFC 1035 4.1.1
	Authoritative bool
	Addresses     []netip.Addr // of A and AAAA, in order
	Names         []string     // of NS, without the dot at the end
}

// askTries is how often a question is sent by UDP before the time is over.
const askTries = 3

// Ask asks a server for a name by "udp" or "tcp", within the context. It is for checks: nothing is followed, nothing is kept.
func Ask(ctx context.Context, network string, server netip.AddrPort, name string, kind uint16) (Reply, error) {
	var m dns.Msg
	m.SetQuestion(dns.Fqdn(name), kind)
	m.RecursionDesired = false
	deadline, limited := ctx.Deadline()
	if !limited {
		deadline = time.Now().Add(patience)
	}
	tries := 1
	if network == "udp" {
		tries = askTries
	}
	client := dns.Client{Net: network, Timeout: time.Until(deadline) / time.Duration(tries)}
	var answer *dns.Msg
	var err error
	for range tries {
		if answer, _, err = client.ExchangeContext(ctx, &m, server.String()); err == nil || ctx.Err() != nil {
			break
		}
		var late net.Error
		if !errors.As(err, &late) || !late.Timeout() {
			break
		}
	}
	if err != nil {
		return Reply{}, fmt.Errorf("ask %v by %s for %s: %w", server, network, name, err)
	}
	reply := Reply{Code: answer.Rcode, Authoritative: answer.Authoritative}
	for _, r := range slices.Concat(answer.Answer, answer.Ns) {
		var ip net.IP
		switch r := r.(type) {
		case *dns.A:
			ip = r.A
		case *dns.AAAA:
			ip = r.AAAA
		case *dns.NS:
			reply.Names = append(reply.Names, r.Ns[:max(0, len(r.Ns)-1)])
		}
		if a, ok := netip.AddrFromSlice(ip); ok {
			reply.Addresses = append(reply.Addresses, a.Unmap())
		}
	}
	return reply, nil
}
