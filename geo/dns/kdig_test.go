//go:build lab

package dns

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// kdig asks with Knot's client, an implementation of its own, and returns what it shows.
func kdig(t *testing.T, s *Server, args ...string) string {
	t.Helper()
	addr := s.Addr()
	all := append([]string{"@" + addr.Addr().String(), "-p", strings.TrimPrefix(addr.String(), addr.Addr().String()+":"), "+retry=0", "+time=5"}, args...)
	c := exec.CommandContext(t.Context(), "kdig", all...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Fatalf("kdig %q: %v\n%s", args, err, out.String())
	}
	return out.String()
}

func TestKdigUnderstandsEveryAnswer(t *testing.T) {
	s := serve(t)
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"A":           {[]string{domain, "A"}, []string{"status: NOERROR", "Flags: qr aa rd;", "ANSWER: 3;", "meet.example.org."}},
		"AAAA by TCP": {[]string{"+tcp", domain, "AAAA"}, []string{"status: NOERROR", "ANSWER: 3;", "(TCP)"}},
		"NS":          {[]string{domain, "NS"}, []string{"ANSWER: 3;", "eu.meet.example.org.", "ADDITIONAL: 6"}},
		"SOA":         {[]string{domain, "SOA"}, []string{"hostmaster.meet.example.org."}},
		"SRV":         {[]string{"_atoll._udp." + domain, "SRV"}, []string{"0 0 7946 eu.meet.example.org.", "2 0 7946 ap.meet.example.org."}},
		"TXT":         {[]string{domain, "TXT"}, []string{`"atoll nodes=3"`}},
		"a node":      {[]string{"us." + domain, "A"}, []string{"192.0.2.2"}},
		"ANY":         {[]string{domain, "ANY"}, []string{`"RFC8482" ""`, "ANSWER: 1;"}},
		"not there":   {[]string{"nobody." + domain, "A"}, []string{"status: NXDOMAIN", "AUTHORITY: 1;", "SOA"}},
		"not ours":    {[]string{"example.com", "A"}, []string{"status: REFUSED"}},
		"NSID":        {[]string{"+nsid", domain, "SOA"}, []string{`NSID: 6575 "eu"`}},
		"subnet":      {[]string{"+subnet=198.51.100.0/24", domain, "A"}, []string{"CLIENT-SUBNET: 198.51.100.0/24/24"}},
		"subnet of 6": {[]string{"+subnet=2001:db8:5::/56", domain, "A"}, []string{"CLIENT-SUBNET: 2001:db8:5::/56/48"}},
		"cookie":      {[]string{"+cookie", domain, "SOA"}, []string{"status: NOERROR"}},
		"EDNS 1":      {[]string{"+edns=1", domain, "SOA"}, []string{"status: BADVERS"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := kdig(t, s, c.args...)
			for _, want := range c.want {
				if !strings.Contains(strings.ReplaceAll(got, "\t", "  "), want) {
					t.Errorf("without %q:\n%s", want, got)
				}
			}
			if strings.Contains(got, "WARNING: ") && !strings.Contains(got, "recursion") {
				t.Errorf("kdig warns:\n%s", got)
			}
		})
	}
}
