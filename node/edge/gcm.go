package edge

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/pion/srtp/v3"

	"github.com/atoll-mesh/atoll/node/prefetch"
)

// tagSize is the length of the authentication tag behind a packet.
const tagSize = 16

var errHeader = errors.New("the packet ends within its header")

// gcm protects the RTP or the RTCP of a direction with AES-GCM (RFC 7714). It keeps no state of a packet: who calls it owns
// the indices, and the room for a nonce. Safe for concurrent use.
type gcm struct {
	aead cipher.AEAD
	salt [12]byte
}

// nonce is room for a nonce and, of RTCP, for what is authenticated beside.
type nonce struct {
	nonce [12]byte
	aad   [12]byte
}

// The labels of a key (RFC 3711 4.3.2). That of the salt is two more.
const (
	labelRTP  = 0
	labelRTCP = 3
)

// newGCM derives the session keys, nil when the profile is not AES-GCM.
func newGCM(key, salt []byte, profile srtp.ProtectionProfile, label byte) (*gcm, error) {
	switch profile {
	case srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAeadAes256Gcm:
	default:
		return nil, nil
	}
	if len(salt) != 12 {
		return nil, fmt.Errorf("the master salt has %d bytes", len(salt))
	}
	master, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	block, err := aes.NewCipher(derive(master, salt, label, len(key)))
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	g := &gcm{}
	if g.aead, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	copy(g.salt[:], derive(master, salt, label+2, len(g.salt)))
	return g, nil
}

// derive is the key derivation of RFC 3711 4.3.1 with a rate of zero.
func derive(master cipher.Block, salt []byte, label byte, n int) []byte {
	var in [16]byte
	copy(in[:14], salt)
	in[7] ^= label
	var out []byte
	for i := 0; len(out) < n; i++ {
		binary.BigEndian.PutUint16(in[14:], uint16(i))
		out = append(out, make([]byte, 16)...)
		master.Encrypt(out[len(out)-16:], in[:])
	}
	return out[:n]
}

// linesOfKey is how much memory a key takes: its schedule for both directions and the table of products.
const linesOfKey = 13

// warm fetches the key.
func (g *gcm) warm() {
	// The second word of an interface is where the value is.
	prefetch.Lines((*[2]unsafe.Pointer)(unsafe.Pointer(&g.aead))[1], linesOfKey)
}

// of makes the nonce of a packet (RFC 7714 8.1).
func (g *gcm) of(n *nonce, b []byte, index uint64) {
	n.nonce = g.salt
	for i, v := range b[8:12] { // SSRC
		n.nonce[2+i] ^= v
	}
	for i := range 6 {
		n.nonce[6+i] ^= byte(index >> (8 * (5 - i)))
	}
}

// ofRTCP makes the nonce of an RTCP compound (RFC 7714 9.1) and what is authenticated beside it. word is the index with the
// flag that says that it is sealed.
func (g *gcm) ofRTCP(n *nonce, b []byte, word uint32) {
	n.nonce = g.salt
	for i, v := range b[4:8] { // SSRC
		n.nonce[2+i] ^= v
	}
	binary.BigEndian.PutUint32(n.nonce[8:], binary.BigEndian.Uint32(n.nonce[8:])^word&^sealedFlag)
	copy(n.aad[:], b[:8])
	binary.BigEndian.PutUint32(n.aad[8:], word)
}

const (
	sealedFlag = 1 << 31
	headRTCP   = 8 // what of RTCP stays in clear
)

// sealRTCP seals the compound b, which is not shorter than its head, with its index, in place when there is room behind it.
func (g *gcm) sealRTCP(n *nonce, b []byte, index uint32) []byte {
	b = slices.Grow(b, tagSize+4)
	g.ofRTCP(n, b, index|sealedFlag)
	sealed := g.aead.Seal(b[headRTCP:headRTCP], n.nonce[:], b[headRTCP:], n.aad[:])
	return binary.BigEndian.AppendUint32(b[:headRTCP+len(sealed)], index|sealedFlag)
}

// openRTCP opens the compound b, which is not shorter than its head and its end, in place.
func (g *gcm) openRTCP(n *nonce, b []byte) ([]byte, error) {
	end := len(b) - 4
	g.ofRTCP(n, b, binary.BigEndian.Uint32(b[end:]))
	plain, err := g.aead.Open(b[headRTCP:headRTCP], n.nonce[:], b[headRTCP:end], n.aad[:])
	if err != nil {
		return nil, fmt.Errorf("open RTCP: %w", err)
	}
	return b[:headRTCP+len(plain)], nil
}

// seal seals the packet b with its index, in place when there is room for the tag behind it.
func (g *gcm) seal(n *nonce, b []byte, index uint64) []byte {
	at := headerLength(b)
	b = slices.Grow(b, tagSize)
	g.of(n, b, index)
	return b[:at+len(g.aead.Seal(b[at:at], n.nonce[:], b[at:], b[:at]))]
}

// open opens the packet b with its index in place.
func (g *gcm) open(n *nonce, b []byte, index uint64) ([]byte, error) {
	at := headerLength(b)
	if at == 0 {
		return nil, errHeader
	}
	g.of(n, b, index)
	plain, err := g.aead.Open(b[at:at], n.nonce[:], b[at:], b[:at])
	if err != nil {
		return nil, fmt.Errorf("open RTP: %w", err)
	}
	return b[:at+len(plain)], nil
}

// headerLength is how much of an RTP packet stays in clear: the header with its extensions. 0 when the packet ends within it.
func headerLength(b []byte) int {
	if len(b) < 12 {
		return 0
	}
	n := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < n+4 {
			return 0
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	}
	if len(b) < n {
		return 0
	}
	return n
}
