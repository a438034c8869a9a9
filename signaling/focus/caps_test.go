package focus

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// disco is a disco#info answer with these features.
func disco(features ...string) string {
	var b strings.Builder
	for _, f := range features {
		fmt.Fprintf(&b, `<feature var="%s"/>`, f)
	}
	return `<query xmlns="http://jabber.org/protocol/disco#info">` + b.String() + `</query>`
}

// The features of a real client and the version that it sent with them.
var (
	clientFeatures = []string{
		"urn:xmpp:rayo:client:1", // not sorted
		"http://jabber.org/protocol/caps", featureJSON,
		"http://jitsi.org/receive-multiple-video-streams", "http://jitsi.org/remb", "http://jitsi.org/source-name",
		"http://jitsi.org/start-muted-room-metadata", "http://jitsi.org/tcc", "http://jitsi.org/visitors-1",
		"urn:ietf:rfc:4588", "urn:xmpp:jingle:1", "urn:xmpp:jingle:apps:dtls:0", "urn:xmpp:jingle:apps:rtp:1",
		featureAudio, featureVideo, "urn:xmpp:jingle:transports:dtls-sctp:1",
		"urn:xmpp:jingle:transports:ice-udp:1",
	}
	clientCaps = Caps{"sha-1", "https://jitsi.org/jitsi-meet", "dtzK/3xhISaXUMVg59IpXxdvKyQ="}
)

func TestVerify(t *testing.T) {
	exodus := `<query xmlns="http://jabber.org/protocol/disco#info"><identity category="client" name="Exodus 0.9.1" type="pc"/>` +
		`<feature var="http://jabber.org/protocol/caps"/><feature var="http://jabber.org/protocol/disco#info"/>` +
		`<feature var="http://jabber.org/protocol/disco#items"/><feature var="http://jabber.org/protocol/muc"/></query>`
	psi := `<query xmlns="http://jabber.org/protocol/disco#info"><identity xml:lang="en" category="client" name="Psi 0.11" type="pc"/>` +
		`<identity xml:lang="el" category="client" name="Ψ 0.11" type="pc"/>` +
		`<feature var="http://jabber.org/protocol/caps"/><feature var="http://jabber.org/protocol/disco#info"/>` +
		`<feature var="http://jabber.org/protocol/disco#items"/><feature var="http://jabber.org/protocol/muc"/>` +
		`<x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden"><value>urn:xmpp:dataforms:softwareinfo</value></field>` +
		`<field var="ip_version" type="text-multi"><value>ipv4</value><value>ipv6</value></field><field var="os"><value>Mac</value></field>` +
		`<field var="os_version"><value>10.5.1</value></field><field var="software"><value>Psi</value></field>` +
		`<field var="software_version"><value>0.11</value></field></x></query>`
	twice := `<feature var="http://jabber.org/protocol/caps"/>`
	for _, c := range []struct {
		name, query, ver string
		want             bool
	}{
		{"XEP-0115 5.2", exodus, "QgayPKawpkPSDYmwT/WM94uAlu0=", true},
		{"XEP-0115 5.3", psi, "q07IKJEyjvHSyhy//CH0CxmKi8w=", true},
		{"a real client", disco(clientFeatures...), clientCaps.Ver, true},
		{"other version", exodus, "q07IKJEyjvHSyhy//CH0CxmKi8w=", false},
		{"feature twice", strings.Replace(exodus, twice, twice+twice, 1), "QgayPKawpkPSDYmwT/WM94uAlu0=", false},
		{
			"two features in one", disco("a&lt;b"), // hashes like the features a and b
			"HiFqWGaJba8nmp2b+lSW8gbBTks=", false,
		},
	} {
		if got := (Caps{"sha-1", "", c.ver}).verify(parse(t, c.query)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestFeaturesAreAskedOnce(t *testing.T) {
	cache := &CapsCache{}
	share := func(c *Config) { c.Caps = cache }
	want := Features{Names: slices.Sorted(slices.Values(clientFeatures))}
	first := newBed(t, share)
	effects := first.p.Joined(first.now, clientCaps)
	first.take(effects)
	first.golden("disco.xml", effects[0].(Send).Stanza)
	first.iq("result", first.sent[0].Attr("id"), disco(clientFeatures...))
	first.effects(want)
	first.take(first.p.Joined(first.now, clientCaps))
	if len(first.sent)+len(first.rest) != 0 {
		t.Errorf("asked again: %s", first.texts())
	}
	second := newBed(t, share)
	second.take(second.p.Joined(second.now, clientCaps))
	if len(second.sent) != 0 {
		t.Errorf("asked although it is known: %s", second.texts())
	}
	second.effects(want)
}

func TestForgedFeaturesAreNotCached(t *testing.T) {
	cache := &CapsCache{}
	b := newBed(t, func(c *Config) { c.Caps = cache })
	b.take(b.p.Joined(b.now, clientCaps))
	b.iq("result", b.sent[0].Attr("id"), disco("evil", featureRewriting))
	b.effects(Features{Names: []string{"evil", featureRewriting}, Rewriting: true})
	if _, ok := cache.get(clientCaps.Ver); ok {
		t.Error("a forged answer is cached for everybody")
	}
}

func TestFeaturesAreAssumed(t *testing.T) {
	want := Features{Names: []string{featureAudio, featureVideo}}
	t.Run("no caps", func(t *testing.T) {
		b := newBed(t)
		b.take(b.p.Joined(b.now, ParseCaps(parse(t, `<presence/>`))))
		b.effects(want)
	})
	t.Run("error", func(t *testing.T) {
		b := newBed(t)
		b.take(b.p.Joined(b.now, clientCaps))
		b.iq("error", b.sent[0].Attr("id"), `<error type="cancel"/>`)
		b.effects(want)
	})
	t.Run("no answer", func(t *testing.T) {
		b := newBed(t)
		b.take(b.p.Joined(b.now, clientCaps))
		if got := b.p.Next().Sub(b.now); got != 15*time.Second {
			t.Errorf("tick is due after %v", got)
		}
		b.tick(15*time.Second - 1)
		b.effects()
		b.tick(1)
		b.effects(want)
		if !b.p.Next().IsZero() {
			t.Error("a tick is due")
		}
	})
}

func TestCapsOfPresence(t *testing.T) {
	got := ParseCaps(parse(t, `<presence><c hash="sha-1" node="https://jitsi.org/jitsi-meet" `+
		`ver="dtzK/3xhISaXUMVg59IpXxdvKyQ=" xmlns="http://jabber.org/protocol/caps"/></presence>`))
	if d := cmp.Diff(clientCaps, got); d != "" {
		t.Error(d)
	}
	long := `<presence><c hash="sha-1" node="n" ver="` + strings.Repeat("x", 600) + `" xmlns="http://jabber.org/protocol/caps"/></presence>`
	if got := ParseCaps(parse(t, long)); got != (Caps{}) {
		t.Errorf("kept caps of %d bytes", len(got.Ver))
	}
}

func TestCapsCacheIsBounded(t *testing.T) {
	var c CapsCache
	for i := range 10 * maxCached {
		c.put(fmt.Sprint(i), nil)
	}
	if n := len(*c.versions.Load()); n > maxCached {
		t.Errorf("%d versions cached", n)
	}
	if _, ok := c.get(fmt.Sprint(10*maxCached - 1)); !ok {
		t.Error("the newest version is not cached")
	}
}
