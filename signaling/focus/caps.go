package focus

import (
	"crypto/sha1" //nolint:gosec // XEP-0115 names it, and what it protects is a cache key
	"encoding/base64"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const (
	maxFeatures    = 128
	maxFeatureName = 128
	maxCapsNode    = 512
	maxCached      = 256
)

// Caps is what a presence says about the features of its sender (XEP-0115).
type Caps struct{ Hash, Node, Ver string }

// ParseCaps returns the caps of a presence, the zero value when it has none.
func ParseCaps(presence *stanza.Element) Caps {
	c := presence.Child(nsCaps, "c")
	if c == nil || c.Attr("ver") == "" || len(c.Attr("ver"))+len(c.Attr("node"))+len(c.Attr("hash")) > maxCapsNode {
		return Caps{}
	}
	return Caps{
		Hash: strings.Clone(c.Attr("hash")), Node: strings.Clone(c.Attr("node")), Ver: strings.Clone(c.Attr("ver")),
	}
}

// CapsCache remembers the features behind caps versions. It may be used from many goroutines: it is the one thing that the
// engines of a node share. It holds a bounded number of versions, and only those whose hash was verified.
type CapsCache struct {
	// versions is replaced as a whole: there are few versions of clients, and they are read far more often than learnt.
	versions atomic.Pointer[map[string][]string]
}

func (c *CapsCache) get(ver string) ([]string, bool) {
	if m := c.versions.Load(); m != nil {
		features, ok := (*m)[ver]
		return features, ok
	}
	return nil, false
}

func (c *CapsCache) put(ver string, features []string) {
	for {
		old := c.versions.Load()
		next := map[string][]string{ver: features}
		if old != nil && len(*old) < maxCached {
			for k, v := range *old {
				next[k] = v
			}
		}
		if c.versions.CompareAndSwap(old, &next) {
			return
		}
	}
}

// features returns the features in a disco#info answer, at most maxFeatures.
func features(query *stanza.Element) []string {
	var all []string
	for _, f := range query.Children {
		if f.Is(nsDisco, "feature") && len(all) < maxFeatures && len(f.Attr("var")) <= maxFeatureName {
			all = append(all, strings.Clone(f.Attr("var")))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// verify reports whether a disco#info answer hashes to the version of c (XEP-0115 5.1, 5.4).
func (c Caps) verify(query *stanza.Element) bool {
	if c.Hash != "sha-1" || len(query.Children) > maxFeatures {
		return false
	}
	s, ok := verificationString(query)
	sum := sha1.Sum([]byte(s)) //nolint:gosec // see above
	return ok && base64.StdEncoding.EncodeToString(sum[:]) == c.Ver
}

// verificationString returns what the version is a hash of, or false when the answer is ill-formed: with an entry that
// comes twice, or with a < inside, so that it could be read as another one.
func verificationString(query *stanza.Element) (string, bool) {
	var identities, vars []string
	forms := map[string]string{}
	for _, e := range query.Children {
		switch {
		case e.Is(nsDisco, "identity"):
			identities = append(identities, strings.Join([]string{
				e.Attr("category"), e.Attr("type"), e.Attr("xml:lang"), e.Attr("name"),
			}, "/"))
		case e.Is(nsDisco, "feature"):
			vars = append(vars, e.Attr("var"))
		case e.Is(nsData, "x"):
			name, text, ok := formString(e)
			if _, twice := forms[name]; !ok || twice {
				return "", false
			}
			if name != "" {
				forms[name] = text
			}
		}
	}
	var b strings.Builder
	for _, list := range [][]string{identities, vars} {
		slices.Sort(list)
		for i, s := range list {
			if strings.Contains(s, "<") || i > 0 && s == list[i-1] {
				return "", false
			}
			b.WriteString(s)
			b.WriteByte('<')
		}
	}
	names := make([]string, 0, len(forms))
	for name := range forms {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(forms[name])
	}
	return b.String(), true
}

// formString returns the FORM_TYPE and the verification string of a form (XEP-0128). A form without a type has no name and
// counts for nothing. The third result is false when the form is ill-formed.
func formString(x *stanza.Element) (name, text string, ok bool) {
	var fields []string
	for _, f := range x.Children {
		if !f.Is(nsData, "field") {
			continue
		}
		var values []string
		for _, v := range f.Children {
			if v.Is(nsData, "value") {
				values = append(values, v.Text)
			}
		}
		slices.Sort(values)
		if strings.Contains(f.Attr("var")+strings.Join(values, ""), "<") {
			return "", "", false
		}
		if f.Attr("var") == "FORM_TYPE" {
			name = strings.Join(values, "")
			continue
		}
		fields = append(fields, f.Attr("var")+"<"+strings.Join(append(values, ""), "<"))
	}
	slices.Sort(fields)
	return name, name + "<" + strings.Join(fields, ""), true
}
