package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want Participant
		fill(t, reflect.ValueOf(&want).Elem(), "")
		got, err := Decode(Encode(&want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// fill draws a value for every field by reflection, so that a field forgotten by the encoding is found.
func fill(t *rapid.T, v reflect.Value, path string) {
	switch v.Interface().(type) {
	case time.Time:
		if rapid.Bool().Draw(t, path) {
			v.Set(reflect.ValueOf(time.Unix(0, rapid.Int64().Draw(t, path)).UTC()))
		}
		return
	case room.EndpointID:
		v.SetString(fmt.Sprintf("%08x", rapid.Uint32().Draw(t, path)))
		return
	case room.SourceName:
		v.SetString(fmt.Sprintf("%08x-v%d", rapid.Uint32().Draw(t, path), rapid.IntRange(0, 99).Draw(t, path)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(t, path)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), path)
		}
	case reflect.String:
		v.SetString(rapid.String().Draw(t, path))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, path))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64Range(0, 1<<v.Type().Bits()-1).Draw(t, path))
	default:
		t.Fatalf("%s: no generator for %v", path, v.Type())
	}
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	b := Encode(&Participant{Room: "demo@conference.localhost", Media: Media{Profile: 7}})
	newer := writer{buf: b}
	newer.text(99, "from the future")
	newer.record(tagMedia, func(w *writer) {
		w.text(77, "more of it")
		w.counter(tagMediaSent, 1, 2, nil)
		w.record(tagMediaReceived, func(w *writer) { w.number(tagCounterSSRC, 5); w.text(1000, "x") })
	})
	got, err := Decode(newer.buf)
	if err != nil {
		t.Fatal(err)
	}
	want := &Participant{Room: "demo@conference.localhost", Media: Media{
		Profile: 7, Sent: []SentRTP{{SSRC: 1, Index: 2}}, Received: []ReceivedRTP{{SSRC: 5}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBadInputIsRefused(t *testing.T) {
	field := func(tag uint64, v string) []byte {
		w := writer{buf: []byte{version}}
		w.item(tag, []byte(v))
		return w.buf
	}
	many := writer{buf: []byte{version}}
	many.record(tagJingle, func(w *writer) {
		for range maxFeatures + 1 {
			w.item(tagJingleFeature, nil)
		}
	})
	media := func(tag uint64, v []byte) []byte {
		w := writer{buf: []byte{version}}
		w.record(tagMedia, func(w *writer) { w.item(tag, v) })
		return w.buf
	}
	for name, b := range map[string][]byte{
		"empty":           nil,
		"version":         {2},
		"tag cut":         {version, 0x80},
		"length cut":      {version, 1, 0x80},
		"value cut":       {version, 1, 5, 'a'},
		"length overflow": append([]byte{version, 1}, bytes.Repeat([]byte{0xff}, 11)...),
		"endpoint":        field(tagEndpoint, "nobody"),
		"number too long": field(tagEpoch, "\x01\x01"),
		"number missing":  field(tagEpoch, ""),
		"too many":        many.buf,
		"number too big":  media(tagMediaProfile, binary.AppendUvarint(nil, 1<<16)),
		"source no name": func() []byte {
			w := writer{buf: []byte{version}}
			w.record(tagJingle, func(w *writer) { w.record(tagJingleSource, func(*writer) {}) })
			return w.buf
		}(),
		"too large": make([]byte, MaxSize+1),
	} {
		if p, err := Decode(b); err == nil {
			t.Errorf("%s: accepted as %+v", name, p)
		} else if !strings.HasPrefix(err.Error(), "decode participant: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWipeOverwritesKeys(t *testing.T) {
	key, state := []byte{1, 2, 3}, []byte{4, 5}
	p := Participant{
		Stream: Stream{ResumeToken: "token"}, Jingle: Jingle{BridgePwd: "pwd"},
		Media: Media{LocalKey: key, DTLS: state, LocalPwd: "pwd"},
	}
	p.Wipe()
	if diff := cmp.Diff(Participant{}, p); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(key, make([]byte, 3)) || !bytes.Equal(state, make([]byte, 2)) {
		t.Errorf("keys are still there: %v %v", key, state)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{version})
	f.Add(Encode(&Participant{
		Room: "demo@conference.localhost", Endpoint: "478dfae7", Epoch: 3,
		Stream: Stream{JID: "a@b/c", Received: 1, Unacked: [][]byte{[]byte("<a/>"), nil}},
		Jingle: Jingle{Features: []string{"f"}, Sources: []room.Source{{Name: "478dfae7-v0", Encodings: []room.Encoding{{SSRC: 1, RTX: 2}}}}},
		Media: Media{
			Profile: 7, LocalKey: []byte("key"), Sent: []SentRTP{{1, 2, [8]uint64{3}}}, Received: []ReceivedRTP{{1, 70000, [8]uint64{1}}},
			SentRTCP: []SentRTCP{{1, 2}}, ReceivedRTCP: []ReceivedRTCP{{1, 2, 3}},
		},
		Forwarding: Forwarding{Slots: []Slot{{Kind: room.Video, SSRC: 1, Rewrite: Rewrite{Started: true, LastSent: time.Unix(1, 0)}}}},
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(Encode(p))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
