// Package session is the hand-over value of a participant: everything another node needs to go on serving it, media and
// XMPP, with its own versioned encoding.
//
// It is an engine package: values and their encoding ([Encode], [Decode]), nothing else. The parts are filled and read by those who own the
// state: node/edge the [Media], node/sfu the [Forwarding], signaling/stream the [Stream], signaling/muc the [Occupancy],
// signaling/focus the [Jingle]. node/conference puts them together.
//
// The value holds keys. It is pushed to one chosen node over mutual TLS, never written to disk, and wiped with
// [Participant.Wipe] when it is no longer needed.
//
// # Encoding
//
// One version byte (1), then fields. A field is a tag, a length and so many bytes; tag and length are unsigned varints
// (encoding/binary). A structure inside is a field whose bytes are fields again; a list is a field repeated in order.
// Numbers are unsigned varints, a time is the big-endian 64-bit number of nanoseconds since 1970 in UTC, a window is its
// words big-endian. A field with the zero value is left out. The tags stand in encode.go; a tag is never used again for
// something else.
//
// A reader skips tags that it does not know, so a node reads what a newer node wrote. The version byte changes only when
// that is not enough; a reader refuses versions that it does not know. A value is at most [MaxSize] bytes and every list
// in it is bounded.
package session

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// Participant is one participant, whole.
type Participant struct {
	Room     string // bare JID of the room
	Endpoint room.EndpointID
	Epoch    room.Epoch

	Stream     Stream
	Occupancy  Occupancy
	Jingle     Jingle
	Media      Media
	Forwarding Forwarding
}

// Stream is the XMPP session of a client: its address and its stream management state (XEP-0198).
type Stream struct {
	JID         string // full JID
	ResumeToken string
	// Received counts the stanzas taken from the client (our h), Acked what the client acknowledged of ours.
	Received, Acked uint32
	// Unacked are the stanzas sent after Acked, oldest first, each complete XML.
	Unacked [][]byte
}

// Occupancy is what the room knows of the participant.
type Occupancy struct {
	Nick              string
	Role, Affiliation string
	Presence          []byte // children of the last presence, sanitised, as they are sent to others
	Joined            time.Time
	// Others are who the client has seen in the room, and Seen how far the parts of the room had come that it was told of: what
	// came after is made up for where it goes on.
	Others []room.EndpointID
	Seen   []Part
}

// Part is how far a node's part of the room has come (cascade/room).
type Part struct {
	Node    string
	Version room.ShardVersion
}

// Jingle is the media session as it was signalled.
type Jingle struct {
	SID           string
	Active        bool // session-accept was seen
	ICEGeneration uint32
	Features      []string // disco features of the client
	Sources       []room.Source
	BridgePwd     string
}

// Media is the transport state of a leg: credentials, keys and every counter that must never repeat or go back.
type Media struct {
	Profile    uint16 // SRTP protection profile (IANA DTLS-SRTP number)
	LocalKey   []byte // keys and salts as RFC 5764 4.2 exports them, for what we send
	LocalSalt  []byte
	RemoteKey  []byte
	RemoteSalt []byte
	DTLS       []byte // state of the DTLS association, opaque

	LocalUfrag, LocalPwd   string
	RemoteUfrag, RemotePwd string
	RemoteFingerprint      string // "sha-256 AB:CD:..."

	Sent         []SentRTP
	Received     []ReceivedRTP
	SentRTCP     []SentRTCP
	ReceivedRTCP []ReceivedRTCP
}

// SentRTP is the highest packet index sent for an SSRC (RFC 3711 3.3.1), 65536*ROC + sequence number, and what was sent
// below it: bit i%64 of Window[i/64] is the packet Index-i. An empty window means that everything below was sent.
type SentRTP struct {
	SSRC   uint32
	Index  uint64
	Window [8]uint64
}

// ReceivedRTP is the highest packet index received for an SSRC and the replay window below it: bit i%64 of Window[i/64]
// is the packet Index-i.
type ReceivedRTP struct {
	SSRC   uint32
	Index  uint64
	Window [8]uint64
}

// SentRTCP is the next SRTCP index to use for a sender SSRC.
type SentRTCP struct {
	SSRC uint32
	Next uint32
}

// ReceivedRTCP is the highest SRTCP index received for a sender SSRC and the replay window below it.
type ReceivedRTCP struct {
	SSRC   uint32
	Index  uint32
	Window uint64
}

// Forwarding is what the participant receives and how it is rewritten for it.
type Forwarding struct {
	// Constraints is the last ReceiverVideoConstraints of the client as it came, empty when none did.
	Constraints []byte
	Slots       []Slot
	// NextTransportSeq is the transport-wide sequence number that feedback to the client goes on with.
	NextTransportSeq uint16
	FeedbackCount    uint8
	// FeedbackMoves counts the moves so far: at each the reference time of the feedback jumps by 10 s, because a smaller
	// step would look like a queue.
	FeedbackMoves uint16
	// Layers are where the encodings stand that the participant sends.
	Layers []Layer
}

// Layer is where one encoding stands that the participant sends, as its node tells the others.
type Layer struct {
	SSRC     uint32
	Extended uint64 // sequence number of 40 bits (cascade/wire), the highest received
	Height   uint16 // of its last key frame, 0: not known
	Current  bool   // it is the one that is forwarded
}

// Slot is one outgoing SSRC of the receiving leg and the rewriting state behind it (node/sfu/rewrite).
type Slot struct {
	Kind   room.Kind
	SSRC   uint32
	RTX    uint32
	RTXSeq uint16
	Source room.SourceName // empty: not in use
	// Rewrite is where the outgoing stream stands.
	Rewrite Rewrite
}

// Rewrite is the state of one outgoing stream. Offsets are added to what comes in, modulo their width.
type Rewrite struct {
	Started       bool
	InSSRC        uint32
	SeqOffset     uint16
	TSOffset      uint32
	PictureOffset uint16
	TL0Offset     uint8
	LastSeq       uint16
	LastTS        uint32
	LastPicture   uint16
	LastTL0       uint8
	LastSent      time.Time
	Packets       uint32
	Octets        uint32
	FrameOffset   uint16
	LastFrame     uint16
}
