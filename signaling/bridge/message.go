package bridge

import (
	"encoding/json"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// MaxMessage is the largest message in either direction, in bytes.
const MaxMessage = 64 << 10

// Unlimited is the lastN, height or frame rate that means no limit.
const Unlimited = -1

// Message is one of the message types of this package, always as a value.
type Message interface {
	// wire returns what encoding/json turns into the message.
	wire() any
}

// VideoType says what a video source shows at the moment.
type VideoType string

// The video types of SourceVideoTypeMessage.
const (
	Camera         VideoType = "camera"
	Desktop        VideoType = "desktop"
	DesktopHighFPS VideoType = "desktop_high_fps"
	None           VideoType = "none"
)

// ClientHello opens a channel. Web clients leave it out.
type ClientHello struct{}

// ServerHello is the first message of a channel.
type ServerHello struct{ Version string }

// Constraint bounds what a receiver wants of a video source. Unlimited is no bound, a MaxHeight of 0 is nothing at all.
type Constraint struct {
	MaxHeight    int
	MaxFrameRate float64
}

// ReceiverVideoConstraints says what a receiver wants to see. Nil fields were absent: what was set before holds.
type ReceiverVideoConstraints struct {
	LastN               *int
	SelectedSources     []room.SourceName
	OnStageSources      []room.SourceName
	DefaultConstraints  *Constraint
	Constraints         map[room.SourceName]Constraint
	AssumedBandwidthBps *int64
	// Raw is the message as it came. Encode ignores it.
	Raw []byte
}

// LastNChangedEvent sets how many videos a receiver wants at most.
type LastNChangedEvent struct{ LastN int }

// SourceVideoTypeMessage says what the sender's source shows from now on.
type SourceVideoTypeMessage struct {
	SourceName room.SourceName
	VideoType  VideoType
}

// ReceiverAudioSubscription chooses the audio sources a receiver wants.
type ReceiverAudioSubscription struct {
	All              bool
	Include, Exclude []room.SourceName
}

// EndpointMessage goes from one endpoint to another, or to all of them when To is empty. Payload is a JSON object.
type EndpointMessage struct {
	From, To string
	Payload  json.RawMessage
}

// EndpointStats are statistics of an endpoint for all others. Fields are the members of the message except colibriClass
// and from.
type EndpointStats struct {
	From   string
	Fields map[string]json.RawMessage
}

// DominantSpeakerEndpointChangeEvent says who speaks and who spoke before, last one first.
type DominantSpeakerEndpointChangeEvent struct {
	Dominant room.EndpointID
	Previous []room.EndpointID
	Silence  bool
}

// ForwardedSources lists the video sources that a receiver gets.
type ForwardedSources struct{ Sources []room.SourceName }

// SenderSourceConstraints tells a sender the height that anybody wants of its source; 0 is nothing, Unlimited is all.
type SenderSourceConstraints struct {
	SourceName room.SourceName
	MaxHeight  int
}

// ConnectionStats tells a receiver the estimate of its downlink, in bit/s.
type ConnectionStats struct{ EstimatedDownlinkBandwidth int64 }

// VideoMapping says which source comes on an SSRC of the receiver. RTX is 0 when there are no retransmissions.
type VideoMapping struct {
	Source    room.SourceName
	Owner     room.EndpointID
	SSRC, RTX uint32
	VideoType room.VideoType
}

// VideoSourcesMap maps SSRCs of the receiver to video sources.
type VideoSourcesMap struct{ Sources []VideoMapping }

// AudioMapping says which source comes on an SSRC of the receiver.
type AudioMapping struct {
	Source room.SourceName
	Owner  room.EndpointID
	SSRC   uint32
}

// AudioSourcesMap maps SSRCs of the receiver to audio sources.
type AudioSourcesMap struct{ Sources []AudioMapping }

// EndpointConnectivityStatusChangeEvent says whether an endpoint's media is alive.
type EndpointConnectivityStatusChangeEvent struct {
	Endpoint room.EndpointID
	Active   bool
}

// Unknown is a message of a class that this package does not know.
type Unknown struct{ Class string }
