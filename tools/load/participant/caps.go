package participant

import (
	"crypto/sha1"
	"encoding/base64"
	"sort"
	"strings"
)

// Features are the disco features of the stock client (August 2026) as it answers them to the focus.
var Features = []string{
	"http://jabber.org/protocol/caps",
	"http://jitsi.org/json-encoded-sources",
	"http://jitsi.org/receive-multiple-video-streams",
	"http://jitsi.org/remb",
	"http://jitsi.org/source-name",
	"http://jitsi.org/ssrc-rewriting-1",
	"http://jitsi.org/start-muted-room-metadata",
	"http://jitsi.org/tcc",
	"http://jitsi.org/visitors-1",
	"urn:ietf:rfc:4588",
	"urn:xmpp:jingle:1",
	"urn:xmpp:jingle:apps:dtls:0",
	"urn:xmpp:jingle:apps:rtp:1",
	"urn:xmpp:jingle:apps:rtp:audio",
	"urn:xmpp:jingle:apps:rtp:video",
	"urn:xmpp:jingle:transports:dtls-sctp:1",
	"urn:xmpp:jingle:transports:ice-udp:1",
	"urn:xmpp:rayo:client:1",
}

// capsVersion is the verification string of XEP-0115 5.1 for features without identities or forms.
func capsVersion(features []string) string {
	sorted := append([]string(nil), features...)
	sort.Strings(sorted)
	sum := sha1.Sum([]byte(strings.Join(sorted, "<") + "<"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func discoInfo(features []string, node string) string {
	var b strings.Builder
	b.WriteString(`<query node="` + node + `" xmlns="` + nsDisco + `">`)
	for _, f := range features {
		b.WriteString(`<feature var="` + f + `"/>`)
	}
	b.WriteString(`</query>`)
	return b.String()
}
