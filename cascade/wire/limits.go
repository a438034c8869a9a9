package wire

// MaxFrame is how many bytes a frame may have. All but Relayed have at most MaxInner, so that each fits into a Relayed.
const (
	MaxFrame = 1 << 20
	MaxInner = MaxFrame - 1024
)

// What others must keep to, in bytes and items.
const (
	MaxRoom    = 2048      // the name of a room
	MaxHeader  = 512 << 10 // a copy of a room's header
	MaxHolders = 200       // nodes that hold one room
	MaxValue   = 768 << 10 // a participant that moves
)

// MaxPiece is how many bytes of a longer value one frame takes, MaxPieces how many of these there may be.
const (
	MaxPiece  = 768 << 10
	MaxPieces = 8
)

// Bytes of a field.
const (
	maxToken    = 160
	maxReason   = 123 // RFC 6455 5.5
	maxLabel    = 64
	maxICE      = 256
	maxID       = 1024 // of a stanza; also a language
	maxJID      = 3071
	maxPresence = 128 << 10
	maxInnerXML = 256 << 10
	maxStanza   = 512 << 10
	maxJSON     = 256 << 10
	maxKey      = 4096 // of a header field
	maxText     = 64 << 10

	maxChannelText = 256 << 10
)

// Items of a list.
const (
	maxNodes      = 1024
	maxPrevious   = 128
	maxTerms      = 1024 // in one context
	maxOps        = 4096 // also occupants and writes of one message
	maxRegisters  = 8192 // of one message
	maxParts      = 4096
	maxSources    = 256
	maxEncodings  = 32
	maxCandidates = 32
)

const maxHeight = 1<<16 - 1
