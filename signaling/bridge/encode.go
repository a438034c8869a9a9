package bridge

import (
	"bytes"
	"encoding/json"
	"maps"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// Encode returns m as a frame. It returns nil when a payload inside m is not JSON; messages that Decode returned always
// encode.
func Encode(m Message) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // or every < of a payload grows to six bytes
	if e.Encode(m.wire()) != nil {
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}

type constraintJSON struct {
	MaxHeight    int      `json:"maxHeight"`
	MaxFrameRate *float64 `json:"maxFrameRate,omitempty"`
}

func (c Constraint) wire() constraintJSON {
	w := constraintJSON{MaxHeight: c.MaxHeight}
	if c.MaxFrameRate >= 0 {
		w.MaxFrameRate = &c.MaxFrameRate
	}
	return w
}

func (ClientHello) wire() any {
	return struct {
		Class string `json:"colibriClass"`
	}{"ClientHello"}
}

func (m ServerHello) wire() any {
	return struct {
		Class   string `json:"colibriClass"`
		Version string `json:"version"`
	}{"ServerHello", m.Version}
}

func (m ReceiverVideoConstraints) wire() any {
	w := struct {
		Class               string                              `json:"colibriClass"`
		LastN               *int                                `json:"lastN,omitempty"`
		SelectedSources     *[]room.SourceName                  `json:"selectedSources,omitempty"`
		OnStageSources      *[]room.SourceName                  `json:"onStageSources,omitempty"`
		DefaultConstraints  *constraintJSON                     `json:"defaultConstraints,omitempty"`
		Constraints         *map[room.SourceName]constraintJSON `json:"constraints,omitempty"`
		AssumedBandwidthBps *int64                              `json:"assumedBandwidthBps,omitempty"`
	}{Class: "ReceiverVideoConstraints", LastN: m.LastN, AssumedBandwidthBps: m.AssumedBandwidthBps}
	if m.SelectedSources != nil {
		w.SelectedSources = &m.SelectedSources
	}
	if m.OnStageSources != nil {
		w.OnStageSources = &m.OnStageSources
	}
	if m.DefaultConstraints != nil {
		c := m.DefaultConstraints.wire()
		w.DefaultConstraints = &c
	}
	if m.Constraints != nil {
		all := make(map[room.SourceName]constraintJSON, len(m.Constraints))
		for name, c := range m.Constraints {
			all[name] = c.wire()
		}
		w.Constraints = &all
	}
	return w
}

func (m LastNChangedEvent) wire() any {
	return struct {
		Class string `json:"colibriClass"`
		LastN int    `json:"lastN"`
	}{"LastNChangedEvent", m.LastN}
}

func (m SourceVideoTypeMessage) wire() any {
	return struct {
		Class      string          `json:"colibriClass"`
		SourceName room.SourceName `json:"sourceName"`
		VideoType  VideoType       `json:"videoType"`
	}{"SourceVideoTypeMessage", m.SourceName, m.VideoType}
}

func (m ReceiverAudioSubscription) wire() any {
	return struct {
		Class   string            `json:"colibriClass"`
		All     bool              `json:"all"`
		Include []room.SourceName `json:"include"`
		Exclude []room.SourceName `json:"exclude"`
	}{"ReceiverAudioSubscription", m.All, list(m.Include), list(m.Exclude)}
}

func (m EndpointMessage) wire() any {
	return struct {
		Class   string          `json:"colibriClass"`
		From    string          `json:"from,omitempty"`
		To      string          `json:"to"`
		Payload json.RawMessage `json:"msgPayload"`
	}{"EndpointMessage", m.From, m.To, m.Payload}
}

func (m EndpointStats) wire() any {
	all := make(map[string]any, len(m.Fields)+2)
	for k, v := range maps.All(m.Fields) {
		all[k] = v
	}
	all["colibriClass"] = "EndpointStats"
	delete(all, "from")
	if m.From != "" {
		all["from"] = m.From
	}
	return all
}

func (m DominantSpeakerEndpointChangeEvent) wire() any {
	return struct {
		Class    string            `json:"colibriClass"`
		Dominant room.EndpointID   `json:"dominantSpeakerEndpoint"`
		Previous []room.EndpointID `json:"previousSpeakers"`
		Silence  bool              `json:"silence"`
	}{"DominantSpeakerEndpointChangeEvent", m.Dominant, list(m.Previous), m.Silence}
}

func (m ForwardedSources) wire() any {
	return struct {
		Class   string            `json:"colibriClass"`
		Sources []room.SourceName `json:"forwardedSources"`
	}{"ForwardedSources", list(m.Sources)}
}

func (m SenderSourceConstraints) wire() any {
	return struct {
		Class      string          `json:"colibriClass"`
		SourceName room.SourceName `json:"sourceName"`
		MaxHeight  int             `json:"maxHeight"`
	}{"SenderSourceConstraints", m.SourceName, m.MaxHeight}
}

func (m ConnectionStats) wire() any {
	return struct {
		Class     string `json:"colibriClass"`
		Bandwidth int64  `json:"estimatedDownlinkBandwidth"`
	}{"ConnectionStats", m.EstimatedDownlinkBandwidth}
}

type mappingJSON struct {
	Source    room.SourceName `json:"source"`
	Owner     room.EndpointID `json:"owner"`
	SSRC      uint32          `json:"ssrc"`
	RTX       any             `json:"rtx,omitempty"`
	VideoType room.VideoType  `json:"videoType,omitempty"`
}

// noRTX is what the client compares with to know that a source has no retransmissions.
const noRTX = "-1"

func (m VideoSourcesMap) wire() any {
	all := make([]mappingJSON, len(m.Sources))
	for i, s := range m.Sources {
		all[i] = mappingJSON{Source: s.Source, Owner: s.Owner, SSRC: s.SSRC, RTX: noRTX, VideoType: s.VideoType}
		if s.RTX != 0 {
			all[i].RTX = s.RTX
		}
	}
	return mapJSON{"VideoSourcesMap", all}
}

func (m AudioSourcesMap) wire() any {
	all := make([]mappingJSON, len(m.Sources))
	for i, s := range m.Sources {
		all[i] = mappingJSON{Source: s.Source, Owner: s.Owner, SSRC: s.SSRC}
	}
	return mapJSON{"AudioSourcesMap", all}
}

type mapJSON struct {
	Class   string        `json:"colibriClass"`
	Sources []mappingJSON `json:"mappedSources"`
}

func (m EndpointConnectivityStatusChangeEvent) wire() any {
	active := "false"
	if m.Active {
		active = "true"
	}
	return struct {
		Class    string          `json:"colibriClass"`
		Endpoint room.EndpointID `json:"endpoint"`
		Active   string          `json:"active"`
	}{"EndpointConnectivityStatusChangeEvent", m.Endpoint, active}
}

func (m Unknown) wire() any {
	return struct {
		Class string `json:"colibriClass"`
	}{m.Class}
}

// list makes a nil list an empty one: the client does not expect null.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
