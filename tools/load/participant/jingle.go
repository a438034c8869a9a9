package participant

import (
	"fmt"
	"strings"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const (
	nsJingle    = "urn:xmpp:jingle:1"
	nsRTP       = "urn:xmpp:jingle:apps:rtp:1"
	nsICE       = "urn:xmpp:jingle:transports:ice-udp:1"
	nsDTLS      = "urn:xmpp:jingle:apps:dtls:0"
	nsSource    = "urn:xmpp:jingle:apps:rtp:ssma:0"
	nsFeedback  = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0"
	nsExtension = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"
	nsColibri   = "http://jitsi.org/protocol/colibri"
	nsDisco     = "http://jabber.org/protocol/disco#info"
	nsCaps      = "http://jabber.org/protocol/caps"
	capsNode    = "https://jitsi.org/jitsi-meet"

	extSendTime    = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	extTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

	payloadOpus = 111
	payloadVP8  = 100
	payloadRTX  = 96
)

// offer is what a session-initiate says.
type offer struct {
	sid       string
	initiator string
	remote    Remote
	webSocket string
	socket    string                    // of the node that a restart goes to
	restart   string                    // ice-generation, "": it is no restart
	payloads  map[string]map[int]string // content name -> payload type -> codec name
}

func parseOffer(jingle *stanza.Element) (offer, error) {
	o := offer{sid: jingle.Attr("sid"), initiator: jingle.Attr("initiator"), payloads: make(map[string]map[int]string)}
	for _, content := range jingle.Children {
		if content.Local != "content" {
			continue
		}
		name := content.Attr("name")
		if d := content.Child(nsRTP, "description"); d != nil {
			o.payloads[name] = make(map[int]string)
			for _, pt := range d.Children {
				if pt.Local == "payload-type" {
					var id int
					if _, err := fmt.Sscan(pt.Attr("id"), &id); err != nil {
						return o, fmt.Errorf("payload type %q: %w", pt.Attr("id"), err)
					}
					o.payloads[name][id] = pt.Attr("name")
				}
			}
		}
		t := content.Child(nsICE, "transport")
		if t == nil {
			return o, fmt.Errorf("content %s has no transport with its own xmlns", name)
		}
		o.restart = t.Attr("ice-generation")
		if s := t.Child("urn:atoll:move:0", "socket"); s != nil {
			o.socket = s.Attr("url")
		}
		f := t.Child(nsDTLS, "fingerprint")
		if f == nil && o.restart != "" {
			f = &stanza.Element{} // the association goes on
		}
		if f == nil {
			return o, fmt.Errorf("content %s has no fingerprint", name)
		}
		o.remote = Remote{Ufrag: t.Attr("ufrag"), Pwd: t.Attr("pwd"), Fingerprint: strings.TrimSpace(f.Text)}
		if ws := t.Child(nsColibri, "web-socket"); ws != nil {
			o.webSocket = ws.Attr("url")
		}
		for _, c := range t.Children {
			if c.Local == "candidate" && c.Attr("protocol") == "udp" {
				o.remote.Candidates = append(o.remote.Candidates, fmt.Sprintf("%s %s udp %s %s %s typ %s",
					c.Attr("foundation"), c.Attr("component"), c.Attr("priority"), c.Attr("ip"), c.Attr("port"), c.Attr("type")))
			}
		}
	}
	if o.sid == "" || o.remote.Ufrag == "" {
		return o, fmt.Errorf("offer without sid or transport")
	}
	return o, nil
}

// SSRCs are the numbers a participant sends with. Video has one encoding per entry.
type SSRCs struct {
	Audio uint32
	Video []uint32
	RTX   []uint32 // one per entry of Video
}

func (p *Participant) acceptXML(o offer) (string, error) {
	ufrag, pwd, fingerprint, err := p.transport.Local()
	if err != nil {
		return "", err
	}
	ep := p.Endpoint()
	transport := fmt.Sprintf(`<transport pwd="%s" ufrag="%s" xmlns="%s"><fingerprint hash="sha-256" setup="active" xmlns="%s">%s</fingerprint></transport>`,
		pwd, ufrag, nsICE, nsDTLS, fingerprint)
	var b strings.Builder
	fmt.Fprintf(&b, `<jingle action="session-accept" initiator="%s" responder="%s" sid="%s" xmlns="%s">`, o.initiator, p.stream.JID, o.sid, nsJingle)
	b.WriteString(`<group semantics="BUNDLE" xmlns="urn:xmpp:jingle:apps:grouping:0"><content name="audio"/><content name="video"/></group>`)
	fmt.Fprintf(&b, `<content creator="responder" name="audio" senders="both"><description media="audio" xmlns="%s"><payload-type channels="2" clockrate="48000" id="%d" name="opus">%s</payload-type>%s%s`,
		nsRTP, payloadOpus, feedback("transport-cc", ""), extension(1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"), extension(5, extTransportCC))
	if p.cfg.SSRCs.Audio != 0 {
		b.WriteString(source(p.cfg.SSRCs.Audio, ep+"-a0", "", ep+"-audio-0-1 "+ep+"-a"))
	}
	fmt.Fprintf(&b, `<rtcp-mux/></description>%s</content>`, transport)
	fmt.Fprintf(&b, `<content creator="responder" name="video" senders="both"><description media="video" xmlns="%s"><payload-type clockrate="90000" id="%d" name="VP8">%s%s%s%s</payload-type><payload-type clockrate="90000" id="%d" name="rtx"><parameter name="apt" value="%d"/></payload-type>%s%s`,
		nsRTP, payloadVP8, feedback("ccm", "fir"), feedback("nack", ""), feedback("nack", "pli"), feedback("transport-cc", ""),
		payloadRTX, payloadVP8, extension(3, extSendTime), extension(5, extTransportCC))
	b.WriteString(p.videoSources(ep + "-v0"))
	fmt.Fprintf(&b, `<rtcp-mux/></description>%s</content></jingle>`, transport)
	return b.String(), nil
}

func (p *Participant) videoSources(name string) string {
	var b strings.Builder
	ep := p.Endpoint()
	s := p.cfg.SSRCs
	for i, ssrc := range s.Video {
		b.WriteString(source(ssrc, name, "camera", ep+"-video-0-1 "+ep+"-v"))
		b.WriteString(source(s.RTX[i], name, "camera", ep+"-video-0-1 "+ep+"-v"))
	}
	for i, ssrc := range s.Video {
		fmt.Fprintf(&b, `<ssrc-group semantics="FID" xmlns="%s"><source ssrc="%d"/><source ssrc="%d"/></ssrc-group>`, nsSource, ssrc, s.RTX[i])
	}
	if len(s.Video) > 1 {
		fmt.Fprintf(&b, `<ssrc-group semantics="SIM" xmlns="%s">`, nsSource)
		for _, ssrc := range s.Video {
			fmt.Fprintf(&b, `<source ssrc="%d"/>`, ssrc)
		}
		b.WriteString(`</ssrc-group>`)
	}
	return b.String()
}

func feedback(kind, subtype string) string {
	if subtype != "" {
		subtype = ` subtype="` + subtype + `"`
	}
	return `<rtcp-fb type="` + kind + `"` + subtype + ` xmlns="` + nsFeedback + `"/>`
}

func extension(id int, uri string) string {
	return fmt.Sprintf(`<rtp-hdrext id="%d" uri="%s" xmlns="%s"/>`, id, uri, nsExtension)
}

func source(ssrc uint32, name, videoType, msid string) string {
	if videoType != "" {
		videoType = ` videoType="` + videoType + `"`
	}
	return fmt.Sprintf(`<source name="%s" ssrc="%d"%s xmlns="%s"><parameter name="msid" value="%s"/></source>`, name, ssrc, videoType, nsSource, msid)
}
