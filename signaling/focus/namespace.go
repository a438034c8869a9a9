package focus

const (
	nsFocus       = "http://jitsi.org/protocol/focus"
	nsJitmeet     = "http://jitsi.org/jitmeet"
	nsColibri     = "http://jitsi.org/protocol/colibri"
	nsLastN       = "jitsi:colibri2"
	nsCaps        = "http://jabber.org/protocol/caps"
	nsDisco       = "http://jabber.org/protocol/disco#info"
	nsData        = "jabber:x:data"
	nsPing        = "urn:xmpp:ping"
	nsJingle      = "urn:xmpp:jingle:1"
	nsJingleError = "urn:xmpp:jingle:errors:1"
	nsRTP         = "urn:xmpp:jingle:apps:rtp:1"
	nsFeedback    = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0"
	nsHeader      = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"
	nsSource      = "urn:xmpp:jingle:apps:rtp:ssma:0"
	nsGrouping    = "urn:xmpp:jingle:apps:grouping:0"
	nsICE         = "urn:xmpp:jingle:transports:ice-udp:1"
	nsDTLS        = "urn:xmpp:jingle:apps:dtls:0"
	nsMove        = "urn:atoll:move:0"
)

// Features of clients that the focus looks at.
const (
	featureAudio     = "urn:xmpp:jingle:apps:rtp:audio"
	featureVideo     = "urn:xmpp:jingle:apps:rtp:video"
	featureRewriting = "http://jitsi.org/ssrc-rewriting-1"
	featureJSON      = "http://jitsi.org/json-encoded-sources"
)

// nick is how the focus is called in rooms. Clients take anybody else for another client.
const nick = "focus"
