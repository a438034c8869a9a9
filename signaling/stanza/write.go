package stanza

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Append writes the element to dst and returns the extended slice. See the package comment for the form.
func (e *Element) Append(dst []byte) []byte { return e.append(dst, Client) }

// Bytes returns the element as XML.
func (e *Element) Bytes() []byte { return e.Append(nil) }

// Inner returns what stands between start and end tag, in a form that can stand in any [Envelope]: the bytes as received
// where the element is an unchanged stanza, else written from the tree.
func (e *Element) Inner() []byte {
	if e.inner != nil && e.intact() {
		return e.inner
	}
	return e.appendInner(nil, Client)
}

// append writes e into a place whose default namespace is outer.
func (e *Element) append(dst []byte, outer string) []byte {
	if e.Raw != nil && e.intact() && (!e.loose || e.inherits == outer) {
		return append(dst, e.Raw...)
	}
	dst = append(dst, '<')
	dst = append(dst, e.Local...)
	switch {
	case e.Space != "":
		dst = appendAttr(dst, "xmlns", e.Space)
		outer = e.Space
	case e.received:
		dst = append(dst, ` xmlns=""`...)
		outer = ""
	}
	for i, a := range e.Attrs {
		if end := strings.LastIndexByte(a.Name, '}'); end > 0 {
			prefix := "a" + strconv.Itoa(i)
			dst = appendAttr(dst, "xmlns:"+prefix, a.Name[1:end])
			dst = appendAttr(dst, prefix+":"+a.Name[end+1:], a.Value)
			continue
		}
		dst = appendAttr(dst, a.Name, a.Value)
	}
	if e.Text == "" && len(e.Children) == 0 {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	if e.inner != nil && e.intact() && outer == Client {
		dst = append(dst, e.inner...)
	} else {
		dst = e.appendInner(dst, outer)
	}
	dst = append(dst, "</"...)
	dst = append(dst, e.Local...)
	return append(dst, '>')
}

func (e *Element) appendInner(dst []byte, outer string) []byte {
	dst = appendText(dst, e.Text)
	for _, c := range e.Children {
		dst = c.append(dst, outer)
	}
	return dst
}

func appendAttr(dst []byte, name, value string) []byte {
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, '=', '"')
	dst = appendEscaped(dst, value, true)
	return append(dst, '"')
}

func appendText(dst []byte, s string) []byte { return appendEscaped(dst, s, false) }

// appendEscaped writes s as character data or as the value of an attribute. What no XML can carry becomes U+FFFD.
func appendEscaped(dst []byte, s string, attr bool) []byte {
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		width, escaped := 1, ""
		switch {
		case c == '&':
			escaped = "&amp;"
		case c == '<':
			escaped = "&lt;"
		case c == '>':
			escaped = "&gt;"
		case c == '\r':
			escaped = "&#13;"
		case c == '"' && attr:
			escaped = "&quot;"
		case c == '\n' && attr:
			escaped = "&#10;"
		case c == '\t' && attr:
			escaped = "&#9;"
		case c < 0x20 && c != '\n' && c != '\t':
			escaped = "\uFFFD"
		case c >= utf8.RuneSelf:
			var r rune
			r, width = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && width == 1 || !isChar(r) {
				escaped = "\uFFFD"
			}
		}
		if escaped != "" {
			dst = append(dst, s[plain:i]...)
			dst = append(dst, escaped...)
			plain = i + width
		}
		i += width
	}
	return append(dst, s[plain:]...)
}
