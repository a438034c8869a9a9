package room

import (
	"fmt"
	"strconv"
)

// Kind tells audio from video.
type Kind uint8

// The kinds of media a source can be.
const (
	Audio Kind = iota + 1
	Video
)

// String returns "audio" or "video".
func (k Kind) String() string {
	switch k {
	case Audio:
		return "audio"
	case Video:
		return "video"
	}
	return "kind " + strconv.Itoa(int(k))
}

// VideoType says what a video source shows. The values are those of the Jitsi signalling.
type VideoType string

// What a video source can show. An audio source has the empty type.
const (
	Camera  VideoType = "camera"
	Desktop VideoType = "desktop"
)

// SourceName is "<endpoint>-a<n>" or "<endpoint>-v<n>".
type SourceName string

// ParseSourceName returns s as a SourceName, or an error when it has another form. The index has at most two digits.
func ParseSourceName(s string) (SourceName, error) {
	if len(s) < 11 || len(s) > 12 || s[8] != '-' || (s[9] != 'a' && s[9] != 'v') {
		return "", fmt.Errorf("source name %.24q: want <endpoint>-a<n> or <endpoint>-v<n>", s)
	}
	if _, err := ParseEndpointID(s[:8]); err != nil {
		return "", fmt.Errorf("source name %q: %w", s, err)
	}
	for i := 10; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return "", fmt.Errorf("source name %q: the index is not a number", s)
		}
	}
	return SourceName(s), nil
}

// Endpoint returns the endpoint that the source belongs to. It is meaningful for parsed names only.
func (n SourceName) Endpoint() EndpointID { return EndpointID(n[:8]) }

// Kind returns what the name says the source is.
func (n SourceName) Kind() Kind {
	if n[9] == 'a' {
		return Audio
	}
	return Video
}

// Encoding is one RTP stream that a sender sends for a source: a simulcast encoding, or the only one.
type Encoding struct {
	SSRC uint32
	// RTX is the SSRC of the encoding's retransmissions (RFC 4588), 0 when there are none.
	RTX uint32
}

// Source is one microphone, camera or screen as its sender announced it. Sources are values: whoever changes one makes
// a new one.
type Source struct {
	Name      SourceName
	VideoType VideoType
	// MSID is the media stream id and track id of the sender, passed through to clients that ask for it.
	MSID string
	// Muted says that a video source shows nothing now.
	Muted bool
	// Encodings stand from the lowest to the highest resolution, in the order of the sender's SIM group.
	Encodings []Encoding
}

// Epoch counts who serves a participant: the node that takes a participant over uses a higher epoch than the one
// before it.
type Epoch uint64
