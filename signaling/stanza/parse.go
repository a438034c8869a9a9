package stanza

import (
	"bytes"
	"fmt"
	"strings"
)

// Limits bounds what [Parse] accepts. A field that is zero stands for its default.
type Limits struct {
	Bytes      int // whole message, 256 KiB
	Depth      int // elements inside each other, 64
	Attributes int // per element, namespace declarations included, 128
	Elements   int // whole message, 4096
	Namespaces int // declarations in the whole message, 256
}

func (l Limits) orDefault() Limits {
	for _, f := range [...]struct {
		field *int
		value int
	}{{&l.Bytes, 256 << 10}, {&l.Depth, 64}, {&l.Attributes, 128}, {&l.Elements, 4096}, {&l.Namespaces, 256}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// Parse reads one element. It keeps b, which must not be changed afterwards.
func Parse(b []byte, l Limits) (*Element, error) {
	p := parser{limits: l.orDefault()}
	if len(b) > p.limits.Bytes {
		return nil, p.fail(policyViolation, "%d bytes, at most %d are accepted", len(b), p.limits.Bytes)
	}
	p.bytes = bytes.Trim(b, " \t\r\n")
	p.text = string(p.bytes)
	if err := p.checkCharacters(); err != nil {
		return nil, err
	}
	if p.text == "" {
		return nil, p.fail(notWellFormed, "no element")
	}
	return p.document()
}

// parser reads one message. Positions are offsets into text, which is the same as bytes.
type parser struct {
	limits Limits
	bytes  []byte
	text   string
	pos    int

	elements, declared int
	scope              []declaration
	open               []frame
	attrs              []qualified
	slab               []Element
}

// declaration is a namespace declaration in scope. The default namespace has the prefix "".
type declaration struct {
	prefix, uri string
	depth       int // of the element that declares it, 0 is the top
}

// frame is an element whose end was not seen yet.
type frame struct {
	element *Element
	name    string // as written
	start   int    // of the start tag
	inner   int    // after the start tag
	scope   int    // length of parser.scope before the element
	outer   string // default namespace outside
	text    string // first run of character data
	texts   []byte // all of it, when there are more runs
	// Depth of the outermost declarations that the element and what is in it use: of a prefix, of the default namespace.
	prefixes, defaults int
}

func (f *frame) addText(s string) {
	switch {
	case f.texts != nil:
		f.texts = append(f.texts, s...)
	case f.text != "":
		f.texts = append([]byte(f.text), s...)
	default:
		f.text = s
	}
}

// qualified is an attribute as written.
type qualified struct{ prefix, local, value string }

func (p *parser) fail(condition, format string, args ...any) error {
	return &syntaxError{condition: condition, offset: p.pos, reason: fmt.Sprintf(format, args...)}
}

func (p *parser) document() (*Element, error) {
	for {
		if err := p.content(); err != nil {
			return nil, err
		}
		rest := p.text[p.pos:]
		var top *Element
		var err error
		switch {
		case strings.HasPrefix(rest, "</"):
			top, err = p.endTag()
		case strings.HasPrefix(rest, "<!"):
			return nil, p.fail(restrictedXML, "comment or document type")
		case strings.HasPrefix(rest, "<?"):
			return nil, p.fail(restrictedXML, "processing instruction")
		case strings.HasPrefix(rest, "<"):
			top, err = p.startTag()
		default:
			return nil, p.fail(notWellFormed, "an element is not closed")
		}
		if err != nil {
			return nil, err
		}
		if top == nil {
			continue
		}
		if p.pos != len(p.text) {
			return nil, p.fail(notWellFormed, "more than one element")
		}
		return top, nil
	}
}

// content reads character data up to the next tag or the end of the input.
func (p *parser) content() error {
	for p.pos < len(p.text) {
		run := p.text[p.pos:]
		if end := strings.IndexByte(run, '<'); end >= 0 {
			run = run[:end]
		}
		if run != "" {
			if len(p.open) == 0 {
				return p.fail(notWellFormed, "text outside of an element")
			}
			if strings.Contains(run, "]]>") {
				return p.fail(notWellFormed, "]]> in text")
			}
			text, err := p.unescape(run, false)
			if err != nil {
				return err
			}
			p.open[len(p.open)-1].addText(text)
			p.pos += len(run)
		}
		section, ok := strings.CutPrefix(p.text[p.pos:], "<![CDATA[")
		if !ok {
			return nil
		}
		end := strings.Index(section, "]]>")
		if len(p.open) == 0 || end < 0 {
			return p.fail(notWellFormed, "CDATA section outside of an element or without end")
		}
		p.open[len(p.open)-1].addText(newlines(section[:end]))
		p.pos += len("<![CDATA[") + end + len("]]>")
	}
	return nil
}

// startTag reads a start tag, or an empty element. It returns the top element when that was it.
func (p *parser) startTag() (*Element, error) {
	depth := len(p.open)
	if depth >= p.limits.Depth {
		return nil, p.fail(policyViolation, "deeper than %d elements", p.limits.Depth)
	}
	if p.elements++; p.elements > p.limits.Elements {
		return nil, p.fail(policyViolation, "more than %d elements", p.limits.Elements)
	}
	f := frame{start: p.pos, scope: len(p.scope), prefixes: depth, defaults: depth}
	f.outer, _ = p.defaultNamespace()
	p.pos++
	prefix, local, err := p.name()
	if err != nil {
		return nil, err
	}
	f.name = p.text[f.start+1 : p.pos]
	empty, err := p.attributes(depth)
	if err != nil {
		return nil, err
	}
	f.element = p.newElement()
	f.element.Local = local
	if f.element.Space, err = p.space(prefix, depth, &f); err != nil {
		return nil, err
	}
	if depth == 0 && prefix != "" {
		if _, declaredAt := p.defaultNamespace(); declaredAt == 0 {
			return nil, p.fail(badNamespacePrefix, "a prefixed top element declares a default namespace")
		}
	}
	if err := p.resolveAttributes(&f); err != nil {
		return nil, err
	}
	f.inner = p.pos
	p.open = append(p.open, f)
	if empty {
		return p.close(p.pos)
	}
	return nil, nil
}

// endTag reads an end tag. It returns the top element when that ended.
func (p *parser) endTag() (*Element, error) {
	inner := p.pos
	if len(p.open) == 0 {
		return nil, p.fail(notWellFormed, "end tag without start tag")
	}
	p.pos += len("</")
	name := p.open[len(p.open)-1].name
	if !strings.HasPrefix(p.text[p.pos:], name) {
		return nil, p.fail(notWellFormed, "end tag of another element")
	}
	p.pos += len(name)
	p.skipSpace()
	if p.pos >= len(p.text) || p.text[p.pos] != '>' {
		return nil, p.fail(notWellFormed, "end tag of another element")
	}
	p.pos++
	return p.close(inner)
}

// close ends the innermost open element, whose content ends at inner. It returns it when it is the top element.
func (p *parser) close(inner int) (*Element, error) {
	depth := len(p.open) - 1
	f := p.open[depth]
	p.open = p.open[:depth]
	e := f.element
	e.received = true
	e.count = len(e.Children)
	if e.Text = f.text; f.texts != nil {
		e.Text = string(f.texts)
	}
	if e.count > 0 && blank(e.Text) {
		e.Text = ""
	}
	if f.prefixes >= depth {
		e.Raw = p.bytes[f.start:p.pos:p.pos]
	}
	e.loose, e.inherits = f.defaults < depth, f.outer
	if depth == 0 {
		if outer, _ := p.defaultNamespace(); outer == Client && inner >= f.inner {
			e.inner = p.bytes[f.inner:inner:inner]
		}
		return e, nil
	}
	p.scope = p.scope[:f.scope]
	parent := &p.open[depth-1]
	parent.element.Children = append(parent.element.Children, e)
	parent.prefixes = min(parent.prefixes, f.prefixes)
	parent.defaults = min(parent.defaults, f.defaults)
	e.within = parent.element
	return nil, nil
}

// newElement takes an element from the slab: a stanza has a handful, and one allocation serves them.
func (p *parser) newElement() *Element {
	if len(p.slab) == cap(p.slab) {
		p.slab = make([]Element, 0, min(4*max(1, p.elements), 64))
	}
	p.slab = p.slab[:len(p.slab)+1]
	return &p.slab[len(p.slab)-1]
}
