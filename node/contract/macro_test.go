package contract

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// macros are whole passages that the table shows once, step by step, and later needs again.
//
//	A endpoint a          sets {a} to the endpoint id in {a.jid}, {a.bare} to its bare JID
//	C stream              opens, authenticates and binds; sets {c} and {c.jid}
//	B join ROOM NAME      stream, presence, and the answer to the focus's disco query
//	B accept              accepts the session offered to B with one audio and one video source, opens the channel
//	A resume a            sends <resume/> for {a.token} with the number of stanzas taken so far
func (p *player) macro(s step) ([]step, bool, error) {
	who := strings.ToLower(s.who)
	expand := func(script string) ([]step, bool, error) {
		steps, err := parse(strings.NewReplacer("$W", s.who, "$w", who).Replace(script))
		for i := range steps {
			steps[i].line = s.line
		}
		return steps, true, err
	}
	switch s.verb {
	case "endpoint":
		jid := p.vars[s.arg+".jid"]
		if len(jid) < 8 {
			return nil, true, fmt.Errorf("jid of %s is %q", s.arg, jid)
		}
		p.vars[s.arg] = jid[:8]
		p.vars[s.arg+".bare"], _, _ = strings.Cut(jid, "/")
		return nil, true, nil
	case "stream":
		return expand(streamScript)
	case "join":
		room, name, _ := strings.Cut(s.arg, " ")
		return expand(streamScript + strings.NewReplacer("$ROOM", room, "$NAME", name).Replace(joinScript))
	case "accept":
		return expand(acceptScript)
	case "resume":
		h := p.streams[s.who+" before"].stanzas()
		return expand(fmt.Sprintf(`$W > <resume h="%d" previd="{%s.token}" xmlns="urn:xmpp:sm:3"/>`, h, s.arg))
	}
	return nil, false, nil
}

// stanzas counts the stanzas that came after stream management was enabled (XEP-0198 4).
func (in *inbox) stanzas() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	n, counting := 0, false
	for _, m := range in.all {
		var top struct{ XMLName xml.Name }
		if xml.Unmarshal([]byte(m), &top) != nil {
			continue
		}
		switch top.XMLName.Local {
		case "enabled":
			counting = true
		case "iq", "message", "presence":
			if counting {
				n++
			}
		}
	}
	return n
}

const streamScript = `
$W open /xmpp-websocket
$W > <open to="localhost" version="1.0" xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>
$W < <stream:features xmlns:stream="http://etherx.jabber.org/streams"/>
$W > <auth mechanism="ANONYMOUS" xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>
$W < <success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>
$W > <open to="localhost" version="1.0" xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>
$W < <stream:features xmlns:stream="http://etherx.jabber.org/streams"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></stream:features>
$W > <iq id="bind" type="set" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>
$W < <iq id="bind" type="result" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>{$w.jid}</jid></bind></iq>
$W endpoint $w
`

const joinScript = `
$W > <presence to="$ROOM@conference.localhost/{$w}" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc"/><c hash="sha-1" node="https://jitsi.org/jitsi-meet" ver="x$NAME" xmlns="http://jabber.org/protocol/caps"/><SourceInfo>{}</SourceInfo><nick xmlns="http://jabber.org/protocol/nick">$NAME</nick></presence>
$W < <presence from="$ROOM@conference.localhost/{$w}" xmlns="jabber:client"><x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x></presence>
$W < <iq from="$ROOM@conference.localhost/focus" type="get" id="{$w.disco}" xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>
$W > <iq id="{$w.disco}" to="$ROOM@conference.localhost/focus" type="result" xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#info"><feature var="http://jitsi.org/ssrc-rewriting-1"/><feature var="http://jitsi.org/json-encoded-sources"/><feature var="http://jitsi.org/source-name"/><feature var="http://jitsi.org/receive-multiple-video-streams"/><feature var="http://jitsi.org/tcc"/><feature var="urn:ietf:rfc:4588"/><feature var="urn:xmpp:jingle:1"/><feature var="urn:xmpp:jingle:apps:rtp:1"/><feature var="urn:xmpp:jingle:apps:rtp:audio"/><feature var="urn:xmpp:jingle:apps:rtp:video"/><feature var="urn:xmpp:jingle:transports:ice-udp:1"/></query></iq>
`

const acceptScript = `
$W < <iq type="set" from="{$w.focus}" id="{$w.initiate}" xmlns="jabber:client"><jingle action="session-initiate" sid="{$w.sid}" xmlns="urn:xmpp:jingle:1"><content name="audio"><transport xmlns="urn:xmpp:jingle:transports:ice-udp:1"><web-socket url="{$w.channel}" xmlns="http://jitsi.org/protocol/colibri"/></transport></content><bridge-session id="{$w.bridge}" xmlns="http://jitsi.org/protocol/focus"/></jingle></iq>
$W > <iq id="{$w.initiate}" to="{$w.focus}" type="result" xmlns="jabber:client"/>
$W > <iq id="accept" to="{$w.focus}" type="set" xmlns="jabber:client"><jingle action="session-accept" initiator="{$w.focus}" responder="{$w.jid}" sid="{$w.sid}" xmlns="urn:xmpp:jingle:1"><content creator="responder" name="audio" senders="both"><description media="audio" xmlns="urn:xmpp:jingle:apps:rtp:1"><payload-type channels="2" clockrate="48000" id="111" name="opus"/><source name="{$w}-a0" ssrc="11" xmlns="urn:xmpp:jingle:apps:rtp:ssma:0"><parameter name="msid" value="a a"/></source><rtcp-mux/></description><transport pwd="0123456789abcdef01234567" ufrag="efgh" xmlns="urn:xmpp:jingle:transports:ice-udp:1"><fingerprint hash="sha-256" setup="active" xmlns="urn:xmpp:jingle:apps:dtls:0">A9:00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E</fingerprint></transport></content><content creator="responder" name="video" senders="both"><description media="video" xmlns="urn:xmpp:jingle:apps:rtp:1"><payload-type clockrate="90000" id="100" name="VP8"/><source name="{$w}-v0" ssrc="12" videoType="camera" xmlns="urn:xmpp:jingle:apps:rtp:ssma:0"><parameter name="msid" value="v v"/></source><source name="{$w}-v0" ssrc="13" videoType="camera" xmlns="urn:xmpp:jingle:apps:rtp:ssma:0"><parameter name="msid" value="v v"/></source><ssrc-group semantics="FID" xmlns="urn:xmpp:jingle:apps:rtp:ssma:0"><source ssrc="12"/><source ssrc="13"/></ssrc-group><rtcp-mux/></description><transport pwd="0123456789abcdef01234567" ufrag="efgh" xmlns="urn:xmpp:jingle:transports:ice-udp:1"><fingerprint hash="sha-256" setup="active" xmlns="urn:xmpp:jingle:apps:dtls:0">A9:00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E</fingerprint></transport></content></jingle></iq>
$W < <iq id="accept" type="result" xmlns="jabber:client"/>
$W channel {$w.channel}
$W << {"colibriClass":"ServerHello"}
$W >> {"colibriClass":"ReceiverVideoConstraints","lastN":-1,"defaultConstraints":{"maxHeight":720}}
`
