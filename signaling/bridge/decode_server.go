package bridge

import (
	"fmt"
	"math"
	"strings"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// decodeServerClass decodes what nodes send, for clients written in Go.
func decodeServerClass(class string, b []byte) (Message, error) {
	switch class {
	case "DominantSpeakerEndpointChangeEvent":
		return as(b, decodeDominant)
	case "ForwardedSources":
		return as(b, func(w *struct{ ForwardedSources []string }) (Message, error) {
			all, err := names(w.ForwardedSources)
			return ForwardedSources{all}, err
		})
	case "SenderSourceConstraints":
		return as(b, func(w *struct {
			SourceName string
			MaxHeight  number
		},
		) (Message, error) {
			name, err := room.ParseSourceName(w.SourceName)
			return SenderSourceConstraints{name, w.MaxHeight.int()}, err
		})
	case "ConnectionStats":
		return as(b, func(w *struct{ EstimatedDownlinkBandwidth number }) (Message, error) {
			return ConnectionStats{int64(w.EstimatedDownlinkBandwidth)}, nil
		})
	case "VideoSourcesMap":
		return as(b, decodeVideoMap)
	case "AudioSourcesMap":
		return as(b, decodeAudioMap)
	case "EndpointConnectivityStatusChangeEvent":
		return as(b, func(w *struct{ Endpoint, Active string }) (Message, error) {
			id, err := room.ParseEndpointID(w.Endpoint)
			return EndpointConnectivityStatusChangeEvent{id, w.Active == "true"}, err
		})
	}
	return Unknown{class}, nil
}

func decodeDominant(w *struct {
	Dominant string   `json:"dominantSpeakerEndpoint"`
	Previous []string `json:"previousSpeakers"`
	Silence  bool
},
) (Message, error) {
	id, err := room.ParseEndpointID(w.Dominant)
	if err != nil {
		return nil, err
	}
	if len(w.Previous) > maxList {
		return nil, fmt.Errorf("%d previous speakers, at most %d are allowed", len(w.Previous), maxList)
	}
	m := DominantSpeakerEndpointChangeEvent{Dominant: id, Previous: []room.EndpointID{}, Silence: w.Silence}
	for _, s := range w.Previous {
		id, err := room.ParseEndpointID(s)
		if err != nil {
			return nil, err
		}
		m.Previous = append(m.Previous, id)
	}
	return m, nil
}

type mapIn struct {
	MappedSources []struct {
		Source, Owner, VideoType string
		SSRC                     number
		RTX                      *number
	}
}

func decodeVideoMap(w *mapIn) (Message, error) {
	if len(w.MappedSources) > maxList {
		return nil, fmt.Errorf("%d sources, at most %d are allowed", len(w.MappedSources), maxList)
	}
	m := VideoSourcesMap{Sources: []VideoMapping{}}
	for _, s := range w.MappedSources {
		name, owner, ssrc, err := mapped(s.Source, s.Owner, s.SSRC)
		if err != nil {
			return nil, err
		}
		v := VideoMapping{Source: name, Owner: owner, SSRC: ssrc, VideoType: room.VideoType(clip(strings.ToLower(s.VideoType)))}
		if s.RTX != nil && *s.RTX > 0 && *s.RTX <= math.MaxUint32 {
			v.RTX = uint32(*s.RTX)
		}
		m.Sources = append(m.Sources, v)
	}
	return m, nil
}

func decodeAudioMap(w *mapIn) (Message, error) {
	if len(w.MappedSources) > maxList {
		return nil, fmt.Errorf("%d sources, at most %d are allowed", len(w.MappedSources), maxList)
	}
	m := AudioSourcesMap{Sources: []AudioMapping{}}
	for _, s := range w.MappedSources {
		name, owner, ssrc, err := mapped(s.Source, s.Owner, s.SSRC)
		if err != nil {
			return nil, err
		}
		m.Sources = append(m.Sources, AudioMapping{name, owner, ssrc})
	}
	return m, nil
}

func mapped(source, owner string, ssrc number) (room.SourceName, room.EndpointID, uint32, error) {
	name, err := room.ParseSourceName(source)
	if err != nil {
		return "", "", 0, err
	}
	id, err := room.ParseEndpointID(owner)
	if err != nil {
		return "", "", 0, err
	}
	if ssrc < 1 || ssrc > math.MaxUint32 || ssrc != number(math.Floor(float64(ssrc))) {
		return "", "", 0, fmt.Errorf("ssrc %v", float64(ssrc))
	}
	return name, id, uint32(ssrc), nil
}
