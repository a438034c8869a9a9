package stanza

// Envelope is the outside of a stanza: what changes from one recipient to the next. Empty fields are left out.
type Envelope struct {
	Name                     string // iq, message or presence
	From, To, Type, ID, Lang string
}

// Append writes the stanza with inner, which must be XML that stands by itself in jabber:client ([Element.Inner]), to dst
// and returns the extended slice.
func (v Envelope) Append(dst, inner []byte) []byte {
	dst = append(dst, '<')
	dst = append(dst, v.Name...)
	dst = append(dst, ` xmlns="jabber:client"`...)
	for _, a := range [...]Attr{{"to", v.To}, {"from", v.From}, {"type", v.Type}, {"id", v.ID}, {"xml:lang", v.Lang}} {
		if a.Value != "" {
			dst = appendAttr(dst, a.Name, a.Value)
		}
	}
	if len(inner) == 0 {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	dst = append(dst, inner...)
	dst = append(dst, "</"...)
	dst = append(dst, v.Name...)
	return append(dst, '>')
}
