package bridge

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func ptr[T any](v T) *T { return &v }

// wireCases are messages as they stand on the wire, in both directions.
var wireCases = []struct {
	name, json string
	m          Message
}{
	{"hello", `{"colibriClass":"ServerHello","version":"atoll"}`, ServerHello{"atoll"}},
	{"client hello", `{"colibriClass":"ClientHello"}`, ClientHello{}},
	{
		"last n", `{"colibriClass":"LastNChangedEvent","lastN":-1}`,
		LastNChangedEvent{-1},
	},
	{
		"video type", `{"colibriClass":"SourceVideoTypeMessage","sourceName":"478dfae7-v1","videoType":"desktop_high_fps"}`,
		SourceVideoTypeMessage{"478dfae7-v1", DesktopHighFPS},
	},
	{
		"audio subscription",
		`{"colibriClass":"ReceiverAudioSubscription","all":false,"include":["478dfae7-a0"],"exclude":[]}`,
		ReceiverAudioSubscription{false, []room.SourceName{"478dfae7-a0"}, []room.SourceName{}},
	},
	{
		"endpoint message",
		`{"colibriClass":"EndpointMessage","from":"05cf9031","to":"","msgPayload":{"a":"<b>","c":[1,2]}}`,
		EndpointMessage{"05cf9031", "", json.RawMessage(`{"a":"<b>","c":[1,2]}`)},
	},
	{
		"stats", `{"bitrate":{"upload":1},"colibriClass":"EndpointStats","from":"05cf9031"}`,
		EndpointStats{"05cf9031", map[string]json.RawMessage{"bitrate": json.RawMessage(`{"upload":1}`)}},
	},
	{
		"dominant",
		`{"colibriClass":"DominantSpeakerEndpointChangeEvent","dominantSpeakerEndpoint":"05cf9031",` +
			`"previousSpeakers":["478dfae7"],"silence":false}`,
		DominantSpeakerEndpointChangeEvent{"05cf9031", []room.EndpointID{"478dfae7"}, false},
	},
	{
		"forwarded", `{"colibriClass":"ForwardedSources","forwardedSources":["05cf9031-v0"]}`,
		ForwardedSources{[]room.SourceName{"05cf9031-v0"}},
	},
	{
		"forwarded nothing", `{"colibriClass":"ForwardedSources","forwardedSources":[]}`,
		ForwardedSources{[]room.SourceName{}},
	},
	{
		"sender constraints", `{"colibriClass":"SenderSourceConstraints","sourceName":"05cf9031-v0","maxHeight":720}`,
		SenderSourceConstraints{"05cf9031-v0", 720},
	},
	{
		"connection stats", `{"colibriClass":"ConnectionStats","estimatedDownlinkBandwidth":4000000}`,
		ConnectionStats{4000000},
	},
	{
		"video map",
		`{"colibriClass":"VideoSourcesMap","mappedSources":[{"source":"05cf9031-v0","owner":"05cf9031","ssrc":4294967295,` +
			`"rtx":12,"videoType":"camera"},{"source":"478dfae7-v1","owner":"478dfae7","ssrc":3,"rtx":"-1","videoType":"desktop"}]}`,
		VideoSourcesMap{[]VideoMapping{
			{"05cf9031-v0", "05cf9031", 4294967295, 12, room.Camera},
			{"478dfae7-v1", "478dfae7", 3, 0, room.Desktop},
		}},
	},
	{
		"audio map", `{"colibriClass":"AudioSourcesMap","mappedSources":[{"source":"05cf9031-a0","owner":"05cf9031","ssrc":7}]}`,
		AudioSourcesMap{[]AudioMapping{{"05cf9031-a0", "05cf9031", 7}}},
	},
	{
		"connectivity", `{"colibriClass":"EndpointConnectivityStatusChangeEvent","endpoint":"05cf9031","active":"false"}`,
		EndpointConnectivityStatusChangeEvent{"05cf9031", false},
	},
}

func TestWire(t *testing.T) {
	for _, c := range wireCases {
		t.Run(c.name, func(t *testing.T) {
			if got := string(Encode(c.m)); got != c.json {
				t.Errorf("encoded\n%s\nwant\n%s", got, c.json)
			}
			m, err := Decode([]byte(c.json))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.m, m); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestReceiverVideoConstraints(t *testing.T) {
	const in = `{"colibriClass":"ReceiverVideoConstraints","lastN":-1,"defaultConstraints":{"maxHeight":180},` +
		`"constraints":{"05cf9031-v0":{"maxHeight":720.5,"maxFrameRate":15},"foreign":{"maxHeight":1}},` +
		`"selectedSources":[],"onStageSources":["05cf9031-v0","nonsense"],"assumedBandwidthBps":1000000}`
	got, err := Decode([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	want := ReceiverVideoConstraints{
		LastN:               ptr(-1),
		SelectedSources:     []room.SourceName{},
		OnStageSources:      []room.SourceName{"05cf9031-v0"},
		DefaultConstraints:  &Constraint{180, Unlimited},
		Constraints:         map[room.SourceName]Constraint{"05cf9031-v0": {720, 15}},
		AssumedBandwidthBps: ptr(int64(1000000)),
		Raw:                 []byte(in),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	again, err := Decode(Encode(got))
	if err != nil {
		t.Fatal(err)
	}
	r := again.(ReceiverVideoConstraints)
	r.Raw = want.Raw
	if d := cmp.Diff(want, r); d != "" {
		t.Error(d)
	}
}

func TestAbsentConstraintsStayAbsent(t *testing.T) {
	m, err := Decode([]byte(`{"colibriClass":"ReceiverVideoConstraints","lastN":null}`))
	if err != nil {
		t.Fatal(err)
	}
	r := m.(ReceiverVideoConstraints)
	if r.LastN != nil || r.SelectedSources != nil || r.OnStageSources != nil || r.DefaultConstraints != nil ||
		r.Constraints != nil || r.AssumedBandwidthBps != nil {
		t.Errorf("absent fields were set: %+v", r)
	}
	if got := string(Encode(r)); got != `{"colibriClass":"ReceiverVideoConstraints"}` {
		t.Errorf("encoded %s", got)
	}
}

func TestStatsFromIsNotTheClients(t *testing.T) {
	m, err := Decode([]byte(`{"colibriClass":"EndpointStats","from":"ffffffff","jvbRTT":1}`))
	if err != nil {
		t.Fatal(err)
	}
	s := m.(EndpointStats)
	s.From = "05cf9031"
	if got, want := string(Encode(s)), `{"colibriClass":"EndpointStats","from":"05cf9031","jvbRTT":1}`; got != want {
		t.Errorf("encoded %s, want %s", got, want)
	}
}

func TestStatsFieldsCannotForge(t *testing.T) {
	m := EndpointStats{Fields: map[string]json.RawMessage{"from": json.RawMessage(`"ffffffff"`)}}
	if got := string(Encode(m)); got != `{"colibriClass":"EndpointStats"}` {
		t.Errorf("encoded %s", got)
	}
}

func TestUnknownClass(t *testing.T) {
	m, err := Decode([]byte(`{"colibriClass":"SomethingNew","x":[1]}`))
	if d := cmp.Diff(Unknown{"SomethingNew"}, m); d != "" || err != nil {
		t.Error(err, d)
	}
}

func TestRefused(t *testing.T) {
	many := strings.Repeat(`"05cf9031-v0",`, maxList) + `"05cf9031-v0"`
	fields := ""
	for i := range maxFields + 1 {
		fields += `,"f` + strings.Repeat("x", i) + `":1`
	}
	for name, in := range map[string]string{
		"not json":           `{`,
		"not an object":      `[]`,
		"no class":           `{"x":1}`,
		"class not a string": `{"colibriClass":7}`,
		"long class":         `{"colibriClass":"` + strings.Repeat("x", maxName+1) + `"}`,
		"too large":          `{"colibriClass":"EndpointMessage","msgPayload":{"x":"` + strings.Repeat("x", MaxMessage) + `"}}`,
		"not utf-8":          "{\"colibriClass\":\"EndpointMessage\",\"msgPayload\":{\"x\":\"\xff\"}}",
		"too deep":           `{"colibriClass":"EndpointMessage","msgPayload":{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}}`,
		"payload missing":    `{"colibriClass":"EndpointMessage","to":""}`,
		"payload a string":   `{"colibriClass":"EndpointMessage","msgPayload":"x"}`,
		"long to":            `{"colibriClass":"EndpointMessage","to":"` + strings.Repeat("x", maxName+1) + `","msgPayload":{}}`,
		"many selected":      `{"colibriClass":"ReceiverVideoConstraints","selectedSources":[` + many + `]}`,
		"last n a word":      `{"colibriClass":"ReceiverVideoConstraints","lastN":"all"}`,
		"foreign name":       `{"colibriClass":"SourceVideoTypeMessage","sourceName":"x","videoType":"camera"}`,
		"video type":         `{"colibriClass":"SourceVideoTypeMessage","sourceName":"05cf9031-v0","videoType":"film"}`,
		"many fields":        `{"colibriClass":"EndpointStats"` + fields + `}`,
		"no last n":          `{"colibriClass":"LastNChangedEvent"}`,
		"ssrc 0":             `{"colibriClass":"AudioSourcesMap","mappedSources":[{"source":"05cf9031-a0","owner":"05cf9031","ssrc":0}]}`,
	} {
		if m, err := Decode([]byte(in)); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: got %+v, %v", name, m, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range wireCases {
		f.Add([]byte(c.json))
	}
	f.Add([]byte(`{"colibriClass":"ReceiverVideoConstraints","lastN":1e400,"constraints":{"05cf9031-v0":{"maxHeight":-5}}}`))
	f.Add([]byte(`{"colibriClass":"X","x":"\\\"["}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		out := Encode(m)
		if len(out) == 0 || !json.Valid(out) {
			t.Fatalf("%T does not encode: %s", m, out)
		}
		again, err := Decode(out)
		if err != nil {
			if len(out) > MaxMessage {
				return
			}
			t.Fatalf("own message refused: %v: %s", err, out)
		}
		if r, ok := again.(ReceiverVideoConstraints); ok {
			before := m.(ReceiverVideoConstraints)
			before.Raw, r.Raw = nil, nil
			m, again = before, r
		}
		if d := cmp.Diff(m, again, cmp.Transformer("json", compact)); d != "" {
			t.Fatal(d)
		}
	})
}

// compact makes payloads comparable: encoding removes white space.
func compact(r json.RawMessage) any {
	var v any
	_ = json.Unmarshal(r, &v)
	return v
}
