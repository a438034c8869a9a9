package muc

import "github.com/atoll-mesh/atoll/signaling/stanza"

// form returns a data form (XEP-0004) with its hidden FORM_TYPE.
func form(kind, formType string, fields ...*stanza.Element) *stanza.Element {
	x := stanza.New(nsData, "x", "type", kind)
	x.With(field("FORM_TYPE", "hidden", formType))
	return x.With(fields...)
}

func field(name, kind, value string) *stanza.Element {
	return stanza.New(nsData, "field", "var", name, "type", kind).With(stanza.New(nsData, "value").WithText(value))
}

func flag(name string, value bool) *stanza.Element {
	if value {
		return field(name, "boolean", "1")
	}
	return field(name, "boolean", "0")
}

// submitted returns the first value of each field of a form.
func submitted(x *stanza.Element) map[string]string {
	values := make(map[string]string)
	for _, c := range x.Children {
		if c.Space != nsData || c.Local != "field" {
			continue
		}
		values[c.Attr("var")] = childText(c, nsData, "value")
	}
	return values
}
