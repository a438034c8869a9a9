package stanza

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

// name reads a qualified name.
func (p *parser) name() (prefix, local string, err error) {
	first, err := p.ncname()
	if err != nil {
		return "", "", err
	}
	if p.pos >= len(p.text) || p.text[p.pos] != ':' {
		return "", first, nil
	}
	p.pos++
	second, err := p.ncname()
	return first, second, err
}

// ncname reads a name without colon.
func (p *parser) ncname() (string, error) {
	start := p.pos
	for i, r := range p.text[start:] {
		if !isNameRune(r, i == 0) {
			break
		}
		p.pos = start + i + utf8.RuneLen(r)
	}
	if p.pos == start {
		return "", p.fail(notWellFormed, "a name was expected")
	}
	return p.text[start:p.pos], nil
}

func (p *parser) skipSpace() bool {
	start := p.pos
	for p.pos < len(p.text) && isSpace(p.text[p.pos]) {
		p.pos++
	}
	return p.pos > start
}

// attributes reads to the end of a start tag. Attributes go to p.attrs, namespace declarations to p.scope. It reports
// whether the element is empty.
func (p *parser) attributes(depth int) (empty bool, err error) {
	p.attrs = p.attrs[:0]
	scope := len(p.scope)
	for {
		spaced := p.skipSpace()
		switch rest := p.text[p.pos:]; {
		case strings.HasPrefix(rest, "/>"):
			p.pos += 2
			return true, nil
		case strings.HasPrefix(rest, ">"):
			p.pos++
			return false, nil
		case !spaced:
			return false, p.fail(notWellFormed, "a start tag does not end")
		}
		if len(p.attrs)+len(p.scope)-scope >= p.limits.Attributes {
			return false, p.fail(policyViolation, "more than %d attributes", p.limits.Attributes)
		}
		a, err := p.attribute()
		if err != nil {
			return false, err
		}
		if a.prefix == "xmlns" || a.prefix == "" && a.local == "xmlns" {
			if err := p.declare(a, depth, scope); err != nil {
				return false, err
			}
			continue
		}
		p.attrs = append(p.attrs, a)
	}
}

func (p *parser) attribute() (a qualified, err error) {
	if a.prefix, a.local, err = p.name(); err != nil {
		return a, err
	}
	p.skipSpace()
	if !strings.HasPrefix(p.text[p.pos:], "=") {
		return a, p.fail(notWellFormed, "an attribute has no value")
	}
	p.pos++
	p.skipSpace()
	if p.pos >= len(p.text) || p.text[p.pos] != '"' && p.text[p.pos] != '\'' {
		return a, p.fail(notWellFormed, "the value of an attribute is not quoted")
	}
	quote := p.text[p.pos]
	p.pos++
	end := strings.IndexByte(p.text[p.pos:], quote)
	if end < 0 {
		return a, p.fail(notWellFormed, "the value of an attribute does not end")
	}
	value := p.text[p.pos : p.pos+end]
	if strings.IndexByte(value, '<') >= 0 {
		return a, p.fail(notWellFormed, "< in the value of an attribute")
	}
	if a.value, err = p.unescape(value, true); err != nil {
		return a, err
	}
	p.pos += end + 1
	return a, nil
}

// declare takes a namespace declaration; the element's own begin at p.scope[own].
func (p *parser) declare(a qualified, depth, own int) error {
	if p.declared++; p.declared > p.limits.Namespaces {
		return p.fail(policyViolation, "more than %d namespace declarations", p.limits.Namespaces)
	}
	prefix := ""
	if a.prefix != "" {
		prefix = a.local
	}
	for _, d := range p.scope[own:] {
		if d.prefix == prefix {
			return p.fail(notWellFormed, "namespace declared twice")
		}
	}
	switch {
	case prefix == "xml" || prefix == "xmlns", a.value == xmlNamespace, a.value == "http://www.w3.org/2000/xmlns/":
		return p.fail(badNamespacePrefix, "a reserved prefix or namespace is declared")
	case prefix != "" && a.value == "":
		return p.fail(badNamespacePrefix, "a prefix is declared without namespace")
	}
	p.scope = append(p.scope, declaration{prefix: prefix, uri: a.value, depth: depth})
	return nil
}

// defaultNamespace returns the default namespace and the depth of the element that declares it, -1 when none does.
func (p *parser) defaultNamespace() (uri string, depth int) {
	for _, d := range slices.Backward(p.scope) {
		if d.prefix == "" {
			return d.uri, d.depth
		}
	}
	return Client, -1
}

// space resolves the prefix of an element at depth and notes in f what it depends on.
func (p *parser) space(prefix string, depth int, f *frame) (string, error) {
	if prefix == "" {
		uri, declaredAt := p.defaultNamespace()
		f.defaults = min(f.defaults, declaredAt)
		return uri, nil
	}
	if prefix == "xml" {
		return "", p.fail(badNamespacePrefix, "an element has the prefix xml")
	}
	return p.resolve(prefix, depth, f)
}

func (p *parser) resolve(prefix string, depth int, f *frame) (string, error) {
	for _, d := range slices.Backward(p.scope) {
		if d.prefix != prefix {
			continue
		}
		if d.depth == 0 && depth > 0 {
			return "", p.fail(badNamespacePrefix, "a prefix declared by the stanza is used inside of it")
		}
		f.prefixes = min(f.prefixes, d.depth)
		return d.uri, nil
	}
	return "", p.fail(badNamespacePrefix, "a prefix is not declared")
}

// resolveAttributes moves p.attrs to the element, by full name.
func (p *parser) resolveAttributes(f *frame) error {
	if len(p.attrs) == 0 {
		return nil
	}
	attrs := make([]Attr, 0, len(p.attrs))
	for _, a := range p.attrs {
		name := a.local
		switch a.prefix {
		case "":
		case "xml":
			name = "xml:" + a.local
		default:
			uri, err := p.resolve(a.prefix, len(p.open), f)
			if err != nil {
				return err
			}
			name = "{" + uri + "}" + a.local
		}
		for _, b := range attrs {
			if b.Name == name {
				return p.fail(notWellFormed, "an attribute is given twice")
			}
		}
		attrs = append(attrs, Attr{name, a.value})
	}
	f.element.Attrs = attrs
	return nil
}
