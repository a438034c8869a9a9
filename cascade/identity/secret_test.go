package identity

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// text builds the text form of any bytes, also of those that no secret may have.
func text(b []byte) string {
	sum := sha256.Sum256(append([]byte("atoll1"), b...))
	return "atoll1-" + encoding.EncodeToString(append(append([]byte{}, b...), sum[:4]...))
}

func sequence(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestSecretKeepsItsText(t *testing.T) {
	s := NewSecret()
	got, err := ParseSecret(" " + s.Reveal() + "\n")
	if err != nil || got != s {
		t.Fatalf("ParseSecret(Reveal()) = %v, %v", got == s, err)
	}
	if n := len(s.Reveal()); n != 7+58 {
		t.Errorf("text form has %d characters, want 65", n)
	}
	if NewSecret() == s {
		t.Error("two secrets are equal")
	}
}

func TestSecretTextIsStable(t *testing.T) {
	b := sha256.Sum256([]byte("fixed"))
	const want = "atoll1-tevjgrk4oh7n2nvmto6ehgksyba46ykelfmeokxupetjxdmhgujqipjjue"
	s, err := ParseSecret(want)
	if err != nil {
		t.Fatalf("a text form of an earlier version is refused: %v (now it is %s)", err, text(b[:]))
	}
	if s.bytes != b {
		t.Errorf("bytes changed: %x", s.bytes)
	}
}

func TestParseSecretRefuses(t *testing.T) {
	good := NewSecret().Reveal()
	random := sha256.Sum256([]byte("x"))
	cases := map[string]struct{ in, want string }{
		"nothing":           {"  ", "empty"},
		"a pass phrase":     {"correct horse battery staple", `begin with "atoll1-"`},
		"another version":   {"atoll2-" + good[7:], `begin with "atoll1-"`},
		"cut":               {good[:60], "53 characters"},
		"too long":          {good + "a", "59 characters"},
		"capital letters":   {"atoll1-" + strings.ToUpper(good[7:]), "none of a-z"},
		"a letter outside":  {good[:20] + "0" + good[21:], "character 21"},
		"a mistyped letter": {good[:20] + other(good[20]) + good[21:], "checksum"},
		"spare bits set":    {good[:64] + string(encodeAlphabet[strings.IndexByte(encodeAlphabet, good[64])|1]), "checksum"},
		"short value":       {text(random[:16]), "characters"},
		"zeros":             {text(make([]byte, 32)), "not random"},
		"counting":          {text(sequence(32)), "not random"},
		"a phrase as bytes": {text([]byte("aaaaaaaabbbbbbbbccccccccdddddddd")), "not random"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := ParseSecret(c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if err != nil && len(c.in) > 20 && strings.Contains(err.Error(), c.in[8:20]) {
				t.Errorf("error repeats the secret: %v", err)
			}
		})
	}
}

const encodeAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

func other(c byte) string {
	if c == 'a' {
		return "b"
	}
	return "a"
}

func TestEveryMistypedLetterIsFound(t *testing.T) {
	good := NewSecret().Reveal()
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(7, len(good)-1).Draw(t, "position")
		c := encodeAlphabet[rapid.IntRange(0, 31).Draw(t, "letter")]
		if c == good[i] {
			t.Skip("the same letter")
		}
		if _, err := ParseSecret(good[:i] + string(c) + good[i+1:]); err == nil {
			t.Fatalf("letter %d changed to %c unnoticed", i, c)
		}
	})
}

func TestSecretHidesItself(t *testing.T) {
	s := NewSecret()
	letters := s.Reveal()[7:]
	raw := fmt.Sprintf("%x", s.bytes)
	asJSON, err := json.Marshal(struct{ S Secret }{s})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "in", struct{ S Secret }{s})
	outputs := []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %x %q %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v %x", struct{ S Secret }{s}, &struct{ S Secret }{s}, struct{ S Secret }{s}, []Secret{s}),
		string(asJSON), log.String(),
	}
	for _, out := range outputs {
		if strings.Contains(out, letters) || strings.Contains(out, raw) || strings.Contains(out, fmt.Sprint(s.bytes)) {
			t.Errorf("shown in %q", out)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add(NewSecret().Reveal())
	f.Add("atoll1-")
	f.Add(text(make([]byte, 32)))
	f.Fuzz(func(t *testing.T, in string) {
		s, err := ParseSecret(in)
		if err == nil && s.Reveal() != strings.TrimSpace(in) {
			t.Errorf("%q is accepted and is not the text form", in)
		}
	})
}
