package stanza

// ErrorReply returns the error that answers st (RFC 6120 8.3): sent back to where st came from, with its id. errType is
// one of auth, cancel, continue, modify and wait, condition a defined condition. An empty text is left out; extra are
// application-specific conditions.
func ErrorReply(st *Element, errType, condition, text string, extra ...*Element) *Element {
	e := New(Client, "error", "type", errType).With(New(Errors, condition))
	if text != "" {
		e.With(New(Errors, "text", "xml:lang", "en").WithText(text))
	}
	return reply(st, "error").With(e.With(extra...))
}

// Result returns the result that answers iq.
func Result(iq *Element, children ...*Element) *Element {
	return reply(iq, "result").With(children...)
}

func reply(st *Element, kind string) *Element {
	return New(Client, st.Local, "to", st.Attr("from"), "from", st.Attr("to"), "type", kind, "id", st.Attr("id"))
}
