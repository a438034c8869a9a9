package sfu

import (
	"testing"

	"github.com/pion/rtp"
)

func TestDescriptorsOfDependenciesAreLeftToAV1(t *testing.T) {
	for name, codec := range videoCodecs {
		r := newRig(t)
		a, b := r.join(1, 1), r.join(2, 1)
		a.codec = codec
		for i, in := range a.frame(0, true) {
			var p rtp.Packet
			if err := p.Unmarshal(in); err != nil {
				t.Fatal(err)
			}
			if codec != AV1 {
				if err := p.SetExtension(11, []byte{0xc0, 0, byte(i)}); err != nil {
					t.Fatal(err)
				}
			}
			again, err := p.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			a.send(again)
		}
		for _, m := range b.wire.take(t) {
			if has := m.GetExtension(11) != nil; has != (codec == AV1) || m.GetExtension(5) == nil {
				t.Errorf("%s: extensions %v", name, m.GetExtensionIDs())
			}
		}
	}
}
