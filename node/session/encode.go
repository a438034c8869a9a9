package session

import (
	"encoding/binary"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

const version = 1

// The tags of every structure. Numbers are never given twice.
const (
	tagRoom = iota + 1
	tagEndpoint
	tagEpoch
	tagStream
	tagOccupancy
	tagJingle
	tagMedia
	tagForwarding
)

const (
	tagStreamJID = iota + 1
	tagStreamToken
	tagStreamReceived
	tagStreamAcked
	tagStreamUnacked
)

const (
	tagOccupancyNick = iota + 1
	tagOccupancyRole
	tagOccupancyAffiliation
	tagOccupancyPresence
	tagOccupancyJoined
	tagOccupancyOther
	tagOccupancySeen
)

const (
	tagPartNode = iota + 1
	tagPartIncarnation
	tagPartSeq
)

const (
	tagJingleSID = iota + 1
	tagJingleActive
	tagJingleGeneration
	tagJingleFeature
	tagJingleSource
	tagJingleBridgePwd
)

const (
	tagSourceName = iota + 1
	tagSourceVideoType
	tagSourceMSID
	tagSourceEncoding
	tagSourceMuted
)

const (
	tagEncodingSSRC = iota + 1
	tagEncodingRTX
)

const (
	tagMediaProfile = iota + 1
	tagMediaLocalKey
	tagMediaLocalSalt
	tagMediaRemoteKey
	tagMediaRemoteSalt
	tagMediaDTLS
	tagMediaLocalUfrag
	tagMediaLocalPwd
	tagMediaRemoteUfrag
	tagMediaRemotePwd
	tagMediaFingerprint
	tagMediaSent
	tagMediaReceived
	tagMediaSentRTCP
	tagMediaReceivedRTCP
)

const (
	tagCounterSSRC = iota + 1
	tagCounterIndex
	tagCounterWindow
)

const (
	tagForwardingConstraints = iota + 1
	tagForwardingSlot
	tagForwardingTransportSeq
	tagForwardingFeedbackCount
	tagForwardingFeedbackMoves
	tagForwardingLayer
)

const (
	tagLayerSSRC = iota + 1
	tagLayerExtended
	tagLayerHeight
	tagLayerCurrent
)

const (
	tagSlotKind = iota + 1
	tagSlotSSRC
	tagSlotRTX
	tagSlotRTXSeq
	tagSlotSource
	tagSlotRewrite
)

const (
	tagRewriteStarted = iota + 1
	tagRewriteInSSRC
	tagRewriteSeqOffset
	tagRewriteTSOffset
	tagRewritePictureOffset
	tagRewriteTL0Offset
	tagRewriteLastSeq
	tagRewriteLastTS
	tagRewriteLastPicture
	tagRewriteLastTL0
	tagRewriteLastSent
	tagRewritePackets
	tagRewriteOctets
	tagRewriteFrameOffset
	tagRewriteLastFrame
)

// Encode returns p in the encoding of the package comment. The result holds keys: wipe it when it was sent.
func Encode(p *Participant) []byte {
	w := writer{buf: make([]byte, 1, 4096)}
	w.buf[0] = version
	w.text(tagRoom, p.Room)
	w.text(tagEndpoint, string(p.Endpoint))
	w.number(tagEpoch, uint64(p.Epoch))
	w.record(tagStream, func(w *writer) { w.stream(&p.Stream) })
	w.record(tagOccupancy, func(w *writer) { w.occupancy(&p.Occupancy) })
	w.record(tagJingle, func(w *writer) { w.jingle(&p.Jingle) })
	w.record(tagMedia, func(w *writer) { w.media(&p.Media) })
	w.record(tagForwarding, func(w *writer) { w.forwarding(&p.Forwarding) })
	return w.buf
}

func (w *writer) stream(s *Stream) {
	w.text(tagStreamJID, s.JID)
	w.text(tagStreamToken, s.ResumeToken)
	w.number(tagStreamReceived, uint64(s.Received))
	w.number(tagStreamAcked, uint64(s.Acked))
	for _, st := range s.Unacked {
		w.item(tagStreamUnacked, st)
	}
}

func (w *writer) occupancy(o *Occupancy) {
	w.text(tagOccupancyNick, o.Nick)
	w.text(tagOccupancyRole, o.Role)
	w.text(tagOccupancyAffiliation, o.Affiliation)
	w.bytes(tagOccupancyPresence, o.Presence)
	w.time(tagOccupancyJoined, o.Joined)
	for _, id := range o.Others {
		w.item(tagOccupancyOther, []byte(id))
	}
	for _, p := range o.Seen {
		w.record(tagOccupancySeen, func(w *writer) {
			w.text(tagPartNode, p.Node)
			w.number(tagPartIncarnation, p.Version.Incarnation)
			w.number(tagPartSeq, p.Version.Seq)
		})
	}
}

func (w *writer) jingle(j *Jingle) {
	w.text(tagJingleSID, j.SID)
	w.flag(tagJingleActive, j.Active)
	w.number(tagJingleGeneration, uint64(j.ICEGeneration))
	for _, f := range j.Features {
		w.item(tagJingleFeature, []byte(f))
	}
	for i := range j.Sources {
		w.record(tagJingleSource, func(w *writer) { w.source(&j.Sources[i]) })
	}
	w.text(tagJingleBridgePwd, j.BridgePwd)
}

func (w *writer) source(s *room.Source) {
	w.text(tagSourceName, string(s.Name))
	w.text(tagSourceVideoType, string(s.VideoType))
	w.text(tagSourceMSID, s.MSID)
	for _, e := range s.Encodings {
		w.record(tagSourceEncoding, func(w *writer) {
			w.number(tagEncodingSSRC, uint64(e.SSRC))
			w.number(tagEncodingRTX, uint64(e.RTX))
		})
	}
	w.flag(tagSourceMuted, s.Muted)
}

func (w *writer) media(m *Media) {
	w.number(tagMediaProfile, uint64(m.Profile))
	w.bytes(tagMediaLocalKey, m.LocalKey)
	w.bytes(tagMediaLocalSalt, m.LocalSalt)
	w.bytes(tagMediaRemoteKey, m.RemoteKey)
	w.bytes(tagMediaRemoteSalt, m.RemoteSalt)
	w.bytes(tagMediaDTLS, m.DTLS)
	w.text(tagMediaLocalUfrag, m.LocalUfrag)
	w.text(tagMediaLocalPwd, m.LocalPwd)
	w.text(tagMediaRemoteUfrag, m.RemoteUfrag)
	w.text(tagMediaRemotePwd, m.RemotePwd)
	w.text(tagMediaFingerprint, m.RemoteFingerprint)
	for _, c := range m.Sent {
		w.counter(tagMediaSent, c.SSRC, c.Index, c.Window[:])
	}
	for _, c := range m.Received {
		w.counter(tagMediaReceived, c.SSRC, c.Index, c.Window[:])
	}
	for _, c := range m.SentRTCP {
		w.counter(tagMediaSentRTCP, c.SSRC, uint64(c.Next), nil)
	}
	for _, c := range m.ReceivedRTCP {
		w.counter(tagMediaReceivedRTCP, c.SSRC, uint64(c.Index), []uint64{c.Window})
	}
}

func (w *writer) counter(tag uint64, ssrc uint32, index uint64, window []uint64) {
	w.record(tag, func(w *writer) {
		w.number(tagCounterSSRC, uint64(ssrc))
		w.number(tagCounterIndex, index)
		w.words(tagCounterWindow, window)
	})
}

func (w *writer) forwarding(f *Forwarding) {
	w.bytes(tagForwardingConstraints, f.Constraints)
	for i := range f.Slots {
		w.record(tagForwardingSlot, func(w *writer) { w.slot(&f.Slots[i]) })
	}
	w.number(tagForwardingTransportSeq, uint64(f.NextTransportSeq))
	w.number(tagForwardingFeedbackCount, uint64(f.FeedbackCount))
	w.number(tagForwardingFeedbackMoves, uint64(f.FeedbackMoves))
	for _, l := range f.Layers {
		w.record(tagForwardingLayer, func(w *writer) {
			w.number(tagLayerSSRC, uint64(l.SSRC))
			w.number(tagLayerExtended, l.Extended)
			w.number(tagLayerHeight, uint64(l.Height))
			w.flag(tagLayerCurrent, l.Current)
		})
	}
}

func (w *writer) slot(s *Slot) {
	w.number(tagSlotKind, uint64(s.Kind))
	w.number(tagSlotSSRC, uint64(s.SSRC))
	w.number(tagSlotRTX, uint64(s.RTX))
	w.number(tagSlotRTXSeq, uint64(s.RTXSeq))
	w.text(tagSlotSource, string(s.Source))
	w.record(tagSlotRewrite, func(w *writer) {
		r := &s.Rewrite
		w.flag(tagRewriteStarted, r.Started)
		w.number(tagRewriteInSSRC, uint64(r.InSSRC))
		w.number(tagRewriteSeqOffset, uint64(r.SeqOffset))
		w.number(tagRewriteTSOffset, uint64(r.TSOffset))
		w.number(tagRewritePictureOffset, uint64(r.PictureOffset))
		w.number(tagRewriteTL0Offset, uint64(r.TL0Offset))
		w.number(tagRewriteLastSeq, uint64(r.LastSeq))
		w.number(tagRewriteLastTS, uint64(r.LastTS))
		w.number(tagRewriteLastPicture, uint64(r.LastPicture))
		w.number(tagRewriteLastTL0, uint64(r.LastTL0))
		w.time(tagRewriteLastSent, r.LastSent)
		w.number(tagRewritePackets, uint64(r.Packets))
		w.number(tagRewriteOctets, uint64(r.Octets))
		w.number(tagRewriteFrameOffset, uint64(r.FrameOffset))
		w.number(tagRewriteLastFrame, uint64(r.LastFrame))
	})
}

// writer appends fields.
type writer struct{ buf []byte }

func (w *writer) item(tag uint64, v []byte) {
	w.buf = binary.AppendUvarint(w.buf, tag)
	w.buf = binary.AppendUvarint(w.buf, uint64(len(v)))
	w.buf = append(w.buf, v...)
}

func (w *writer) bytes(tag uint64, v []byte) {
	if len(v) > 0 {
		w.item(tag, v)
	}
}

func (w *writer) text(tag uint64, v string) { w.bytes(tag, []byte(v)) }

func (w *writer) number(tag, v uint64) {
	if v != 0 {
		w.item(tag, binary.AppendUvarint(nil, v))
	}
}

func (w *writer) flag(tag uint64, v bool) {
	if v {
		w.number(tag, 1)
	}
}

func (w *writer) time(tag uint64, v time.Time) {
	if !v.IsZero() {
		w.item(tag, binary.BigEndian.AppendUint64(nil, uint64(v.UnixNano())))
	}
}

func (w *writer) words(tag uint64, v []uint64) {
	var b []byte
	union := uint64(0)
	for _, word := range v {
		b = binary.BigEndian.AppendUint64(b, word)
		union |= word
	}
	if union != 0 {
		w.item(tag, b)
	}
}

// record writes a structure. What it wrote is wiped: it may hold keys.
func (w *writer) record(tag uint64, fill func(*writer)) {
	var inner writer
	fill(&inner)
	w.item(tag, inner.buf)
	clear(inner.buf)
}
