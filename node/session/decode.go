package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// MaxSize is how many bytes the encoding of a participant may have.
const MaxSize = 4 << 20

// How many items a list may have.
const (
	maxUnacked   = 10_000
	maxFeatures  = 512
	maxSources   = 256
	maxEncodings = 32
	maxCounters  = 8192
	maxSlots     = 1024
	maxLayers    = 256
	maxOthers    = 16_384
	maxParts     = 1024
)

var (
	errTruncated = errors.New("truncated")
	errTooMany   = errors.New("too many items")
)

// Decode reads what [Encode] wrote, also that of a newer node. The result shares no memory with b.
func Decode(b []byte) (*Participant, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("decode participant: %d bytes, at most %d", len(b), MaxSize)
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("decode participant: %w", errTruncated)
	}
	if b[0] != version {
		return nil, fmt.Errorf("decode participant: version %d, want %d", b[0], version)
	}
	p := &Participant{}
	if err := fields(b[1:], p.field); err != nil {
		p.Wipe()
		return nil, fmt.Errorf("decode participant: %w", err)
	}
	return p, nil
}

// fields calls f for every field in b.
func fields(b []byte, f func(tag uint64, v []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return errTruncated
		}
		b = b[n:]
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return errTruncated
		}
		b = b[n:]
		if err := f(tag, b[:size:size]); err != nil {
			return fmt.Errorf("field %d: %w", tag, err)
		}
		b = b[size:]
	}
	return nil
}

func (p *Participant) field(tag uint64, v []byte) error {
	switch tag {
	case tagRoom:
		return text(&p.Room, v)
	case tagEndpoint:
		id, err := room.ParseEndpointID(string(v))
		p.Endpoint = id
		return err
	case tagEpoch:
		return number(&p.Epoch, v)
	case tagStream:
		return fields(v, p.Stream.field)
	case tagOccupancy:
		return fields(v, p.Occupancy.field)
	case tagJingle:
		return fields(v, p.Jingle.field)
	case tagMedia:
		return fields(v, p.Media.field)
	case tagForwarding:
		return fields(v, p.Forwarding.field)
	}
	return nil
}

func (s *Stream) field(tag uint64, v []byte) error {
	switch tag {
	case tagStreamJID:
		return text(&s.JID, v)
	case tagStreamToken:
		return text(&s.ResumeToken, v)
	case tagStreamReceived:
		return number(&s.Received, v)
	case tagStreamAcked:
		return number(&s.Acked, v)
	case tagStreamUnacked:
		return add(&s.Unacked, maxUnacked, append([]byte{}, v...))
	}
	return nil
}

func (o *Occupancy) field(tag uint64, v []byte) error {
	switch tag {
	case tagOccupancyNick:
		return text(&o.Nick, v)
	case tagOccupancyRole:
		return text(&o.Role, v)
	case tagOccupancyAffiliation:
		return text(&o.Affiliation, v)
	case tagOccupancyPresence:
		return octets(&o.Presence, v)
	case tagOccupancyJoined:
		return moment(&o.Joined, v)
	case tagOccupancyOther:
		return add(&o.Others, maxOthers, room.EndpointID(v))
	case tagOccupancySeen:
		var p Part
		if err := fields(v, p.field); err != nil {
			return err
		}
		return add(&o.Seen, maxParts, p)
	}
	return nil
}

func (p *Part) field(tag uint64, v []byte) error {
	switch tag {
	case tagPartNode:
		return text(&p.Node, v)
	case tagPartIncarnation:
		return number(&p.Version.Incarnation, v)
	case tagPartSeq:
		return number(&p.Version.Seq, v)
	}
	return nil
}

func (j *Jingle) field(tag uint64, v []byte) error {
	switch tag {
	case tagJingleSID:
		return text(&j.SID, v)
	case tagJingleActive:
		return flag(&j.Active, v)
	case tagJingleGeneration:
		return number(&j.ICEGeneration, v)
	case tagJingleFeature:
		return add(&j.Features, maxFeatures, string(v))
	case tagJingleSource:
		var s room.Source
		if err := source(&s, v); err != nil {
			return err
		}
		return add(&j.Sources, maxSources, s)
	case tagJingleBridgePwd:
		return text(&j.BridgePwd, v)
	}
	return nil
}

func source(s *room.Source, b []byte) error {
	err := fields(b, func(tag uint64, v []byte) error {
		switch tag {
		case tagSourceName:
			return sourceName(&s.Name, v)
		case tagSourceVideoType:
			return text(&s.VideoType, v)
		case tagSourceMSID:
			return text(&s.MSID, v)
		case tagSourceMuted:
			return flag(&s.Muted, v)
		case tagSourceEncoding:
			var e room.Encoding
			err := fields(v, func(tag uint64, v []byte) error {
				switch tag {
				case tagEncodingSSRC:
					return number(&e.SSRC, v)
				case tagEncodingRTX:
					return number(&e.RTX, v)
				}
				return nil
			})
			if err != nil {
				return err
			}
			return add(&s.Encodings, maxEncodings, e)
		}
		return nil
	})
	if err == nil && s.Name == "" {
		err = errors.New("a source without a name")
	}
	return err
}

func (m *Media) field(tag uint64, v []byte) error {
	switch tag {
	case tagMediaProfile:
		return number(&m.Profile, v)
	case tagMediaLocalKey:
		return octets(&m.LocalKey, v)
	case tagMediaLocalSalt:
		return octets(&m.LocalSalt, v)
	case tagMediaRemoteKey:
		return octets(&m.RemoteKey, v)
	case tagMediaRemoteSalt:
		return octets(&m.RemoteSalt, v)
	case tagMediaDTLS:
		return octets(&m.DTLS, v)
	case tagMediaLocalUfrag:
		return text(&m.LocalUfrag, v)
	case tagMediaLocalPwd:
		return text(&m.LocalPwd, v)
	case tagMediaRemoteUfrag:
		return text(&m.RemoteUfrag, v)
	case tagMediaRemotePwd:
		return text(&m.RemotePwd, v)
	case tagMediaFingerprint:
		return text(&m.RemoteFingerprint, v)
	}
	return m.counter(tag, v)
}

func (m *Media) counter(tag uint64, b []byte) error {
	var (
		ssrc   uint32
		index  uint64
		window [8]uint64
	)
	switch tag {
	case tagMediaSent, tagMediaReceived, tagMediaSentRTCP, tagMediaReceivedRTCP:
	default:
		return nil
	}
	err := fields(b, func(tag uint64, v []byte) error {
		switch tag {
		case tagCounterSSRC:
			return number(&ssrc, v)
		case tagCounterIndex:
			return number(&index, v)
		case tagCounterWindow:
			return words(window[:], v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch tag {
	case tagMediaSent:
		return add(&m.Sent, maxCounters, SentRTP{SSRC: ssrc, Index: index, Window: window})
	case tagMediaReceived:
		return add(&m.Received, maxCounters, ReceivedRTP{SSRC: ssrc, Index: index, Window: window})
	}
	if index > 1<<32-1 {
		return fmt.Errorf("index %d does not fit", index)
	}
	if tag == tagMediaSentRTCP {
		return add(&m.SentRTCP, maxCounters, SentRTCP{SSRC: ssrc, Next: uint32(index)})
	}
	return add(&m.ReceivedRTCP, maxCounters, ReceivedRTCP{SSRC: ssrc, Index: uint32(index), Window: window[0]})
}

func (f *Forwarding) field(tag uint64, v []byte) error {
	switch tag {
	case tagForwardingConstraints:
		return octets(&f.Constraints, v)
	case tagForwardingSlot:
		var s Slot
		if err := fields(v, s.field); err != nil {
			return err
		}
		return add(&f.Slots, maxSlots, s)
	case tagForwardingTransportSeq:
		return number(&f.NextTransportSeq, v)
	case tagForwardingFeedbackCount:
		return number(&f.FeedbackCount, v)
	case tagForwardingFeedbackMoves:
		return number(&f.FeedbackMoves, v)
	case tagForwardingLayer:
		var l Layer
		if err := fields(v, l.field); err != nil {
			return err
		}
		return add(&f.Layers, maxLayers, l)
	}
	return nil
}

func (l *Layer) field(tag uint64, v []byte) error {
	switch tag {
	case tagLayerSSRC:
		return number(&l.SSRC, v)
	case tagLayerExtended:
		return number(&l.Extended, v)
	case tagLayerHeight:
		return number(&l.Height, v)
	case tagLayerCurrent:
		return flag(&l.Current, v)
	}
	return nil
}

func (s *Slot) field(tag uint64, v []byte) error {
	switch tag {
	case tagSlotKind:
		return number(&s.Kind, v)
	case tagSlotSSRC:
		return number(&s.SSRC, v)
	case tagSlotRTX:
		return number(&s.RTX, v)
	case tagSlotRTXSeq:
		return number(&s.RTXSeq, v)
	case tagSlotSource:
		return sourceName(&s.Source, v)
	case tagSlotRewrite:
		return fields(v, s.Rewrite.field)
	}
	return nil
}

func (r *Rewrite) field(tag uint64, v []byte) error {
	switch tag {
	case tagRewriteStarted:
		return flag(&r.Started, v)
	case tagRewriteInSSRC:
		return number(&r.InSSRC, v)
	case tagRewriteSeqOffset:
		return number(&r.SeqOffset, v)
	case tagRewriteTSOffset:
		return number(&r.TSOffset, v)
	case tagRewritePictureOffset:
		return number(&r.PictureOffset, v)
	case tagRewriteTL0Offset:
		return number(&r.TL0Offset, v)
	case tagRewriteLastSeq:
		return number(&r.LastSeq, v)
	case tagRewriteLastTS:
		return number(&r.LastTS, v)
	case tagRewriteLastPicture:
		return number(&r.LastPicture, v)
	case tagRewriteLastTL0:
		return number(&r.LastTL0, v)
	case tagRewriteLastSent:
		return moment(&r.LastSent, v)
	case tagRewritePackets:
		return number(&r.Packets, v)
	case tagRewriteOctets:
		return number(&r.Octets, v)
	case tagRewriteFrameOffset:
		return number(&r.FrameOffset, v)
	case tagRewriteLastFrame:
		return number(&r.LastFrame, v)
	}
	return nil
}

func text[T ~string](to *T, v []byte) error {
	*to = T(v)
	return nil
}

func octets(to *[]byte, v []byte) error {
	*to = append([]byte(nil), v...)
	return nil
}

func number[T ~uint8 | ~uint16 | ~uint32 | ~uint64](to *T, v []byte) error {
	x, n := binary.Uvarint(v)
	if n <= 0 || n != len(v) {
		return errors.New("not a number")
	}
	*to = T(x)
	if uint64(*to) != x {
		return fmt.Errorf("number %d does not fit", x)
	}
	return nil
}

func flag(to *bool, v []byte) error {
	var x uint8
	err := number(&x, v)
	*to = x != 0
	return err
}

func moment(to *time.Time, v []byte) error {
	if len(v) != 8 {
		return errors.New("not a time")
	}
	*to = time.Unix(0, int64(binary.BigEndian.Uint64(v))).UTC()
	return nil
}

func words(to []uint64, v []byte) error {
	if len(v)%8 != 0 || len(v)/8 > len(to) {
		return errors.New("not a window")
	}
	for i := range len(v) / 8 {
		to[i] = binary.BigEndian.Uint64(v[8*i:])
	}
	return nil
}

func sourceName(to *room.SourceName, v []byte) error {
	name, err := room.ParseSourceName(string(v))
	*to = name
	return err
}

func add[T any](to *[]T, limit int, v T) error {
	if len(*to) >= limit {
		return errTooMany
	}
	*to = append(*to, v)
	return nil
}
