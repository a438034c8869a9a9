package doctor

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// healthy is a node with which nothing is wrong.
func healthy() Facts {
	public := netip.MustParseAddr("192.0.2.1")
	return Facts{
		Domain: "meet.example.org", Node: "ubiig7mfa4",
		Ports:     []Port{{Name: "media UDP", Flag: "--media", Addr: netip.AddrPortFrom(public, 10000), By: "abcdefghij"}},
		Addresses: []netip.Addr{public}, Public: func(ip netip.Addr) bool { return !ip.IsPrivate() && !ip.IsLoopback() },
		Clocks:      []Clock{{Node: "abcdefghij", Ahead: 30 * time.Millisecond, Tolerance: 10 * time.Millisecond}},
		Certificate: Certificate{Ends: noon.Add(60 * 24 * time.Hour)},
		DNS: DNS{
			Serves: true, Port: 53, Own: map[string]string{}, Servers: []string{"Ubiig7mfa4.meet.example.org"}, Addresses: []netip.Addr{public},
			Nodes: []string{"ubiig7mfa4.meet.example.org"}, Living: []netip.Addr{public},
		},
	}
}

func TestAHealthyNode(t *testing.T) {
	r := Examine(noon, healthy())
	if r.Status != OK || len(r.Checks) != 9 {
		t.Errorf("%+v", r)
	}
	for _, c := range r.Checks {
		if c.Status != OK || c.Do != "" || c.Text == "" {
			t.Errorf("%+v", c)
		}
	}
}

func TestWhatIsFound(t *testing.T) {
	private, loopback := netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("127.0.0.1")
	cases := map[string]struct {
		spoil    func(*Facts)
		area     string
		want     Status
		text, do string
	}{
		"alone":                    {func(f *Facts) { f.Alone = true }, "ports", Warn, "no other node", "two nodes"},
		"nobody tries":             {func(f *Facts) { f.PortsLost = "refused" }, "ports", Warn, "refused", ""},
		"a closed port":            {func(f *Facts) { f.Ports[0].Err = "no answer" }, "ports", Fail, "media UDP 192.0.2.1:10000: abcdefghij does not reach it: no answer", "--media"},
		"no address":               {func(f *Facts) { f.Addresses = nil }, "addresses", Fail, "no address", "--advertise"},
		"private":                  {func(f *Facts) { f.Addresses = []netip.Addr{private} }, "addresses", Warn, "own network", "--advertise"},
		"private, as told":         {func(f *Facts) { f.Addresses, f.Given = []netip.Addr{private}, true }, "addresses", OK, "10.0.0.5", ""},
		"loopback":                 {func(f *Facts) { f.Addresses = []netip.Addr{loopback} }, "addresses", Fail, "only this machine", "--media"},
		"loopback, no domain":      {func(f *Facts) { f.Addresses, f.Domain = []netip.Addr{loopback}, "localhost" }, "addresses", OK, "only this machine", ""},
		"a clock":                  {func(f *Facts) { f.Clocks[0].Ahead = -5 * time.Second }, "clock", Warn, "ahead by -5s", "NTP"},
		"a wrong clock":            {func(f *Facts) { f.Clocks[0].Ahead = 2 * time.Minute }, "clock", Fail, "refuse", "NTP"},
		"a slow answer":            {func(f *Facts) { f.Clocks[0] = Clock{Node: "x", Ahead: 3 * time.Second, Tolerance: 2 * time.Second} }, "clock", OK, "x is ahead", ""},
		"no clock":                 {func(f *Facts) { f.Clocks[0].Err = "refused" }, "clock", Warn, "refused", ""},
		"no other clock":           {func(f *Facts) { f.Clocks = nil }, "clock", OK, "no other", ""},
		"no TLS":                   {func(f *Facts) { f.Certificate = Certificate{Off: true} }, "certificate", Warn, "--https is off", "reverse proxy"},
		"no TLS, no domain":        {func(f *Facts) { f.Certificate, f.Domain = Certificate{Off: true}, "localhost" }, "certificate", OK, "localhost", ""},
		"ended":                    {func(f *Facts) { f.Certificate.Ends = noon.Add(-time.Hour) }, "certificate", Fail, "ended on 2026-11-29", "renew"},
		"ends soon":                {func(f *Facts) { f.Certificate.Ends = noon.Add(24 * time.Hour) }, "certificate", Warn, "ends soon", "renew"},
		"another domain's":         {func(f *Facts) { f.Certificate.Misses = []string{f.Domain} }, "certificate", Fail, "does not name meet.example.org", "*.meet.example.org"},
		"not the node's":           {func(f *Facts) { f.Certificate.Misses = []string{"n.meet.example.org"} }, "certificate", Warn, "cannot measure", "*."},
		"self-signed":              {func(f *Facts) { f.Certificate.SelfSigned = true }, "certificate", Warn, "browsers warn", "--tls-cert"},
		"untrusted":                {func(f *Facts) { f.Certificate.Untrusted = "unknown authority" }, "certificate", Warn, "unknown authority", "chain"},
		"others run first":         {func(f *Facts) { f.Late = "not permitted" }, "precedence", Warn, "not permitted", "LimitRTPRIO=1"},
		"no domain":                {func(f *Facts) { f.Domain = "localhost" }, "dns", OK, "no --domain", ""},
		"own DNS is silent":        {func(f *Facts) { f.DNS.Own["tcp"] = "refused" }, "dns", Fail, "by tcp: refused", "log"},
		"another port":             {func(f *Facts) { f.DNS.Port = 5353 }, "dns", Warn, "port 5353", "--dns :53"},
		"nobody delegates":         {func(f *Facts) { f.DNS.ServerErr = "no such host" }, "dns", Fail, "no such host", "meet.example.org. NS ubiig7mfa4.meet.example.org."},
		"delegated elsewhere":      {func(f *Facts) { f.DNS.Servers = []string{"ns.example.com"} }, "dns", Fail, "ns.example.com", "NS ubiig7mfa4"},
		"leads nowhere":            {func(f *Facts) { f.DNS.LookupErr = "no such host" }, "dns", Fail, "leads nowhere", "point A"},
		"leads elsewhere":          {func(f *Facts) { f.DNS.Addresses = []netip.Addr{netip.MustParseAddr("198.51.100.1")} }, "dns", Fail, "where no node is", "point A"},
		"leads elsewhere too":      {func(f *Facts) { f.DNS.Addresses = append(f.DNS.Addresses, netip.MustParseAddr("198.51.100.1")) }, "dns", Warn, "some of them", "point A"},
		"leads, only private":      {func(f *Facts) { f.DNS.Living = []netip.Addr{private} }, "dns", Warn, "may be right", "--advertise"},
		"records served by others": {func(f *Facts) { f.DNS = DNS{Addresses: f.Addresses, Living: f.Addresses} }, "dns", OK, "leads to 192.0.2.1", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			c.spoil(&f)
			r := Examine(noon, f)
			found := slices.ContainsFunc(r.Checks, func(got Check) bool {
				return got.Area == c.area && got.Status == c.want && strings.Contains(got.Text, c.text) && strings.Contains(got.Do, c.do)
			})
			worst := slices.ContainsFunc(r.Checks, func(got Check) bool { return got.Status == Fail })
			if !found || worst != (r.Status == Fail) || c.want == Fail && r.Status != Fail {
				t.Errorf("want %s %s %q, got %+v", c.area, c.want, c.text, r)
			}
		})
	}
}
