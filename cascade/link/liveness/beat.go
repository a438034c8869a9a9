package liveness

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	version   = 1
	nameSize  = 10
	fieldSize = 62
	macSize   = 16
	// Size is the size of a heartbeat, MaxSize that of the largest which is read.
	Size    = fieldSize + macSize
	MaxSize = 256
)

// Flags are what a heartbeat says of its sender.
type Flags uint8

// The flags.
const (
	Hears     Flags = 1 << iota // heartbeats of the receiver
	WantsFast                   // the receiver to send fast
	SendsFast
	WantsLink
)

// Beat is one heartbeat. Times are microseconds of its sender's or its receiver's clock; see the package comment.
type Beat struct {
	Flags    Flags
	From, To [nameSize]byte
	Started  uint64
	Sequence uint32
	Sent     uint64
	Echo     uint64
	Hold     uint32
	Received uint32
	Highest  uint32
}

// Why a datagram is no heartbeat.
var (
	ErrForm  = errors.New("not a heartbeat")
	ErrOther = errors.New("heartbeat for another node")
	ErrMAC   = errors.New("heartbeat of another cluster")
)

// Sealer writes and reads heartbeats of one cluster. One goroutine uses it at a time.
type Sealer struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

// NewSealer returns a Sealer with the cluster's key for heartbeats.
func NewSealer(key []byte) *Sealer { return &Sealer{mac: hmac.New(sha256.New, key)} }

// Append appends a heartbeat.
func (s *Sealer) Append(dst []byte, b *Beat) []byte {
	start := len(dst)
	dst = append(dst, version, byte(b.Flags))
	dst = append(dst, b.From[:]...)
	dst = append(dst, b.To[:]...)
	dst = binary.BigEndian.AppendUint64(dst, b.Started)
	dst = binary.BigEndian.AppendUint32(dst, b.Sequence)
	dst = binary.BigEndian.AppendUint64(dst, b.Sent)
	dst = binary.BigEndian.AppendUint64(dst, b.Echo)
	dst = binary.BigEndian.AppendUint32(dst, b.Hold)
	dst = binary.BigEndian.AppendUint32(dst, b.Received)
	dst = binary.BigEndian.AppendUint32(dst, b.Highest)
	return append(dst, s.seal(dst[start:])...)
}

// Open reads a heartbeat to the node self into b. It allocates nothing, and b is not changed when there is an error.
func (s *Sealer) Open(datagram []byte, self [nameSize]byte, b *Beat) error {
	if len(datagram) < Size || len(datagram) > MaxSize || datagram[0] != version {
		return ErrForm
	}
	if [nameSize]byte(datagram[12:]) != self {
		return ErrOther
	}
	end := len(datagram) - macSize
	if !hmac.Equal(s.seal(datagram[:end]), datagram[end:]) {
		return ErrMAC
	}
	*b = Beat{
		Flags:    Flags(datagram[1]),
		From:     [nameSize]byte(datagram[2:]),
		To:       [nameSize]byte(datagram[12:]),
		Started:  binary.BigEndian.Uint64(datagram[22:]),
		Sequence: binary.BigEndian.Uint32(datagram[30:]),
		Sent:     binary.BigEndian.Uint64(datagram[34:]),
		Echo:     binary.BigEndian.Uint64(datagram[42:]),
		Hold:     binary.BigEndian.Uint32(datagram[50:]),
		Received: binary.BigEndian.Uint32(datagram[54:]),
		Highest:  binary.BigEndian.Uint32(datagram[58:]),
	}
	return nil
}

// seal returns the first bytes of the code; they are valid until the next call.
func (s *Sealer) seal(b []byte) []byte {
	s.mac.Reset()
	s.mac.Write(b)
	return s.mac.Sum(s.sum[:0])[:macSize]
}

// Label returns a name as heartbeats hold it.
func Label(name identity.Name) (label [nameSize]byte) {
	copy(label[:], name)
	return label
}
