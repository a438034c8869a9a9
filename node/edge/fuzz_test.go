package edge

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/atoll-mesh/atoll/node/edge/path"
)

// Whatever comes in, from strangers and from a client, the edge goes on.
func FuzzInput(f *testing.F) {
	e := listen(f)
	l, _, up := rigged(f, e, forwarder{})
	known := l.Path().sources[0].pair
	stranger := path.Pair{Remote: netip.MustParseAddrPort("192.0.2.9:9"), Local: known.Local}
	sealed, err := up.EncryptRTP(nil, packet(nil, 1, 1), nil)
	if err != nil {
		f.Fatal(err)
	}
	control, err := up.EncryptRTCP(nil, report(1), nil)
	if err != nil {
		f.Fatal(err)
	}
	check, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(l.Local().Ufrag+":x"),
		stun.NewShortTermIntegrity(l.Local().Pwd), stun.Fingerprint)
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range [][]byte{
		sealed, control, check.Raw,
		{},
		{0},
		{0x80},
		{0x80, 200},
		{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1},
		{20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1},
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, at := range []path.Pair{stranger, known} {
			e.input(append([]byte(nil), b...), at, time.Unix(1, 0))
		}
		if e.source(stranger) != nil {
			t.Error("a stranger was let in")
		}
	})
}
