package stanza

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var seeds = []string{
	`<message xmlns="jabber:client" to="a@b/c"><body>h&amp;i&#x41;</body></message>`,
	`<iq type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
	`<a xmlns="n"><b xmlns=""><c/>t</b><p:d xmlns:p="m" p:e="f" xml:lang="de">x<![CDATA[<y>]]></p:d></a>`,
	`<c:message xmlns:c="jabber:client"><body>&lt;</body></c:message>`,
	`<a b="x&#10;y	z">` + "\r\n" + `<!-- c --></a>`,
	`<?xml version="1.0"?><!DOCTYPE a><a>&b;</a>`,
	`<a xmlns:p="}"><b xmlns:q="}"  q:r=""/></a>`,
	strings.Repeat("<a>", 70),
}

// FuzzParse compares with encoding/xml: what Parse accepts, encoding/xml accepts too and reads as the same tree.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Parse(bytes.Clone(b), Limits{})
		if err != nil {
			if Condition(err) == "undefined-condition" {
				t.Fatalf("no condition for %v", err)
			}
			return
		}
		if !isASCII(b) {
			return // encoding/xml knows the names of an older XML
		}
		want, err := reference(b)
		if err != nil {
			t.Fatalf("encoding/xml refuses %q: %v", b, err)
		}
		if d := cmp.Diff(want, got, tree, normalAttrs); d != "" {
			t.Fatal(d)
		}
	})
}

// normalAttrs makes white space in attributes equal: encoding/xml does not normalise it.
var normalAttrs = cmp.Transformer("normal", func(a Attr) [2]string { return [2]string{a.Name, normal(a.Value, true)} })

// FuzzWrite writes what was parsed and parses it again: from the received bytes, and from the tree.
func FuzzWrite(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Parse(bytes.Clone(b), Limits{})
		if err != nil {
			return
		}
		wide := Limits{Bytes: 64 << 20, Attributes: 1 << 20, Namespaces: 1 << 20}
		check := func(what string, xml []byte) {
			again, err := Parse(xml, wide)
			if err != nil {
				t.Fatalf("%s of %q is %q: %v", what, b, xml, err)
			}
			if d := cmp.Diff(e, again, tree); d != "" {
				t.Fatalf("%s of %q is %q: %s", what, b, xml, d)
			}
		}
		check("bytes", e.Bytes())
		if e.Space == Client {
			top := Element{Space: Client, Local: e.Local, Attrs: e.Attrs}
			start, _, _ := bytes.Cut(top.Bytes(), []byte("/>"))
			check("inner bytes", fmt.Appendf(nil, "%s>%s</%s>", start, e.Inner(), e.Local))
		}
		var forget func(*Element)
		forget = func(x *Element) {
			x.Raw, x.inner = nil, nil
			for _, c := range x.Children {
				forget(c)
			}
		}
		forget(e)
		check("tree", e.Bytes())
	})
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// reference reads b with encoding/xml, resolving namespaces itself as far as that leaves them.
func reference(b []byte) (*Element, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.DefaultSpace = Client
	top := &Element{}
	open := []*Element{top}
	cleared := []bool{false} // an element around it has xmlns=""
	for {
		token, err := d.Token()
		if token == nil {
			if len(top.Children) != 1 {
				return nil, fmt.Errorf("%d elements: %w", len(top.Children), err)
			}
			return top.Children[0], nil
		}
		parent := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			e := &Element{Space: t.Name.Space, Local: t.Name.Local}
			none := cleared[len(cleared)-1]
			for _, a := range t.Attr {
				name := a.Name.Local
				switch {
				case a.Name.Space == "xmlns":
					continue
				case a.Name.Space == "" && name == "xmlns":
					none = a.Value == ""
					continue
				case a.Name.Space == xmlNamespace:
					name = "xml:" + name
				case a.Name.Space != "":
					name = "{" + a.Name.Space + "}" + name
				}
				e.Attrs = append(e.Attrs, Attr{name, a.Value})
			}
			parent.Children = append(parent.Children, e)
			open, cleared = append(open, e), append(cleared, none)
			if none && e.Space == Client {
				e.Space = ""
			}
		case xml.EndElement:
			if len(parent.Children) > 0 && blank(parent.Text) {
				parent.Text = ""
			}
			open, cleared = open[:len(open)-1], cleared[:len(cleared)-1]
		case xml.CharData:
			if len(open) > 1 {
				parent.Text += string(t)
			}
		}
	}
}
