package dns

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/atoll-mesh/atoll/geo/dns/zone"
	"github.com/atoll-mesh/atoll/geo/place"
)

const domain = "meet.example.org"

var (
	noon     = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	resolver = netip.MustParseAddr("203.0.113.9")
)

// places are where the networks of these tests are: everything else is nowhere.
var places = map[string]place.Location{"203.0.113.0/24": {Lat: 52, Lon: 13}, "198.51.100.0/24": {Lat: 35, Lon: 139}, "2001:db8:5::/48": {Lat: 40, Lon: -74}}

func locate(p netip.Prefix) (place.Client, int) {
	for text, where := range places {
		if known := netip.MustParsePrefix(text); known.Contains(p.Addr()) {
			return place.Client{Prefix: p, Location: where, Located: true}, known.Bits()
		}
	}
	return place.Client{Prefix: p}, 0
}

func three() []zone.Node {
	var all []zone.Node
	for i, n := range []struct {
		name     string
		lat, lon float64
	}{{"eu", 50, 8}, {"us", 39, -77}, {"ap", 1, 104}} {
		all = append(all, zone.Node{
			Node: place.Node{
				Name: n.name, Location: place.Location{Lat: n.lat, Lon: n.lon}, Located: true,
				IPv4: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})}, IPv6: []netip.Addr{netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i + 1)})},
			},
			Mesh: 7946, NameServer: true, Since: uint64(i),
		})
	}
	return all
}

// quiet is a server without sockets.
func quiet(nodes []zone.Node) *Server {
	s := &Server{cfg: Config{Domain: domain, Name: "eu", Locate: locate, Log: slog.New(slog.DiscardHandler)}, limit: newLimiter()}
	s.Set(nodes)
	return s
}

func question(name string, kind uint16) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, kind)
	return m
}

// subnet adds a client subnet.
func subnet(m *dns.Msg, text string) *dns.Msg {
	p := netip.MustParsePrefix(text)
	option := &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(p.Bits()), Address: p.Addr().AsSlice()}
	if p.Addr().Is6() {
		option.Family = 2
	}
	m.SetEdns0(4096, false)
	m.IsEdns0().Option = append(m.IsEdns0().Option, option)
	return m
}

func exchange(t *testing.T, s *Server, m *dns.Msg, udp bool) *dns.Msg {
	t.Helper()
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, s.answer(noon, raw, resolver, udp))
}

func parse(t *testing.T, raw []byte) *dns.Msg {
	t.Helper()
	reply := new(dns.Msg)
	if err := reply.Unpack(raw); err != nil {
		t.Fatalf("%v in % x", err, raw)
	}
	return reply
}

// addresses returns the addresses of an answer, in order.
func addresses(m *dns.Msg) string {
	var all []string
	for _, r := range m.Answer {
		switch r := r.(type) {
		case *dns.A:
			all = append(all, r.A.String())
		case *dns.AAAA:
			all = append(all, r.AAAA.String())
		}
	}
	return strings.Join(all, " ")
}

func subnetOf(m *dns.Msg) *dns.EDNS0_SUBNET {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if o, ok := o.(*dns.EDNS0_SUBNET); ok {
				return o
			}
		}
	}
	return nil
}

func TestOrderByTheClientsNetwork(t *testing.T) {
	s := quiet(three())
	const europe, asia, america = "192.0.2.1 192.0.2.2 192.0.2.3", "192.0.2.3 192.0.2.1 192.0.2.2", "192.0.2.2 192.0.2.1 192.0.2.3"
	if got := addresses(exchange(t, s, question(domain+".", dns.TypeA), true)); got != europe {
		t.Errorf("by the resolver: %s", got)
	}
	for _, c := range []struct {
		subnet, want string
		scope        uint8
	}{
		{"198.51.100.0/24", asia, 24}, {"198.51.100.7/32", asia, 24}, {"2001:db8:5::/48", america, 48}, {"0.0.0.0/0", europe, 0}, {"::/0", europe, 0},
	} {
		m := exchange(t, s, subnet(question(domain+".", dns.TypeA), c.subnet), true)
		o := subnetOf(m)
		if got := addresses(m); c.scope > 0 && got != c.want {
			t.Errorf("%s: %s, want %s", c.subnet, got, c.want)
		}
		if o == nil || o.SourceScope != c.scope || int(o.SourceNetmask) != netip.MustParsePrefix(c.subnet).Bits() || !o.Address.Equal(net.IP(netip.MustParsePrefix(c.subnet).Addr().AsSlice())) {
			t.Errorf("%s: answered with subnet %+v", c.subnet, o)
		}
	}
	if o := subnetOf(exchange(t, s, subnet(question(domain+".", dns.TypeSOA), "198.51.100.0/24"), true)); o == nil || o.SourceScope != 0 {
		t.Errorf("an answer for everybody has subnet %+v", o)
	}
	if o := subnetOf(exchange(t, s, question(domain+".", dns.TypeA), true)); o != nil {
		t.Errorf("nobody asked for subnet %+v", o)
	}
}

func TestSubnetsThatNobodyMaySend(t *testing.T) {
	s := quiet(three())
	for name, change := range map[string]func(*dns.EDNS0_SUBNET, []byte) []byte{
		"a scope":                func(o *dns.EDNS0_SUBNET, _ []byte) []byte { o.SourceScope = 8; return nil },
		"bits behind the prefix": func(_ *dns.EDNS0_SUBNET, raw []byte) []byte { raw[len(raw)-1] |= 1; return raw },
		"no such family":         func(_ *dns.EDNS0_SUBNET, raw []byte) []byte { raw[len(raw)-6] = 9; return raw },
		"too long a prefix":      func(_ *dns.EDNS0_SUBNET, raw []byte) []byte { raw[len(raw)-5] = 33; return raw },
	} {
		m := subnet(question(domain+".", dns.TypeA), "198.51.96.0/20") // 3 bytes of address at the end
		raw, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if changed := change(subnetOf(m), raw); changed != nil {
			raw = changed
		} else if raw, err = m.Pack(); err != nil {
			t.Fatal(err)
		}
		if got := parse(t, s.answer(noon, raw, resolver, true)); got.Rcode != dns.RcodeFormatError || len(got.Answer) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatIsNotAnswered(t *testing.T) {
	s := quiet(three())
	with := func(m *dns.Msg, change func(*dns.Msg)) *dns.Msg { change(m); return m }
	for name, c := range map[string]struct {
		m    *dns.Msg
		code int
	}{
		"another zone":         {question("example.com.", dns.TypeA), dns.RcodeRefused},
		"the root":             {question(".", dns.TypeNS), dns.RcodeRefused},
		"a dot inside a label": {question(`x\.meet.example.org.`, dns.TypeA), dns.RcodeRefused},
		"the class of chaos":   {with(question("id.server.", dns.TypeTXT), func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), dns.RcodeRefused},
		"a transfer":           {question(domain+".", dns.TypeAXFR), dns.RcodeRefused},
		"an update":            {with(question(domain+".", dns.TypeSOA), func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }), dns.RcodeNotImplemented},
		"a notification":       {with(question(domain+".", dns.TypeSOA), func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }), dns.RcodeNotImplemented},
		"two questions":        {with(question(domain+".", dns.TypeA), func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), dns.RcodeFormatError},
		"an answer in it": {with(question(domain+".", dns.TypeA), func(m *dns.Msg) {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: ".", Rrtype: 1, Class: 1}, A: net.IPv4zero}}
		}), dns.RcodeFormatError},
		"a newer EDNS":           {with(question(domain+".", dns.TypeA), func(m *dns.Msg) { m.SetEdns0(1232, false); m.IsEdns0().SetVersion(1) }), dns.RcodeBadVers},
		"EDNS twice":             {with(question(domain+".", dns.TypeA), func(m *dns.Msg) { m.SetEdns0(1232, false); m.Extra = append(m.Extra, m.Extra[0]) }), dns.RcodeFormatError},
		"no such name":           {question("nobody."+domain+".", dns.TypeA), dns.RcodeNameError},
		"recursion is not there": {question(domain+".", dns.TypeMX), dns.RcodeSuccess},
	} {
		got := exchange(t, s, c.m, true)
		if got.Rcode != c.code || len(got.Answer) > 0 || got.RecursionAvailable || got.Id != c.m.Id || !got.Response || got.RecursionDesired != c.m.RecursionDesired || got.Opcode != c.m.Opcode {
			t.Errorf("%s: %v", name, got)
		}
		if negative := got.Rcode == dns.RcodeNameError || got.Rcode == dns.RcodeSuccess; negative != got.Authoritative || negative != (len(got.Ns) == 1) {
			t.Errorf("%s: authority %v", name, got.Ns)
		}
	}
	reply := exchange(t, s, question(domain+".", dns.TypeA), true)
	raw, _ := reply.Pack()
	for name, b := range map[string][]byte{"an answer": raw, "nothing": nil, "half a header": raw[:11]} {
		if got := s.answer(noon, b, resolver, true); got != nil {
			t.Errorf("%s is answered: % x", name, got)
		}
	}
}

func TestTheCaseThatWasAskedIsKept(t *testing.T) {
	s := quiet(three())
	const name = "eU.mEEt.ExAmple.oRG."
	m := exchange(t, s, question(name, dns.TypeA), true)
	if m.Question[0].Name != name || len(m.Answer) != 1 || m.Answer[0].Header().Name != name {
		t.Errorf("%v", m)
	}
}

func TestLongAnswersAreCutByUDP(t *testing.T) {
	nodes := three()
	for i := range nodes {
		for j := range 12 {
			nodes[i].IPv6 = append(nodes[i].IPv6, netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i), 15: byte(j)}))
		}
	}
	s := quiet(nodes)
	ask := question("_atoll._udp."+domain+".", dns.TypeSRV)
	whole := exchange(t, s, ask, false)
	if whole.Truncated || len(whole.Extra) != 3*14 {
		t.Errorf("by TCP: %d further records, cut: %v", len(whole.Extra), whole.Truncated)
	}
	raw, _ := ask.Pack()
	if got := s.answer(noon, raw, resolver, true); len(got) > 512 || !parse(t, got).Truncated {
		t.Errorf("by UDP: %d bytes", len(got))
	}
	ask.SetEdns0(4096, true)
	raw, _ = ask.Pack()
	got := s.answer(noon, raw, resolver, true)
	if m := parse(t, got); len(got) > 1232 || len(got) < 600 || !m.Truncated || m.IsEdns0() == nil || !m.IsEdns0().Do() || m.IsEdns0().UDPSize() != 1232 {
		t.Errorf("by UDP with EDNS: %d bytes, %v", len(got), m.IsEdns0())
	}
}

func TestNSIDIsTheNodesName(t *testing.T) {
	m := question(domain+".", dns.TypeSOA)
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	got := exchange(t, quiet(three()), m, true).IsEdns0()
	if len(got.Option) != 1 || got.Option[0].String() != "6575" {
		t.Errorf("%v", got)
	}
}

func TestANetworkThatAsksTooMuch(t *testing.T) {
	s := quiet(three())
	raw, _ := question(domain+".", dns.TypeA).Pack()
	flood := func(now time.Time, from string, n int) (whole, cut, none int) {
		for range n {
			switch b := s.answer(now, raw, netip.MustParseAddr(from), true); {
			case b == nil:
				none++
			case parse(t, b).Truncated:
				cut++
			default:
				whole++
			}
		}
		return whole, cut, none
	}
	if whole, cut, none := flood(noon, "203.0.113.1", 1000); whole != burst || cut != 400 || none != 400 {
		t.Errorf("%d answered, %d cut, %d dropped", whole, cut, none)
	}
	if whole, _, _ := flood(noon, "203.0.113.200", 10); whole != 0 {
		t.Errorf("%d answered to the same network", whole)
	}
	if whole, _, _ := flood(noon, "203.0.112.1", 10); whole != 10 {
		t.Errorf("%d of 10 answered to another network", whole)
	}
	if whole, _, _ := flood(noon.Add(time.Second), "203.0.113.1", 1000); whole != perSecond {
		t.Errorf("%d answered a second later", whole)
	}
	if got := s.answer(noon, raw, netip.MustParseAddr("203.0.113.1"), false); got == nil || parse(t, got).Truncated {
		t.Error("TCP is limited")
	}
}

// TestAFloodOfNetworksIsBounded forges more networks than the table has places.
func TestAFloodOfNetworksIsBounded(t *testing.T) {
	l := newLimiter()
	passed := 0
	for i := range 4 * mostNets {
		ip := netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1})
		if l.ask(noon, ip) == pass {
			passed++
		}
	}
	if len(l.paid) > mostNets || passed != mostNets+burst {
		t.Errorf("%d networks kept, %d questions passed", len(l.paid), passed)
	}
	if l.ask(noon.Add(3*time.Second), netip.MustParseAddr("198.51.100.1")) != pass || len(l.paid) > 2 {
		t.Errorf("%d networks kept after the flood", len(l.paid))
	}
}

// FuzzMessage sends what it likes.
func FuzzMessage(f *testing.F) {
	for _, m := range []*dns.Msg{
		question(domain+".", dns.TypeA), question("_atoll._udp."+domain+".", dns.TypeSRV), question("x."+domain+".", dns.TypeANY),
		subnet(question("EU."+domain+".", dns.TypeAAAA), "198.51.96.0/20"), subnet(question(domain+".", dns.TypeA), "2001:db8:5::/48"), question(".", dns.TypeNS),
	} {
		raw, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, true)
		f.Add(raw, false)
	}
	s := quiet(three())
	now := noon
	f.Fuzz(func(t *testing.T, raw []byte, udp bool) {
		now = now.Add(time.Second) // within the limit
		got := s.answer(now, raw, resolver, udp)
		if got == nil {
			if len(raw) >= header && raw[2]&responds == 0 {
				t.Fatal("a question without an answer")
			}
			return
		}
		reply := new(dns.Msg)
		if err := reply.Unpack(got); err != nil {
			t.Fatalf("an answer that cannot be read: %v", err)
		}
		switch {
		case got[0] != raw[0] || got[1] != raw[1] || !reply.Response:
			t.Fatal("an answer to another question")
		case udp && len(got) > mostUDP:
			t.Fatalf("%d bytes by UDP", len(got))
		case reply.RecursionAvailable:
			t.Fatal("recursion")
		}
		for _, r := range reply.Answer {
			if !dns.IsSubDomain(domain+".", r.Header().Name) {
				t.Fatalf("a record of %s", r.Header().Name)
			}
		}
	})
}
