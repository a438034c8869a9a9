package focus

import "github.com/atoll-mesh/atoll/signaling/stanza"

// offer returns the children of the jingle element of a session-initiate.
func offer(t Transport, audio, video bool, codecs []Codec) []*stanza.Element {
	group := stanza.New(nsGrouping, "group", "semantics", "BUNDLE")
	var all []*stanza.Element
	add := func(media string, payloads []payload, extensions []extension, ssrc uint32) {
		description := stanza.New(nsRTP, "description", "media", media)
		for _, p := range payloads {
			description.With(p.element())
		}
		for _, x := range extensions {
			description.With(x.element())
		}
		if ssrc != 0 {
			description.With(reporter(media, ssrc))
		}
		description.With(stanza.New(nsHeader, "extmap-allow-mixed"), stanza.New(nsRTP, "rtcp-mux"))
		all = append(all, stanza.New(nsJingle, "content", "creator", "initiator", "name", media, "senders", "both").
			With(description, t.element(0)))
		group.With(stanza.New(nsGrouping, "content", "name", media))
	}
	if audio {
		add("audio", []payload{opus}, audioExtensions, t.AudioSSRC)
	}
	if video {
		add("video", videoPayload(codecs), videoExtensions(codecs), t.VideoSSRC)
	}
	return append(all, group, stanza.New(nsFocus, "bridge-session", "id", t.BridgeSession, "region", t.Region))
}

// reporter returns the source that the node reports from.
func reporter(media string, ssrc uint32) *stanza.Element {
	return stanza.New(nsSource, "source", "name", "jvb-"+media[:1]+"0", "ssrc", decimal(ssrc)).With(
		stanza.New(nsSource, "parameter", "name", "msid", "value", "mixedmslabel mixedlabel"+media+"0"),
		stanza.New(nsJitmeet, "ssrc-info", "owner", "jvb"))
}
