package identity

import (
	"crypto/ed25519"
	"testing"
)

func TestSignature(t *testing.T) {
	key, other := NewKey(), NewKey()
	message := []byte("message")
	signature := key.Sign(message)
	if err := Verify(key.Name(), key.Public(), message, signature); err != nil {
		t.Error(err)
	}
	changed := append([]byte{signature[0] ^ 1}, signature[1:]...)
	for name, err := range map[string]error{
		"another message":     Verify(key.Name(), key.Public(), []byte("massage"), signature),
		"another name":        Verify(other.Name(), key.Public(), message, signature),
		"another key":         Verify(key.Name(), other.Public(), message, other.Sign(message)),
		"another signature":   Verify(key.Name(), key.Public(), message, changed),
		"no signature":        Verify(key.Name(), key.Public(), message, nil),
		"no key":              Verify(key.Name(), nil, message, signature),
		"for another purpose": Verify(key.Name(), key.Public(), message, ed25519.Sign(key.Private(), message)),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestKeysOfPurposes(t *testing.T) {
	secret := NewSecret()
	seen := map[string]bool{}
	for _, key := range [][]byte{GossipKey(secret), HeartbeatKey(secret), secret.Derive("authority")} {
		if len(key) != 32 || seen[string(key)] {
			t.Error("a key has another size, or two purposes")
		}
		seen[string(key)] = true
	}
}
