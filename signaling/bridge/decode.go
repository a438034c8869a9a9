package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/atoll-mesh/atoll/cascade/room"
)

const (
	maxDepth  = 32
	maxList   = 500
	maxName   = 128
	maxFields = 64
)

// ErrMessage is wrapped by every error of Decode.
var ErrMessage = errors.New("bridge message")

// Decode returns the message in a frame. Of a class that is not known it returns an [Unknown]. The result does not refer
// to b.
func Decode(b []byte) (Message, error) {
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrMessage, len(b), MaxMessage)
	}
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrMessage)
	}
	if depth(b) > maxDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d", ErrMessage, maxDepth)
	}
	var head struct {
		Class string `json:"colibriClass"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	if head.Class == "" || len(head.Class) > maxName {
		return nil, fmt.Errorf("%w: no colibriClass", ErrMessage)
	}
	m, err := decodeClass(head.Class, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMessage, head.Class, err)
	}
	return m, nil
}

func decodeClass(class string, b []byte) (Message, error) {
	switch class {
	case "ClientHello":
		return ClientHello{}, nil
	case "ServerHello":
		return as(b, func(w *struct{ Version string }) (Message, error) {
			return ServerHello{clip(w.Version)}, nil
		})
	case "ReceiverVideoConstraints":
		return as(b, func(w *receiverJSON) (Message, error) { return w.message(b) })
	case "LastNChangedEvent":
		return as(b, func(w *struct{ LastN *number }) (Message, error) {
			if w.LastN == nil {
				return nil, errors.New("no lastN")
			}
			return LastNChangedEvent{w.LastN.int()}, nil
		})
	case "SourceVideoTypeMessage":
		return as(b, decodeVideoType)
	case "ReceiverAudioSubscription":
		return as(b, decodeAudioSubscription)
	case "EndpointMessage":
		return as(b, decodeEndpointMessage)
	case "EndpointStats":
		return decodeStats(b)
	case "AtollTopologyRequest":
		return as(b, func(w *struct{ Active *bool }) (Message, error) {
			return TopologyRequest{Active: w.Active == nil || *w.Active}, nil
		})
	}
	return decodeServerClass(class, b)
}

// as unmarshals b into a W and makes a message of it.
func as[W any](b []byte, f func(*W) (Message, error)) (Message, error) {
	var w W
	if err := json.Unmarshal(b, &w); err != nil {
		return nil, err
	}
	return f(&w)
}

type receiverJSON struct {
	LastN               *number
	SelectedSources     *[]string
	OnStageSources      *[]string
	DefaultConstraints  *constraintIn
	Constraints         *map[string]constraintIn
	AssumedBandwidthBps *number
}

type constraintIn struct{ MaxHeight, MaxFrameRate *number }

func (c constraintIn) constraint() Constraint {
	out := Constraint{MaxHeight: Unlimited, MaxFrameRate: Unlimited}
	if c.MaxHeight != nil {
		out.MaxHeight = c.MaxHeight.int()
	}
	if c.MaxFrameRate != nil {
		out.MaxFrameRate = float64(*c.MaxFrameRate)
	}
	return out
}

func (w *receiverJSON) message(b []byte) (Message, error) {
	m := ReceiverVideoConstraints{Raw: bytes.Clone(b)}
	var err error
	if w.LastN != nil {
		n := w.LastN.int()
		m.LastN = &n
	}
	if w.SelectedSources != nil {
		if m.SelectedSources, err = names(*w.SelectedSources); err != nil {
			return nil, fmt.Errorf("selectedSources: %w", err)
		}
	}
	if w.OnStageSources != nil {
		if m.OnStageSources, err = names(*w.OnStageSources); err != nil {
			return nil, fmt.Errorf("onStageSources: %w", err)
		}
	}
	if w.DefaultConstraints != nil {
		c := w.DefaultConstraints.constraint()
		m.DefaultConstraints = &c
	}
	if w.Constraints != nil {
		if len(*w.Constraints) > maxList {
			return nil, fmt.Errorf("constraints: %d entries, at most %d are allowed", len(*w.Constraints), maxList)
		}
		m.Constraints = make(map[room.SourceName]Constraint, len(*w.Constraints))
		for s, c := range *w.Constraints {
			if name, err := room.ParseSourceName(s); err == nil {
				m.Constraints[name] = c.constraint()
			}
		}
	}
	if w.AssumedBandwidthBps != nil {
		n := int64(*w.AssumedBandwidthBps)
		m.AssumedBandwidthBps = &n
	}
	return m, nil
}

func decodeVideoType(w *struct{ SourceName, VideoType string }) (Message, error) {
	name, err := room.ParseSourceName(w.SourceName)
	if err != nil {
		return nil, err
	}
	switch t := VideoType(strings.ToLower(w.VideoType)); t {
	case Camera, Desktop, DesktopHighFPS, None:
		return SourceVideoTypeMessage{name, t}, nil
	}
	return nil, fmt.Errorf("video type %.24q", w.VideoType)
}

func decodeAudioSubscription(w *struct {
	All              *bool
	Include, Exclude []string
},
) (Message, error) {
	m := ReceiverAudioSubscription{All: w.All == nil || *w.All}
	var err error
	if m.Include, err = names(w.Include); err != nil {
		return nil, fmt.Errorf("include: %w", err)
	}
	if m.Exclude, err = names(w.Exclude); err != nil {
		return nil, fmt.Errorf("exclude: %w", err)
	}
	return m, nil
}

func decodeEndpointMessage(w *struct {
	From, To string
	Payload  json.RawMessage `json:"msgPayload"`
},
) (Message, error) {
	if len(w.From) > maxName || len(w.To) > maxName {
		return nil, errors.New("name too long")
	}
	if !bytes.HasPrefix(w.Payload, []byte{'{'}) {
		return nil, errors.New("msgPayload is not an object")
	}
	return EndpointMessage{w.From, w.To, w.Payload}, nil
}

func decodeStats(b []byte) (Message, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, err
	}
	if len(fields) > maxFields {
		return nil, fmt.Errorf("%d fields, at most %d are allowed", len(fields), maxFields)
	}
	m := EndpointStats{Fields: fields}
	if raw, ok := fields["from"]; ok {
		if err := json.Unmarshal(raw, &m.From); err != nil || len(m.From) > maxName {
			return nil, errors.New("from is not a name")
		}
	}
	maps.DeleteFunc(fields, func(k string, _ json.RawMessage) bool {
		return strings.EqualFold(k, "colibriClass") || strings.EqualFold(k, "from")
	})
	return m, nil
}

// names returns the entries that are names of sources.
func names(in []string) ([]room.SourceName, error) {
	if len(in) > maxList {
		return nil, fmt.Errorf("%d entries, at most %d are allowed", len(in), maxList)
	}
	out := make([]room.SourceName, 0, len(in))
	for _, s := range in {
		if name, err := room.ParseSourceName(s); err == nil {
			out = append(out, name)
		}
	}
	return out, nil
}

func clip(s string) string {
	if len(s) <= maxName {
		return s
	}
	return strings.ToValidUTF8(s[:maxName], "")
}

// number is a JSON number, or one in a string. Heights are computed by clients and need not be whole.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	if err != nil || math.IsNaN(f) {
		return fmt.Errorf("%.24q is not a number", b)
	}
	*n = number(min(max(f, -1), 1<<40))
	return nil
}

// int returns the number rounded down, bounded to 31 bits.
func (n number) int() int { return int(min(math.Floor(float64(n)), math.MaxInt32)) }

// depth returns how deep brackets nest in b, or less when b is not JSON.
func depth(b []byte) int {
	deepest, level := 0, 0
	text := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
