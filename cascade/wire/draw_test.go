package wire

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

var messages = []room.Message{room.Digest{}, room.Ops{}, room.Snapshot{}, room.Commit{}, room.State{}, room.End{}}

// each calls f for every type of frame, and for every message inside a Replica.
func each(t *testing.T, f func(t *testing.T, draw func(*rapid.T) Frame)) {
	t.Helper()
	for _, blank := range blank {
		if _, ok := blank.(Replica); ok {
			continue
		}
		t.Run(reflect.TypeOf(blank).Name(), func(t *testing.T) {
			f(t, func(rt *rapid.T) Frame { return mend(rt, drawAs(rt, blank)) })
		})
	}
	for _, blank := range messages {
		t.Run("Replica"+reflect.TypeOf(blank).Name(), func(t *testing.T) {
			f(t, func(rt *rapid.T) Frame {
				return Replica{Room: drawRoom(rt), Message: mendMessage(rt, drawAs(rt, blank))}
			})
		})
	}
}

func drawAs[T any](t *rapid.T, blank T) T {
	v := reflect.New(reflect.TypeOf(blank)).Elem()
	fill(t, v, v.Type().Name())
	out, _ := v.Interface().(T)
	return out
}

func drawRoom(t *rapid.T) string { return rapid.StringN(1, 100, MaxRoom).Draw(t, "room") }

func drawMove(t *rapid.T) uint32 { return rapid.Uint32Range(1, FirstTunnel-1).Draw(t, "move") }

func drawName(t *rapid.T) identity.Name {
	return identity.Name(rapid.StringMatching(`[a-z2-7]{10}`).Draw(t, "name"))
}

func drawEndpoint(t *rapid.T) room.EndpointID {
	return room.EndpointID(fmt.Sprintf("%08x", rapid.Uint32().Draw(t, "endpoint")))
}

// fill draws a value for every field by reflection, so that a field forgotten by a layout is found.
func fill(t *rapid.T, v reflect.Value, path string) {
	switch v.Interface().(type) {
	case identity.Name:
		v.SetString(string(drawName(t)))
		return
	case room.EndpointID:
		v.SetString(string(drawEndpoint(t)))
		return
	case room.SourceName:
		v.SetString(fmt.Sprintf("%s-%s%d", drawEndpoint(t), rapid.SampledFrom([]string{"a", "v"}).Draw(t, path), rapid.IntRange(0, 99).Draw(t, path)))
		return
	case room.Cause:
		v.SetUint(rapid.Uint64Range(uint64(room.ByItself), uint64(room.Moved)).Draw(t, path))
		return
	case room.Kind:
		v.SetUint(rapid.Uint64Range(uint64(room.Audio), uint64(room.Video)).Draw(t, path))
		return
	case netip.AddrPort:
		b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, path)
		v.Set(reflect.ValueOf(netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), rapid.Uint16().Draw(t, path))))
		return
	case time.Duration:
		v.SetInt(rapid.Int64Range(1, 60_000).Draw(t, path) * int64(time.Millisecond))
		return
	case []byte:
		v.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, path))
		return
	case room.Write:
		v.Field(0).SetString(rapid.StringN(1, 12, -1).Draw(t, path))
		v.Field(1).SetString(rapid.String().Draw(t, path))
		return
	case room.Dot:
		fill(t, v.Field(0), path)
		v.Field(1).SetUint(rapid.Uint64Min(1).Draw(t, path))
		return
	case room.Context:
		m := room.Context{}
		for range rapid.IntRange(0, 4).Draw(t, path) {
			m[room.Term{Since: room.Time(rapid.Uint64().Draw(t, path)), Node: drawName(t)}] = rapid.Uint64Min(1).Draw(t, path)
		}
		v.Set(reflect.ValueOf(m))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, path) {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), path)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 4).Draw(t, path) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key, path)
			fill(t, value, path)
			v.SetMapIndex(key, value)
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 4).Draw(t, path)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i), path)
		}
	case reflect.String:
		v.SetString(rapid.StringN(0, 12, maxLabel).Draw(t, path))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, path))
	case reflect.Int:
		v.SetInt(rapid.Int64Range(0, maxHeight).Draw(t, path))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64Range(0, 1<<v.Type().Bits()-1).Draw(t, path))
	default:
		t.Fatalf("%s: no generator for %v", path, v.Type())
	}
}

// mend brings what was drawn field by field within the rules that bind fields to each other.
func mend(t *rapid.T, f Frame) Frame {
	switch f := f.(type) {
	case Hello:
		f.Oldest = max(f.Oldest, 1)
		f.Newest = max(f.Newest, f.Oldest)
		f.Started >>= 16
		f.Clock >>= 16
		return f
	case LinkState:
		for i := range f.Rows {
			f.Rows[i].Loss %= 1001
		}
		return f
	case Relayed:
		if f.Origin == f.Target {
			f.Target = "zzzzzzzzzz"
		}
		f.Started >>= 16
		f.Version = max(f.Version, 1)
		f.Key = rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		f.Signature = rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "signature")
		f.Frame = append([]byte{typeRelease}, f.Frame...)
		return f
	case Claim:
		f.Room += "r"
		return f
	case ClaimAnswer:
		f.Room += "r"
		if f.Holders = ascending(f.Holders); !f.Known {
			f.Holders, f.Header = nil, nil
		}
		return f
	case Lease:
		f.Room += "r"
		if !f.HasHeader {
			f.Header = nil
		}
		return f
	case Release:
		f.Room += "r"
		return f
	case Holders:
		f.Room += "r"
		f.Nodes = ascending(f.Nodes)
		return f
	case Command:
		f.Room += "r"
		return f
	case Refused:
		f.Room += "r"
		maybe(t, &f.Sequencer)
		return f
	case Deliver:
		f.Room += "r"
		return f
	case Directed:
		f.Room += "r"
		f.Name = rapid.SampledFrom([]string{"message", "iq"}).Draw(t, "name")
		return f
	case Note:
		f.Room += "r"
		maybe(t, &f.To)
		return f
	case Order:
		f.Room += "r"
		return f
	case Dominant:
		f.Room += "r"
		maybe(t, &f.Endpoint)
		return f
	case Recall:
		f.Room += "r"
		return f
	case Recalled:
		f.Room += "r"
		return f
	case Subscribe:
		f.Room += "r"
		f.Path = rapid.SliceOfNDistinct(rapid.Custom(drawName), 2, 3, rapid.ID).Draw(t, "path")
		return f
	case Update:
		f.Room += "r"
		return f
	case Unsubscribe:
		f.Room += "r"
		return f
	case Subscribed:
		f.Room += "r"
		return f
	case Seek:
		f.Token += "t"
		f.Without = ascending(f.Without)
		return f
	case Sought:
		f.Code = SoughtCode(rapid.IntRange(int(SoughtUnknown), int(SoughtWhole)).Draw(t, "code"))
		f.Part, f.Parts = drawPiece(t)
		if f.Code != SoughtRecord && f.Code != SoughtWhole {
			f.Part, f.Parts, f.Value = 0, 1, nil
		}
		if f.Code != SoughtAt {
			f.At = ""
		}
		return f
	case Keep:
		f.Token += "t"
		f.Part, f.Parts = drawPiece(t)
		return f
	case Wipe:
		f.Token += "t"
		return f
	case Amend:
		f.Token += "t"
		return f
	case Kept:
		f.Token += "t"
		return f
	case ChannelOpened:
		maybe(t, &f.At)
		return f
	case ChannelClosed:
		f.Status = rapid.Uint16Range(1000, 4999).Draw(t, "status")
		return f
	case ChannelText:
		f.Seq = max(f.Seq, 1)
		return f
	case ChannelOpen:
		return f
	case Prepare:
		f.Room += "r"
		f.Move = drawMove(t)
		f.Ufrag, f.Pwd = f.Ufrag+"u", f.Pwd+"p"
		return f
	case Prepared:
		f.Room += "r"
		f.Move = drawMove(t)
		f.Ufrag, f.Pwd = f.Ufrag+"u", f.Pwd+"p"
		return f
	case Answered:
		f.Room += "r"
		f.Move = drawMove(t)
		f.Ufrag, f.Pwd = f.Ufrag+"u", f.Pwd+"p"
		return f
	case PathState:
		f.Room += "r"
		f.Move, f.State = drawMove(t), max(f.State, 1)
		return f
	case Take:
		f.Room += "r"
		f.Move, f.Epoch = drawMove(t), max(f.Epoch, 1)
		for i := range f.Pulls {
			f.Pulls[i].Sub %= FirstTunnel
		}
		return f
	case Taken:
		f.Room += "r"
		f.Move = drawMove(t)
		return f
	case Drop:
		f.Room += "r"
		f.Move = drawMove(t)
		return f
	}
	t.Fatalf("no rules for %T", f)
	return nil
}

func mendMessage(t *rapid.T, m room.Message) room.Message {
	switch m := m.(type) {
	case room.Ops:
		m.First >>= 1
		for i := range m.Ops {
			o := &m.Ops[i]
			switch kind := rapid.IntRange(opPut, opSay).Draw(t, "op"); kind {
			case opPut:
				v := drawAs(t, room.Occupant{})
				*o = room.Op{Put: &v}
			case opRemove:
				v := drawAs(t, room.Removal{})
				maybe(t, &v.Actor)
				*o = room.Op{Remove: &v}
			case opSay:
				v := drawAs(t, room.Utterance{})
				*o = room.Op{Say: &v}
			}
		}
		return m
	case room.State:
		m.Part, m.Parts = drawPart(t)
		for i := range m.Registers {
			m.Registers[i].Key += "k"
		}
		return m
	case room.Snapshot:
		m.Part, m.Parts = drawPart(t)
		return m
	}
	return m
}

func drawPart(t *rapid.T) (part, parts uint16) {
	parts = rapid.Uint16Range(1, maxParts).Draw(t, "parts")
	return rapid.Uint16Range(0, parts-1).Draw(t, "part"), parts
}

func drawPiece(t *rapid.T) (part, parts uint16) {
	parts = rapid.Uint16Range(1, MaxPieces).Draw(t, "parts")
	return rapid.Uint16Range(0, parts-1).Draw(t, "part"), parts
}

func maybe[T ~string](t *rapid.T, v *T) {
	if rapid.Bool().Draw(t, "absent") {
		*v = ""
	}
}

func ascending(names []identity.Name) []identity.Name {
	slices.Sort(names)
	return slices.Compact(names)
}
