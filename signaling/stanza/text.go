package stanza

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkCharacters refuses what is not UTF-8 and characters that XML does not have.
func (p *parser) checkCharacters() error {
	if !utf8.ValidString(p.text) {
		return p.fail(unsupportedEncoding, "not UTF-8")
	}
	for i := range len(p.text) {
		c := p.text[i]
		if c < 0x20 && !isSpace(c) {
			return p.fail(notWellFormed, "control character %#x", c)
		}
		// U+FFFE and U+FFFF.
		if c == 0xEF && p.text[i+1] == 0xBF && p.text[i+2] >= 0xBE {
			return p.fail(notWellFormed, "not a character")
		}
	}
	return nil
}

// unescape resolves references and normalises white space (XML 1.0, 2.11 and 3.3.3).
func (p *parser) unescape(s string, attr bool) (string, error) {
	if strings.IndexByte(s, '&') < 0 {
		return normal(s, attr), nil
	}
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(s, "&")
		b.WriteString(normal(text, attr))
		if !found {
			return b.String(), nil
		}
		name, tail, found := strings.Cut(rest, ";")
		if !found {
			return "", p.fail(notWellFormed, "a reference does not end")
		}
		r, err := p.reference(name)
		if err != nil {
			return "", err
		}
		b.WriteRune(r)
		s = tail
	}
}

// reference returns the character that &name; stands for.
func (p *parser) reference(name string) (rune, error) {
	switch name {
	case "amp":
		return '&', nil
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	digits, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		return 0, p.fail(restrictedXML, "entity reference")
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || !isChar(rune(n)) {
		return 0, p.fail(notWellFormed, "character reference")
	}
	return rune(n), nil
}

// normal is s as an application sees it: newlines are \n, in attributes white space is blanks.
func normal(s string, attr bool) string {
	s = newlines(s)
	if !attr || !strings.ContainsAny(s, "\n\t") {
		return s
	}
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(s)
}

func newlines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// isChar reports whether XML 1.0 has the character.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
}

// isNameRune reports whether r may stand in a name without colon, at its start (XML 1.0 fifth edition, 2.3).
func isNameRune(r rune, start bool) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r == '_':
		return true
	case '0' <= r && r <= '9', r == '-', r == '.':
		return !start
	case r < 0x80:
		return false
	case r == 0xB7, 0x300 <= r && r <= 0x36F, 0x203F <= r && r <= 0x2040:
		return !start
	}
	return 0xC0 <= r && r <= 0xD6 || 0xD8 <= r && r <= 0xF6 || 0xF8 <= r && r <= 0x37D || 0x37F <= r && r <= 0x1FFF ||
		0x200C <= r && r <= 0x200D || 0x2070 <= r && r <= 0x218F || 0x2C00 <= r && r <= 0x2FEF ||
		0x3001 <= r && r <= 0xD7FF || 0xF900 <= r && r <= 0xFDCF || 0xFDF0 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0xEFFFF
}
