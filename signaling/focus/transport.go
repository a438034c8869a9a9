package focus

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Transport is the node's side of a media session.
type Transport struct {
	Ufrag, Pwd  string
	Fingerprint string // of our DTLS certificate: "sha-256 AB:CD:…"
	Candidates  []Candidate

	// WebSocket is the URL of the participant's bridge channel, BridgePwd the password in it.
	WebSocket, BridgePwd string
	// BridgeSession names the media session; the client repeats it when it ends it. Region is where the node is.
	BridgeSession, Region string
	// AudioSSRC and VideoSSRC are those the node reports from; no media comes on them. Zero: none are announced.
	AudioSSRC, VideoSSRC uint32
	// Socket is where the client finds the node that the transport is of, when that is another one than it speaks with: scheme
	// and host of its WebSockets. Only our own page reads it.
	Socket string
}

// Candidate is an address that the client can send to (RFC 8839 5.1).
type Candidate struct {
	Foundation string
	Protocol   string // udp or tcp
	Priority   uint32
	Addr       netip.AddrPort
	Type       string         // host, srflx, prflx or relay
	Related    netip.AddrPort // invalid for none
	TCPType    string
}

// element returns the transport of a content. A generation above zero makes it the transport of an ICE restart.
func (t Transport) element(generation uint32) *stanza.Element {
	hash, digest, _ := strings.Cut(t.Fingerprint, " ")
	e := stanza.New(nsICE, "transport", "ufrag", t.Ufrag, "pwd", t.Pwd)
	if generation > 0 {
		e.Set("ice-generation", strconv.FormatUint(uint64(generation), 10))
	}
	if t.WebSocket != "" {
		e.With(stanza.New(nsColibri, "web-socket", "url", t.WebSocket))
	}
	if t.Socket != "" {
		e.With(stanza.New(nsMove, "socket", "url", t.Socket))
	}
	if t.Fingerprint != "" { // none: the association goes on, which another fingerprint would end
		e.With(stanza.New(nsDTLS, "fingerprint", "hash", hash, "setup", "actpass").WithText(digest))
	}
	for i, c := range t.Candidates {
		x := stanza.New(nsICE, "candidate", "id", "c"+strconv.Itoa(i), "component", "1", "foundation", c.Foundation,
			"generation", "0", "network", "0", "priority", strconv.FormatUint(uint64(c.Priority), 10),
			"protocol", c.Protocol, "ip", c.Addr.Addr().WithZone("").String(), "port", port(c.Addr), "type", c.Type,
			"tcptype", c.TCPType)
		if c.Related.IsValid() {
			x.Set("rel-addr", c.Related.Addr().WithZone("").String())
			x.Set("rel-port", port(c.Related))
		}
		e.With(x)
	}
	return e
}

func port(a netip.AddrPort) string { return strconv.Itoa(int(a.Port())) }

// remote is the client's side of a media session.
type remote struct {
	ufrag, pwd, fingerprint string
	generation              uint64
}

// parseTransport reads the first transport in the contents of a jingle element. The second result is false when none is
// usable.
func parseTransport(jingle *stanza.Element) (remote, bool) {
	for _, content := range jingle.Children {
		t := content.Child(nsICE, "transport")
		if !content.Is(nsJingle, "content") || t == nil || t.Attr("ufrag") == "" {
			continue
		}
		r := remote{ufrag: strings.Clone(t.Attr("ufrag")), pwd: strings.Clone(t.Attr("pwd"))}
		if !iceChars(r.ufrag, 4) || !iceChars(r.pwd, 22) {
			return remote{}, false
		}
		if g := t.Attr("ice-generation"); g != "" {
			n, err := strconv.ParseUint(g, 10, 32)
			if err != nil {
				return remote{}, false
			}
			r.generation = n
		}
		if f := t.Child(nsDTLS, "fingerprint"); f != nil {
			setup := f.Attr("setup")
			r.fingerprint = fingerprint(f.Attr("hash"), f.Text)
			if r.fingerprint == "" || setup != "active" && setup != "" {
				return remote{}, false
			}
		}
		return r, true
	}
	return remote{}, false
}

// iceChars reports whether s has at least n and at most 256 characters, all of them ice-chars (RFC 8839 5.4).
func iceChars(s string, n int) bool {
	if len(s) < n || len(s) > 256 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/') {
			return false
		}
	}
	return true
}

// hashBytes are the digests that a fingerprint may have (RFC 8122 5).
var hashBytes = map[string]int{"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64}

// fingerprint returns hash and digest in the form "sha-256 AB:CD:…", empty when they are not one.
func fingerprint(hash, digest string) string {
	hash, digest = strings.ToLower(hash), strings.ToUpper(strings.TrimSpace(digest))
	n := hashBytes[hash]
	if n == 0 || len(digest) != 3*n-1 {
		return ""
	}
	for i := range n {
		if _, err := hex.DecodeString(digest[3*i : 3*i+2]); err != nil || i > 0 && digest[3*i-1] != ':' {
			return ""
		}
	}
	return hash + " " + digest
}
