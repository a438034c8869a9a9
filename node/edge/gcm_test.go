package edge

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"
)

// What we seal pion opens, and the other way round: both profiles, headers of every shape, beyond the wrap of the sequence
// number.
func TestSealedLikePion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		profile := rapid.SampledFrom([]srtp.ProtectionProfile{
			srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAeadAes256Gcm,
		}).Draw(t, "profile")
		length, _ := profile.KeyLen()
		key := rapid.SliceOfN(rapid.Byte(), length, length).Draw(t, "key")
		salt := rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "salt")
		seal, err := newSealer(key, salt, profile)
		if err != nil {
			t.Fatal(err)
		}
		open, err := newOpener(key, salt, profile)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := srtp.CreateContext(key, salt, profile)
		if err != nil {
			t.Fatal(err)
		}
		sending, err := srtp.CreateContext(key, salt, profile)
		if err != nil {
			t.Fatal(err)
		}
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
