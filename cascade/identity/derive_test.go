package identity

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestDerive holds the derivation fixed: nodes of different versions must come to the same keys. The value was computed with
// another implementation of HKDF.
func TestDerive(t *testing.T) {
	var s Secret
	for i := range s.bytes {
		s.bytes[i] = byte(i * 7)
	}
	const want = "71ac9d0d11929d78bf302377724b556af97e0771d08a25952262244199778d27"
	if got := hex.EncodeToString(s.Derive("test")); got != want {
		t.Errorf("Derive(test) = %s, want %s", got, want)
	}
	if bytes.Equal(s.Derive("test"), s.Derive("other")) || bytes.Equal(s.Derive("test"), NewSecret().Derive("test")) {
		t.Error("different purposes or secrets give the same key")
	}
}
