package edge

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/node/edge/counter"
)

// ends returns the two ends of a key, and those of pion.
func ends(t *rapid.T) (seal *sealer, open *opener, sending, theirs *srtp.Context) {
	profile := rapid.SampledFrom([]srtp.ProtectionProfile{
		srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAeadAes256Gcm,
	}).Draw(t, "profile")
	length, _ := profile.KeyLen()
	key := rapid.SliceOfN(rapid.Byte(), length, length).Draw(t, "key")
	salt := rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "salt")
	var errs [4]error
	seal, errs[0] = newSealer(key, salt, profile)
	open, errs[1] = newOpener(key, salt, profile)
	sending, errs[2] = srtp.CreateContext(key, salt, profile)
	theirs, errs[3] = srtp.CreateContext(key, salt, profile)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return seal, open, sending, theirs
}

// The same for RTCP, whose index is in the packet.
func TestControlIsSealedLikePion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seal, open, sending, theirs := ends(t)
		if first := rapid.Uint32Range(0, 1<<31-100).Draw(t, "first"); first > 0 {
			if err := seal.rtcp.Restore(0xfedcba98, first); err != nil {
				t.Fatal(err)
			}
			sending.SetIndex(0xfedcba98, first-1)
		}
		for range rapid.IntRange(1, 20).Draw(t, "packets") {
			plain := []byte{0x80, 201, 0, 0, 0xfe, 0xdc, 0xba, 0x98}
			for range rapid.IntRange(0, 20).Draw(t, "words") {
				plain = append(plain, rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "word")...)
			}
			plain[3] = byte(len(plain)/4 - 1)
			sealed, err := seal.sealRTCP(append(newBuffer(), plain...))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := theirs.DecryptRTCP(nil, sealed, nil); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("pion opens %x as %x, %v", sealed, got, err)
			}
			foreign, err := sending.EncryptRTCP(nil, plain, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(foreign, sealed) {
				t.Fatalf("pion seals as %x, we as %x", foreign, sealed)
			}
			broken := bytes.Clone(foreign)
			broken[rapid.IntRange(0, len(broken)-1).Draw(t, "where")] ^= 1
			if _, err := open.openRTCP(broken); err == nil {
				t.Fatal("a changed packet was opened")
			}
			if _, err := open.openRTCP(bytes.Clone(foreign[:rapid.IntRange(0, len(foreign)-1).Draw(t, "length")])); err == nil {
				t.Fatal("a part of a packet was opened")
			}
			again := bytes.Clone(foreign)
			if got, err := open.openRTCP(foreign); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("we open pion's as %x, %v", got, err)
			}
			if _, err := open.openRTCP(again); !errors.Is(err, counter.ErrUsed) {
				t.Fatalf("opened twice: %v", err)
			}
		}
	})
}

// What we seal pion opens, and the other way round: both profiles, headers of every shape, beyond the wrap of the sequence
// number.
func TestSealedLikePion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seal, open, sending, theirs := ends(t)
		seq := rapid.Uint16().Draw(t, "seq")
		for range rapid.IntRange(1, 20).Draw(t, "packets") {
			p := rtp.Packet{Header: rtp.Header{
				Version: 2, Marker: rapid.Bool().Draw(t, "marker"), PayloadType: 100, SequenceNumber: seq, SSRC: 0xfedcba98,
				CSRC: rapid.SliceOfN(rapid.Uint32(), 0, 3).Draw(t, "csrc"),
			}, Payload: rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "payload")}
			if n := rapid.IntRange(0, 8).Draw(t, "extension"); n > 0 {
				if err := p.SetExtension(3, make([]byte, n)); err != nil {
					t.Fatal(err)
				}
			}
			seq += rapid.Uint16Range(1, 9000).Draw(t, "step")
			plain, err := p.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.Clone(plain)
			sealed, err := seal.sealRTP(append(newBuffer(), plain...))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := theirs.DecryptRTP(nil, sealed, nil); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("pion opens %x as %x, %v", sealed, got, err)
			}
			foreign, err := sending.EncryptRTP(nil, plain, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(foreign, sealed) {
				t.Fatalf("pion seals as %x, we as %x", foreign, sealed)
			}
			broken := bytes.Clone(foreign)
			broken[rapid.IntRange(12, len(broken)-1).Draw(t, "where")] ^= 1
			if _, err := open.openRTP(broken); err == nil {
				t.Fatal("a changed packet was opened")
			}
			if got, err := open.openRTP(foreign); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("we open pion's as %x, %v", got, err)
			}
		}
	})
}
