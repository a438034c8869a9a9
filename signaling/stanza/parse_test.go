package stanza

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var tree = cmp.Options{cmpopts.IgnoreUnexported(Element{}), cmpopts.IgnoreFields(Element{}, "Raw"), cmpopts.EquateEmpty()}

func mustParse(t testing.TB, s string) *Element {
	t.Helper()
	e, err := Parse([]byte(s), Limits{})
	if err != nil {
		t.Fatalf("parse %s: %v", s, err)
	}
	return e
}

func TestParseTree(t *testing.T) {
	got := mustParse(t, ` <iq xmlns='jabber:client' id="1" xml:lang='de'>
		<query xmlns="q" a="&lt;&#x41;"><p:item xmlns:p="r" p:b="2"/><![CDATA[<raw>]]> text&amp;</query>
		<none xmlns=""><in/></none><SourceInfo>{"a":1}</SourceInfo></iq>
`)
	want := &Element{
		Space: Client, Local: "iq",
		Attrs: []Attr{{"id", "1"}, {"xml:lang", "de"}},
		Children: []*Element{
			{
				Space: "q", Local: "query", Attrs: []Attr{{"a", "<A"}}, Text: "<raw> text&",
				Children: []*Element{{Space: "r", Local: "item", Attrs: []Attr{{"{r}b", "2"}}}},
			},
			{Local: "none", Children: []*Element{{Local: "in"}}},
			{Space: Client, Local: "SourceInfo", Text: `{"a":1}`},
		},
	}
	if d := cmp.Diff(want, got, tree); d != "" {
		t.Error(d)
	}
}

func TestParseDefaultNamespace(t *testing.T) {
	if got := mustParse(t, `<message><body/></message>`); got.Space != Client || got.Children[0].Space != Client {
		t.Errorf("got %q and %q, want both in jabber:client", got.Space, got.Children[0].Space)
	}
}

func TestParseRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	for _, c := range []struct{ name, xml, condition string }{
		{"empty", "", notWellFormed},
		{"text only", "hello", notWellFormed},
		{"text before", "x<a/>", notWellFormed},
		{"text after", "<a/>x", notWellFormed},
		{"two elements", "<a/><b/>", notWellFormed},
		{"not closed", "<a><b></b>", notWellFormed},
		{"crossed", "<a><b></a></b>", notWellFormed},
		{"longer end tag", "<a></ab>", notWellFormed},
		{"end first", "</a>", notWellFormed},
		{"open tag", "<a", notWellFormed},
		{"lone bracket", "<", notWellFormed},
		{"bad name", "<1a/>", notWellFormed},
		{"colon first", "<:a/>", notWellFormed},
		{"two colons", `<a:b:c xmlns:a="x"/>`, notWellFormed},
		{"no quotes", "<a b=c/>", notWellFormed},
		{"no space between attributes", `<a b="1"c="2"/>`, notWellFormed},
		{"attribute without value", "<a b/>", notWellFormed},
		{"less-than in attribute", `<a b="<"/>`, notWellFormed},
		{"duplicate attribute", `<a b="1" b="2"/>`, notWellFormed},
		{"duplicate attribute by namespace", `<a><b xmlns:p="x" xmlns:q="x" p:c="1" q:c="2"/></a>`, notWellFormed},
		{"duplicate declaration", `<a xmlns="x" xmlns="y"/>`, notWellFormed},
		{"end of CDATA in text", "<a>]]></a>", notWellFormed},
		{"open CDATA", "<a><![CDATA[</a>", notWellFormed},
		{"control character", "<a>\x01</a>", notWellFormed},
		{"no character", "<a>\uFFFF</a>", notWellFormed},
		{"reference to a control character", "<a>&#1;</a>", notWellFormed},
		{"open reference", "<a>&amp</a>", notWellFormed},
		{"not UTF-8", "<a>\xff</a>", unsupportedEncoding},
		{"document type", `<!DOCTYPE a [<!ENTITY x "y">]><a/>`, restrictedXML},
		{"document type inside", `<a><!DOCTYPE b></a>`, restrictedXML},
		{"comment", "<a><!-- x --></a>", restrictedXML},
		{"XML declaration", `<?xml version="1.0"?><a/>`, restrictedXML},
		{"processing instruction", "<a><?php?></a>", restrictedXML},
		{"entity", "<a>&nbsp;</a>", restrictedXML},
		{"undeclared prefix", "<a><p:b/></a>", badNamespacePrefix},
		{"undeclared attribute prefix", `<a p:b="c"/>`, badNamespacePrefix},
		{"prefix out of scope", `<a><b xmlns:p="x"/><p:c/></a>`, badNamespacePrefix},
		{"prefix of the stanza inside", `<a xmlns:p="x"><p:b/></a>`, badNamespacePrefix},
		{"prefix of the stanza at an attribute inside", `<a xmlns:p="x"><b p:c="d"/></a>`, badNamespacePrefix},
		{"prefixed stanza with another default", `<c:message xmlns:c="jabber:client" xmlns="evil"><body/></c:message>`, badNamespacePrefix},
		{"prefix undeclared", `<a><b xmlns:p=""/></a>`, badNamespacePrefix},
		{"reserved prefix", `<a xmlns:xml="x"/>`, badNamespacePrefix},
		{"element with prefix xml", `<xml:a/>`, badNamespacePrefix},
		{"too deep", deep(65), policyViolation},
		{"too many elements", "<a>" + strings.Repeat("<b/>", 4096) + "</a>", policyViolation},
		{"too many attributes", "<a " + manyAttributes(129) + "/>", policyViolation},
		{"too many declarations", "<a>" + strings.Repeat(`<b xmlns="x"/>`, 257) + "</a>", policyViolation},
		{"too long", "<a>" + strings.Repeat("x", 256<<10) + "</a>", policyViolation},
	} {
		e, err := Parse([]byte(c.xml), Limits{})
		if err == nil {
			t.Errorf("%s: accepted as %.80s", c.name, e.Bytes())
		} else if got := Condition(err); got != c.condition {
			t.Errorf("%s: condition %s (%v), want %s", c.name, got, err, c.condition)
		}
	}
	for name, xml := range map[string]string{
		"deep":         deep(64),
		"elements":     "<a>" + strings.Repeat("<b/>", 4095) + "</a>",
		"attributes":   "<a " + manyAttributes(128) + "/>",
		"declarations": "<a>" + strings.Repeat(`<b xmlns="x"/>`, 256) + "</a>",
	} {
		if _, err := Parse([]byte(xml), Limits{}); err != nil {
			t.Errorf("%s at the limit: %v", name, err)
		}
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d=""`, i)
	}
	return b.String()
}
