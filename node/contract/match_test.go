package contract

import (
	"regexp"
	"strings"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// vars are the variables of a script.
type vars map[string]string

// fill replaces {name} in what is sent.
func (v vars) fill(s string) string {
	for name, value := range v {
		s = strings.ReplaceAll(s, "{"+name+"}", value)
	}
	return s
}

var variable = regexp.MustCompile(`\{([a-z0-9.]+|\*)\}`)

// text compares a value with a pattern that may hold one new variable or {*}, which it sets.
func (v vars) text(pattern, value string) bool {
	pattern = v.fill(pattern)
	at := variable.FindStringSubmatchIndex(pattern)
	if at == nil {
		return pattern == value
	}
	prefix, name, suffix := pattern[:at[0]], pattern[at[2]:at[3]], pattern[at[1]:]
	if len(value) < len(prefix)+len(suffix) || !strings.HasPrefix(value, prefix) || !strings.HasSuffix(value, suffix) {
		return false
	}
	if name != "*" {
		v[name] = value[len(prefix) : len(value)-len(suffix)]
	}
	return true
}

func (v vars) clone() vars {
	c := make(vars, len(v))
	for k, x := range v {
		c[k] = x
	}
	return c
}

func (v vars) adopt(from vars) {
	for k, x := range from {
		v[k] = x
	}
}

// element compares got with the pattern; variables are set only when everything matches.
func (v vars) element(pattern, got *stanza.Element) bool {
	try := v.clone()
	if !try.tree(pattern, got) {
		return false
	}
	v.adopt(try)
	return true
}

func (v vars) tree(pattern, got *stanza.Element) bool {
	if pattern.Local != got.Local || pattern.Space != got.Space {
		return false
	}
	for _, a := range pattern.Attrs {
		if !v.text(a.Value, got.Attr(a.Name)) {
			return false
		}
	}
	if pattern.Text != "" && !v.text(pattern.Text, strings.TrimSpace(got.Text)) {
		return false
	}
	used := make(map[*stanza.Element]bool)
	for _, child := range pattern.Children {
		found := false
		for _, c := range got.Children {
			if !used[c] && v.element(child, c) {
				used[c], found = true, true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// json compares got with the pattern: members of objects, items of lists, values.
func (v vars) json(pattern, got any) bool {
	switch p := pattern.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return false
		}
		for k, x := range p {
			y, ok := g[k]
			if !ok || !v.json(x, y) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok {
			return false
		}
		used := make(map[int]bool)
		for _, x := range p {
			found := false
			for i, y := range g {
				if !used[i] && v.json(x, y) {
					used[i], found = true, true
					break
				}
			}
			if !found {
				return false
			}
		}
		return true
	case string:
		if g, ok := got.(string); ok {
			return v.text(p, g)
		}
		return p == "{*}"
	default:
		return pattern == got
	}
}
