package focus

import (
	"slices"
	"strconv"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Codec is a video codec that can be offered.
type Codec string

// The video codecs.
const (
	AV1  Codec = "AV1"
	VP8  Codec = "VP8"
	VP9  Codec = "VP9"
	H264 Codec = "H264"
)

// payload is one line of an rtpmap, with what belongs to it.
type payload struct {
	id, clock, channels int
	name                string
	parameters          [][2]string
	feedback            [][2]string
}

var (
	transportFeedback = [2]string{"transport-cc", ""}
	videoFeedback     = [][2]string{{"ccm", "fir"}, {"nack", ""}, {"nack", "pli"}, transportFeedback}
)

var opus = payload{
	id: 111, name: "opus", clock: 48000, channels: 2,
	parameters: [][2]string{{"minptime", "10"}, {"useinbandfec", "1"}},
	feedback:   [][2]string{transportFeedback},
}

// videoPayloads are the payload type of a codec and that of its retransmissions.
var videoPayloads = map[Codec]struct {
	id, rtx    int
	parameters [][2]string
}{
	AV1: {41, 42, nil},
	VP8: {100, 96, nil},
	H264: {107, 99, [][2]string{
		{"profile-level-id", "42e01f"}, {"level-asymmetry-allowed", "1"}, {"packetization-mode", "1"},
	}},
	VP9: {101, 97, nil},
}

// videoPayload returns the lines of the codecs, retransmissions last. Unknown codecs are left out.
func videoPayload(codecs []Codec) []payload {
	var media, rtx []payload
	for _, c := range codecs {
		p, ok := videoPayloads[c]
		if !ok {
			continue
		}
		media = append(media, payload{
			id: p.id, name: string(c), clock: 90000, parameters: p.parameters, feedback: videoFeedback,
		})
		rtx = append(rtx, payload{
			id: p.rtx, name: "rtx", clock: 90000, parameters: [][2]string{{"apt", strconv.Itoa(p.id)}},
		})
	}
	return append(media, rtx...)
}

func (p payload) element() *stanza.Element {
	e := stanza.New(nsRTP, "payload-type", "id", strconv.Itoa(p.id), "name", p.name, "clockrate", strconv.Itoa(p.clock))
	if p.channels > 0 {
		e.Set("channels", strconv.Itoa(p.channels))
	}
	for _, f := range p.feedback {
		e.With(stanza.New(nsFeedback, "rtcp-fb", "type", f[0], "subtype", f[1]))
	}
	for _, f := range p.parameters {
		e.With(stanza.New(nsRTP, "parameter", "name", f[0], "value", f[1]))
	}
	return e
}

type extension struct {
	id  int
	uri string
}

var (
	extAudioLevel = extension{1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}
	extSendTime   = extension{3, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"}
	extTransport  = extension{5, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"}
	extDependency = extension{11, "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"}

	audioExtensions = []extension{extAudioLevel, extTransport}
)

// videoExtensions returns the header extensions for video. Browsers put the dependency descriptor on packets of every codec
// once it is agreed; it is offered only where a codec needs it.
func videoExtensions(codecs []Codec) []extension {
	all := []extension{extSendTime, extTransport}
	if slices.Contains(codecs, AV1) {
		all = append([]extension{extDependency}, all...)
	}
	return all
}

func (x extension) element() *stanza.Element {
	return stanza.New(nsHeader, "rtp-hdrext", "id", strconv.Itoa(x.id), "uri", x.uri)
}
