package stanza

import "strings"

// The namespaces that the package itself writes.
const (
	// Client is the namespace of stanzas between a client and its server.
	Client = "jabber:client"
	// Errors is the namespace of stanza error conditions (RFC 6120 8.3).
	Errors = "urn:ietf:params:xml:ns:xmpp-stanzas"
)

// Element is one XML element. The zero value is of no use; elements come from [Parse] and [New].
type Element struct {
	Space, Local string
	Attrs        []Attr
	Children     []*Element
	// Text is the character data directly inside the element, all of it in one string. White space between children is
	// left out.
	Text string
	// Raw is the element as it was received. It is nil for built and changed elements, and for received ones that use a
	// prefix declared outside of them.
	Raw []byte

	received bool
	count    int      // children when received: a different number now means that somebody changed them by hand
	within   *Element // the received element whose bytes contain these
	inner    []byte   // top element only: bytes between the tags that can stand in any envelope
	inherits string   // the default namespace outside, when loose
	loose    bool     // Raw takes its default namespace from outside
}

// Attr is an attribute. A namespace declaration is none. The name of an attribute with a prefix is "{namespace}local",
// except for the prefix xml: "xml:lang".
type Attr struct{ Name, Value string }

// New returns an element with attributes given as name, value, name, value. An attribute whose value is empty is left out.
func New(space, local string, attrs ...string) *Element {
	e := &Element{Space: space, Local: local}
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			e.Attrs = append(e.Attrs, Attr{attrs[i], attrs[i+1]})
		}
	}
	return e
}

// With adds children, leaving out nil ones, and returns e.
func (e *Element) With(children ...*Element) *Element {
	e.changed()
	for _, c := range children {
		if c != nil {
			e.Children = append(e.Children, c)
		}
	}
	return e
}

// WithText replaces the text and returns e.
func (e *Element) WithText(text string) *Element {
	e.changed()
	e.Text = text
	return e
}

// Keep drops the children that keep does not return true for and returns e.
func (e *Element) Keep(keep func(*Element) bool) *Element {
	var kept []*Element
	for _, c := range e.Children {
		if keep(c) {
			kept = append(kept, c)
		}
	}
	if len(kept) != len(e.Children) {
		e.changed()
		e.Children = kept
	}
	return e
}

// Attr returns the value of an attribute, empty when it is absent.
func (e *Element) Attr(name string) string {
	for i := range e.Attrs {
		if e.Attrs[i].Name == name {
			return e.Attrs[i].Value
		}
	}
	return ""
}

// Set gives an attribute a value. An empty value removes the attribute.
func (e *Element) Set(name, value string) {
	inner := e.inner
	e.changed()
	e.inner = inner
	for i := range e.Attrs {
		if e.Attrs[i].Name != name {
			continue
		}
		if value == "" {
			e.Attrs = append(e.Attrs[:i:i], e.Attrs[i+1:]...)
		} else {
			e.Attrs[i].Value = value
		}
		return
	}
	if value != "" {
		e.Attrs = append(e.Attrs, Attr{name, value})
	}
}

// Child returns the first child of that name, nil when there is none. "*" stands for any namespace or any local name.
func (e *Element) Child(space, local string) *Element {
	for _, c := range e.Children {
		if (space == "*" || c.Space == space) && (local == "*" || c.Local == local) {
			return c
		}
	}
	return nil
}

// Is reports whether the element has that name.
func (e *Element) Is(space, local string) bool { return e.Space == space && e.Local == local }

// Envelope returns the name and addresses of a stanza.
func (e *Element) Envelope() Envelope {
	return Envelope{
		Name: e.Local, From: e.Attr("from"), To: e.Attr("to"), Type: e.Attr("type"), ID: e.Attr("id"), Lang: e.Attr("xml:lang"),
	}
}

// changed makes e, and everything that it is part of, be written from the tree.
func (e *Element) changed() {
	for x := e; x != nil; x = x.within {
		x.Raw, x.inner = nil, nil
	}
}

// intact reports whether the children are those that were received.
func (e *Element) intact() bool { return len(e.Children) == e.count }

func blank(s string) bool { return strings.Trim(s, " \t\r\n") == "" }
