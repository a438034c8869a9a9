package dns

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/atoll-mesh/atoll/geo/dns/zone"
	"github.com/atoll-mesh/atoll/geo/place"
)

const (
	header     = 12
	mostUDP    = 1232
	mostTCP    = 1<<16 - 1
	mostExtra  = 4 // records behind the question; OPT and a signature are two
	responds   = 0x80
	opcodeBits = 0x78
)

// answer returns the answer to a message, nil when there is none. It keeps nothing of the message.
func (s *Server) answer(now time.Time, raw []byte, from netip.Addr, udp bool) []byte {
	if len(raw) < header || raw[2]&responds != 0 {
		s.stats.garbage.Add(1)
		return nil
	}
	if udp {
		switch s.limit.ask(now, from) {
		case drop:
			s.stats.limited.Add(1)
			return nil
		case slip:
			s.stats.limited.Add(1)
			return s.bare(raw, dns.RcodeSuccess, true)
		}
	}
	if raw[2]&opcodeBits>>3 != dns.OpcodeQuery {
		return s.bare(raw, dns.RcodeNotImplemented, false)
	}
	var query dns.Msg
	// What comes behind the question is bounded before it is read: unpacking is the expensive part.
	if counts := raw[4:header]; counts[0] != 0 || counts[1] != 1 || counts[2]|counts[3]|counts[4]|counts[5]|counts[6] != 0 || counts[7] > mostExtra {
		return s.bare(raw, dns.RcodeFormatError, false)
	}
	if err := query.Unpack(raw); err != nil || len(query.Question) != 1 {
		return s.bare(raw, dns.RcodeFormatError, false)
	}
	reply, size := s.reply(&query, from)
	if !udp {
		size = mostTCP
	}
	reply.Compress = true
	reply.Truncate(size)
	reply.Compress = true
	packed, err := reply.Pack()
	if err != nil { // a name that was asked in a form that cannot be written again
		return s.bare(raw, dns.RcodeServerFailure, false)
	}
	s.stats.count(reply.Rcode)
	if reply.Truncated {
		s.stats.truncated.Add(1)
	}
	return packed
}

// bare answers with a header alone, and with the question when it can be found.
func (s *Server) bare(raw []byte, code int, truncated bool) []byte {
	s.stats.count(code)
	out := make([]byte, header, mostUDP)
	copy(out, raw[:3])
	out[2] = raw[2]&(opcodeBits|1) | responds // opcode and RD stay
	if truncated {
		out[2] |= 2
	}
	out[3] = byte(code)
	if raw[4] != 0 || raw[5] != 1 {
		return out
	}
	end := header
	for end < len(raw) && raw[end] != 0 && raw[end] < 64 {
		end += 1 + int(raw[end])
	}
	if end += 5; end <= len(raw) && end-header <= 255+4 && raw[end-5] == 0 {
		out[5] = 1
		out = append(out, raw[header:end]...)
	}
	return out
}

// reply returns the answer to a question and how many bytes it may have by UDP.
func (s *Server) reply(query *dns.Msg, from netip.Addr) (*dns.Msg, int) {
	var reply dns.Msg
	reply.SetReply(query)
	reply.RecursionAvailable, reply.AuthenticatedData, reply.CheckingDisabled = false, false, false
	asked := options{size: dns.MinMsgSize}
	code := asked.read(query)
	if asked.edns {
		asked.write(&reply, s.cfg.Name)
	}
	if code != dns.RcodeSuccess {
		reply.Rcode = code
		return &reply, asked.size
	}
	question := query.Question[0]
	if question.Qclass != dns.ClassINET {
		reply.Rcode = dns.RcodeRefused
		return &reply, asked.size
	}
	client := netip.PrefixFrom(from.Unmap().WithZone(""), from.Unmap().BitLen())
	if asked.subnet.IsValid() && asked.subnet.Bits() > 0 {
		client = asked.subnet
	}
	labels := dns.SplitDomainName(question.Name)
	for i := range labels {
		labels[i] = strings.ToLower(labels[i])
	}
	found := s.zone.Load().Answer(zone.Question{Labels: labels, Type: question.Qtype}, func() (place.Client, int) { return s.cfg.Locate(client) })
	reply.Rcode, reply.Authoritative = int(found.Code), found.Authoritative
	reply.Answer = records(found.Answer, question.Name)
	reply.Ns = records(found.Authority, question.Name)
	reply.Extra = append(records(found.Additional, question.Name), reply.Extra...)
	if asked.option != nil && client == asked.subnet {
		asked.option.SourceScope = uint8(max(0, found.Scope))
	}
	return &reply, asked.size
}

// options are what a question says beside its name (EDNS, RFC 6891).
type options struct {
	edns, do, nsid bool
	size           int
	subnet         netip.Prefix
	option         *dns.EDNS0_SUBNET // of the answer
}

// read returns the code of an answer that cannot be given.
func (o *options) read(query *dns.Msg) int {
	var opt *dns.OPT
	for _, record := range query.Extra {
		one, ok := record.(*dns.OPT)
		switch {
		case !ok:
		case opt != nil, one.Hdr.Name != ".":
			return dns.RcodeFormatError
		default:
			opt = one
		}
	}
	if opt == nil {
		return dns.RcodeSuccess
	}
	o.edns, o.do = true, opt.Do()
	o.size = min(max(int(opt.UDPSize()), dns.MinMsgSize), mostUDP)
	if opt.Version() != 0 {
		return dns.RcodeBadVers
	}
	for _, option := range opt.Option {
		switch option := option.(type) {
		case *dns.EDNS0_NSID:
			o.nsid = true
		case *dns.EDNS0_SUBNET:
			if o.option != nil || !o.take(option) {
				return dns.RcodeFormatError
			}
		}
	}
	return dns.RcodeSuccess
}

// take reads a client subnet, and returns false for one that nobody may send.
func (o *options) take(option *dns.EDNS0_SUBNET) bool {
	ip, ok := netip.AddrFromSlice(option.Address)
	if !ok || option.SourceScope != 0 {
		return false
	}
	if option.Family != 2 {
		ip = ip.Unmap()
	}
	prefix, err := ip.Prefix(int(option.SourceNetmask))
	if err != nil || option.SourceNetmask > 0 && prefix.Addr() != ip {
		return false
	}
	o.option = &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: option.Family, SourceNetmask: option.SourceNetmask, Address: option.Address}
	o.subnet = prefix
	if ip.Is4In6() && prefix.Bits() >= 96 { // an IPv4 address in disguise
		o.subnet = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return true
}

func (o *options) write(reply *dns.Msg, name string) {
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(mostUDP)
	if o.do {
		opt.SetDo()
	}
	if o.option != nil {
		opt.Option = append(opt.Option, o.option)
	}
	if o.nsid {
		opt.Option = append(opt.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: hexOf(name)})
	}
	reply.Extra = append(reply.Extra, opt)
}

const hexDigits = "0123456789abcdef"

// hexOf returns text as miekg/dns wants bytes.
func hexOf(text string) string {
	b := make([]byte, 0, 2*len(text))
	for i := range len(text) {
		b = append(b, hexDigits[text[i]>>4], hexDigits[text[i]&15])
	}
	return string(b)
}

// records writes records; those without a name have the one that was asked for, in the case in which it was.
func records(all []zone.Record, asked string) []dns.RR {
	out := make([]dns.RR, 0, len(all))
	for _, r := range all {
		h := dns.RR_Header{Name: asked, Rrtype: r.Type, Class: dns.ClassINET, Ttl: r.TTL}
		if r.Name != "" {
			h.Name = r.Name + "."
		}
		switch r.Type {
		case zone.TypeA:
			out = append(out, &dns.A{Hdr: h, A: r.Addr.AsSlice()})
		case zone.TypeAAAA:
			out = append(out, &dns.AAAA{Hdr: h, AAAA: r.Addr.AsSlice()})
		case zone.TypeNS:
			out = append(out, &dns.NS{Hdr: h, Ns: r.Target + "."})
		case zone.TypeSOA:
			out = append(out, &dns.SOA{
				Hdr: h, Ns: r.Target + ".", Mbox: r.Text + ".", Serial: r.Serial,
				Refresh: zone.Refresh, Retry: zone.Retry, Expire: zone.Expire, Minttl: zone.Minimum,
			})
		case zone.TypeSRV:
			out = append(out, &dns.SRV{Hdr: h, Priority: r.Order, Port: r.Port, Target: r.Target + "."})
		case zone.TypeTXT:
			out = append(out, &dns.TXT{Hdr: h, Txt: []string{r.Text}})
		case zone.TypeHINFO:
			out = append(out, &dns.HINFO{Hdr: h, Cpu: "RFC8482"})
		}
	}
	return out
}
