package janus

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atoll-mesh/atoll/tools/load/participant"
)

const (
	payloadOpus = 111
	payloadAV1  = 41
)

// offer describes what a client sends. Several encodings are simulcast by SSRC.
func offer(t *participant.Transport, ssrcs participant.SSRCs, codec uint8) (string, error) {
	transport, err := lines(t)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	bundle := "a=group:BUNDLE 0"
	if len(ssrcs.Video) > 0 {
		bundle += " 1"
	}
	b.WriteString("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" + bundle + "\r\na=msid-semantic: WMS s\r\n")
	fmt.Fprintf(&b, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n%sa=rtpmap:%[1]d opus/48000/2\r\n", payloadOpus, transport)
	b.WriteString("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n" + congestion)
	fmt.Fprintf(&b, "a=msid:s a\r\na=ssrc:%d cname:load\r\n", ssrcs.Audio)
	if len(ssrcs.Video) == 0 {
		return b.String(), nil
	}
	name := "VP8"
	if codec == payloadAV1 {
		name = "AV1"
	}
	fmt.Fprintf(&b, "m=video 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendonly\r\n%sa=rtpmap:%[1]d %[3]s/90000\r\n", codec, transport, name)
	fmt.Fprintf(&b, "a=rtcp-fb:%d ccm fir\r\na=rtcp-fb:%[1]d nack\r\na=rtcp-fb:%[1]d nack pli\r\na=rtcp-fb:%[1]d transport-cc\r\n%s", codec, congestion)
	b.WriteString("a=msid:s v\r\n")
	if len(ssrcs.Video) > 1 {
		b.WriteString("a=ssrc-group:SIM")
		for _, ssrc := range ssrcs.Video {
			fmt.Fprintf(&b, " %d", ssrc)
		}
		b.WriteString("\r\n")
	}
	for _, ssrc := range ssrcs.Video {
		fmt.Fprintf(&b, "a=ssrc:%d cname:load\r\na=ssrc:%[1]d msid:s v\r\n", ssrc)
	}
	return b.String(), nil
}

const congestion = "a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"

// answer takes everything that Janus offers.
func answer(offered string, t *participant.Transport) (string, error) {
	transport, err := lines(t)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
	media := false
	for line := range strings.SplitSeq(strings.ReplaceAll(offered, "\r\n", "\n"), "\n") {
		key, _, _ := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "m="):
			media = true
			fmt.Fprintf(&b, "%s\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\n%s", line, transport)
		case strings.HasPrefix(line, "a=group:BUNDLE") && !media,
			media && slices.Contains([]string{"a=mid", "a=rtpmap", "a=fmtp", "a=rtcp-fb", "a=extmap"}, key):
			b.WriteString(line + "\r\n")
		}
	}
	return b.String(), nil
}

// lines are those of a transport in each media section: ours is always the DTLS client.
func lines(t *participant.Transport) (string, error) {
	ufrag, pwd, fingerprint, err := t.Local()
	if err != nil {
		return "", err
	}
	candidates, err := t.LocalCandidates()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "a=rtcp-mux\r\na=setup:active\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\n", ufrag, pwd, fingerprint)
	for _, c := range candidates {
		fmt.Fprintf(&b, "a=candidate:%s\r\n", c)
	}
	return b.String(), nil
}

func readRemote(sdp string) (r participant.Remote) {
	for line := range strings.SplitSeq(strings.ReplaceAll(sdp, "\r\n", "\n"), "\n") {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "a=ice-ufrag":
			r.Ufrag = value
		case "a=ice-pwd":
			r.Pwd = value
		case "a=fingerprint":
			r.Fingerprint = strings.TrimPrefix(value, "sha-256 ")
		case "a=candidate":
			if strings.Contains(value, " 1 udp ") && !strings.Contains(value, "::") && !slices.Contains(r.Candidates, value) {
				r.Candidates = append(r.Candidates, value)
			}
		}
	}
	return r
}
