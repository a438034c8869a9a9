package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// mostHops bounds how many proxies are followed.
const mostHops = 16

// proxies rewrites requests to what the client sent before any trusted proxy.
type proxies struct {
	trusted []netip.Prefix
	next    http.Handler
}

// ServeHTTP refuses a host that is none: it goes into URLs, headers and scripts.
func (p proxies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	seen := hop{scheme: scheme, host: r.Host, client: r.RemoteAddr}
	if p.trusts(r.RemoteAddr) {
		seen = p.follow(seen, r.Header)
	}
	if !isHost(seen.host) {
		http.Error(w, "the Host header is no host", http.StatusBadRequest)
		return
	}
	u := *r.URL
	u.Scheme, u.Host = seen.scheme, seen.host
	as := r.Clone(r.Context())
	as.Host, as.URL, as.RemoteAddr = seen.host, &u, seen.client
	p.next.ServeHTTP(w, as)
}

// hop is a request as one proxy saw it; "" is what it did not say.
type hop struct {
	scheme, host, client string
}

// follow goes back through the trusted proxies to what the first of them saw.
func (p proxies) follow(seen hop, header http.Header) hop {
	var hops []hop
	if values := header.Values("Forwarded"); len(values) > 0 {
		hops = forwarded(strings.Join(values, ","))
	} else {
		hops = xForwarded(header)
	}
	for n, i := 0, len(hops)-1; i >= 0 && n < mostHops; n, i = n+1, i-1 {
		h := hops[i]
		switch h.scheme {
		case "http", "https":
			seen.scheme = h.scheme
		case "ws", "wss":
			seen.scheme = strings.Replace(h.scheme, "ws", "http", 1)
		}
		if isHost(h.host) {
			seen.host = h.host
		}
		client, ok := address(h.client)
		if !ok {
			break
		}
		seen.client = netip.AddrPortFrom(client, 0).String()
		if !p.trusts(seen.client) {
			break
		}
	}
	return seen
}

func (p proxies) trusts(remote string) bool {
	a, ok := address(remote)
	if !ok {
		return false
	}
	if a.IsLoopback() {
		return true
	}
	for _, prefix := range p.trusted {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// address reads "ip", "ip:port", "[v6]" and "[v6]:port".
func address(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	a, err := netip.ParseAddr(text)
	return a.Unmap().WithZone(""), err == nil
}

// xForwarded reads the headers that grew before RFC 7239. Proxies append to the list of clients, and as a rule replace
// the scheme and the host: those belong to the last proxy.
func xForwarded(header http.Header) []hop {
	var hops []hop
	for _, client := range list(header, "X-Forwarded-For") {
		hops = append(hops, hop{client: client})
	}
	if len(hops) == 0 {
		hops = []hop{{}}
	}
	at := &hops[len(hops)-1]
	if all := list(header, "X-Forwarded-Proto"); len(all) > 0 {
		at.scheme = strings.ToLower(all[len(all)-1])
	}
	if all := list(header, "X-Forwarded-Host"); len(all) > 0 {
		at.host = all[len(all)-1]
	}
	return hops
}

func list(header http.Header, name string) []string {
	var all []string
	for _, element := range strings.Split(strings.Join(header.Values(name), ","), ",") {
		if element = strings.TrimSpace(element); element != "" {
			all = append(all, element)
		}
	}
	return all
}

// forwarded reads the elements of a Forwarded header (RFC 7239 4), the first proxy's first.
func forwarded(text string) []hop {
	var hops []hop
	var h hop
	for text != "" {
		var name, value string
		name, value, text = pair(text)
		switch strings.ToLower(name) {
		case "proto":
			h.scheme = strings.ToLower(value)
		case "host":
			h.host = value
		case "for":
			h.client = value
		}
		if text == "" || text[0] == ',' {
			hops = append(hops, h)
			h = hop{}
		}
		if text != "" {
			text = text[1:] // the comma or the semicolon
		}
	}
	return hops
}

// pair takes name=value off text, where value is a token or a quoted string; rest begins with "," or ";" or is empty.
func pair(text string) (name, value, rest string) {
	end := strings.IndexAny(text, "=,;")
	if end < 0 {
		return "", "", ""
	}
	name, rest = strings.TrimSpace(text[:end]), text[end:]
	if rest[0] != '=' {
		return "", "", rest
	}
	rest = rest[1:]
	if !strings.HasPrefix(rest, `"`) {
		if end = strings.IndexAny(rest, ",;"); end < 0 {
			end = len(rest)
		}
		return name, strings.TrimSpace(rest[:end]), rest[end:]
	}
	var quoted strings.Builder
	i := 1
	for ; i < len(rest) && rest[i] != '"'; i++ {
		if rest[i] == '\\' && i+1 < len(rest) {
			i++
		}
		quoted.WriteByte(rest[i])
	}
	rest = rest[min(i+1, len(rest)):]
	if end = strings.IndexAny(rest, ",;"); end < 0 {
		end = len(rest)
	}
	return name, quoted.String(), rest[end:]
}

// isHost reports whether text is a host, or a host and a port, and nothing that means something in a URL, a header or a
// script.
func isHost(text string) bool {
	if text == "" || len(text) > 255 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(".-_:[]", rune(c)) {
			return false
		}
	}
	u, err := url.Parse("//" + text)
	if err != nil || u.Host != text || u.Hostname() == "" {
		return false
	}
	if strings.Contains(u.Hostname(), ":") || text[0] == '[' {
		ip, err := netip.ParseAddr(u.Hostname())
		return err == nil && ip.Is6() && text[0] == '['
	}
	return true
}

// hostname returns host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}
