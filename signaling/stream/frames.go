package stream

import "github.com/atoll-mesh/atoll/signaling/stanza"

// The namespaces of a stream.
const (
	nsFraming  = "urn:ietf:params:xml:ns:xmpp-framing"
	nsStreams  = "http://etherx.jabber.org/streams"
	nsErrors   = "urn:ietf:params:xml:ns:xmpp-streams"
	nsSASL     = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind     = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSession  = "urn:ietf:params:xml:ns:xmpp-session"
	nsManaging = "urn:xmpp:sm:3"
)

var (
	closeFrame = stanza.New(nsFraming, "close").Bytes()
	ackRequest = stanza.New(nsManaging, "r").Bytes()
)

func openFrame(domain, id string) []byte {
	return stanza.New(nsFraming, "open", "from", domain, "id", id, "version", "1.0", "xml:lang", "en").Bytes()
}

// inStream writes an element of the stream namespace. Its prefix is the one exception to the rule that nothing has one:
// clients look for the literal names stream:features and stream:error.
func inStream(name string, children ...*stanza.Element) []byte {
	b := append([]byte("<stream:"), name...)
	b = append(b, ` xmlns:stream="`+nsStreams+`">`...)
	for _, c := range children {
		b = c.Append(b)
	}
	b = append(b, "</stream:"...)
	b = append(b, name...)
	return append(b, '>')
}

// errorFrame is a stream error (RFC 6120 4.9). Text and extra may be missing.
func errorFrame(condition, text string, extra *stanza.Element) []byte {
	children := []*stanza.Element{stanza.New(nsErrors, condition)}
	if text != "" {
		children = append(children, stanza.New(nsErrors, "text", "xml:lang", "en").WithText(text))
	}
	if extra != nil {
		children = append(children, extra)
	}
	return inStream("error", children...)
}

func mechanismsFrame() []byte {
	return inStream("features", stanza.New(nsSASL, "mechanisms").With(stanza.New(nsSASL, "mechanism").WithText("ANONYMOUS")))
}

func featuresFrame() []byte {
	return inStream("features", stanza.New(nsBind, "bind"), stanza.New(nsManaging, "sm"))
}

func saslFailure(condition string) []byte {
	return stanza.New(nsSASL, "failure").With(stanza.New(nsSASL, condition)).Bytes()
}

func managementFailure(condition string) []byte {
	return stanza.New(nsManaging, "failed").With(stanza.New(stanza.Errors, condition)).Bytes()
}
