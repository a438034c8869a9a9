// Package stanzatest checks XML that is written for clients. It reads with encoding/xml, so that it shares no code with
// the writer that it judges.
package stanzatest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

const (
	client  = "jabber:client"
	streams = "http://etherx.jabber.org/streams"
)

// CheckNamespaces returns an error unless message is one element in which Jitsi's client finds everything: each element that
// is not in jabber:client carries its own literal xmlns attribute, no prefix but stream: is used, and that only by the
// top element, and nothing is declared that is not used.
func CheckNamespaces(message []byte) error {
	d := xml.NewDecoder(bytes.NewReader(message))
	var defaults []string // default namespace inside each open element
	tops := 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("check namespaces of %q: %w", message, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			inside, err := checkStart(t, defaults)
			if err != nil {
				return fmt.Errorf("check namespaces of %q: %w", message, err)
			}
			if len(defaults) == 0 {
				tops++
			}
			defaults = append(defaults, inside)
		case xml.EndElement:
			if len(defaults) == 0 {
				return fmt.Errorf("check namespaces of %q: an end tag too many", message)
			}
			defaults = defaults[:len(defaults)-1]
		case xml.Comment, xml.ProcInst, xml.Directive:
			return fmt.Errorf("check namespaces of %q: %T in a stanza", message, t)
		}
	}
	if tops != 1 || len(defaults) != 0 {
		return fmt.Errorf("check namespaces of %q: %d top elements, %d left open", message, tops, len(defaults))
	}
	return nil
}

// checkStart checks one start tag and returns the default namespace inside the element.
func checkStart(t xml.StartElement, open []string) (string, error) {
	own, declared, prefix := "", false, ""
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			own, declared = a.Value, true
		case a.Name.Space == "xmlns":
			if a.Name.Local != "stream" || a.Value != streams {
				return "", fmt.Errorf("<%s> declares the prefix %s", t.Name.Local, a.Name.Local)
			}
			prefix = a.Name.Local
		case a.Name.Space != "" && a.Name.Space != "xml":
			return "", fmt.Errorf("<%s> has an attribute with the prefix %s", t.Name.Local, a.Name.Space)
		}
	}
	if prefix != t.Name.Space {
		return "", fmt.Errorf("<%s> has the prefix %q and declares %q", t.Name.Local, t.Name.Space, prefix)
	}
	if len(open) == 0 {
		if !declared && prefix == "" {
			return "", fmt.Errorf("the top element <%s> has no xmlns", t.Name.Local)
		}
		return own, nil
	}
	outer := open[len(open)-1]
	switch {
	case prefix != "":
		return "", fmt.Errorf("<%s:%s> is not the top element", prefix, t.Name.Local)
	case declared:
		return own, nil
	case outer != client:
		return "", fmt.Errorf("<%s> inherits the namespace %q", t.Name.Local, outer)
	}
	return outer, nil
}
