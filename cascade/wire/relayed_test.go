package wire

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The signature covers every field before it: two frames that differ are signed differently, two that do not are not.
func TestSignedCoversEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, _ := mend(t, drawAs(t, Relayed{})).(Relayed)
		got, err := Parse(Append(nil, f, OldestVersion), OldestVersion)
		if err != nil {
			t.Fatal(err)
		}
		read, _ := got.(Relayed)
		if !bytes.Equal(read.Signed(), f.Signed()) {
			t.Fatal("origin and target do not sign the same bytes")
		}
		changed := f
		switch rapid.IntRange(0, 6).Draw(t, "field") {
		case 0:
			changed.Origin = "yyyyyyyyyy"
		case 1:
			changed.Target = "xxxxxxxxxx"
		case 2:
			changed.Key = bytes.Clone(f.Key)
			changed.Key[rapid.IntRange(0, 31).Draw(t, "at")] ^= 1
		case 3:
			changed.Started ^= 1
		case 4:
			changed.Counter++
		case 5:
			changed.Version ^= 2
		case 6:
			changed.Frame = append(bytes.Clone(f.Frame), 0)
		}
		if bytes.Equal(changed.Signed(), f.Signed()) {
			t.Fatalf("%+v and %+v have one signature", changed, f)
		}
		changed = f
		changed.Signature = make([]byte, 64)
		if !bytes.Equal(changed.Signed(), f.Signed()) {
			t.Fatal("the signature covers itself")
		}
	})
}
