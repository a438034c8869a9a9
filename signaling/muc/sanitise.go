package muc

import (
	"slices"
	"strings"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// believed returns the children of a client's stanza that pass, see the package comment.
func believed(st *stanza.Element) []*stanza.Element {
	kept := make([]*stanza.Element, 0, len(st.Children))
	for _, c := range st.Children {
		if !injected(c) && !reserved(c, st.Local) {
			kept = append(kept, c)
		}
	}
	return kept
}

// injected tells whether the direct child c is one that only servers add, by its name.
func injected(c *stanza.Element) bool {
	switch c.Local {
	case "identity", "permissions":
		return true
	case "region", "features":
		return strings.HasPrefix(c.Space, "http://jitsi.org/") || strings.HasPrefix(c.Space, "jitsi:")
	}
	return false
}

// reserved tells whether e or anything in it is an element that clients may not send: what a stock client finds at any
// depth must not be found at any depth.
func reserved(e *stanza.Element, stanzaName string) bool {
	switch e.Space {
	case nsMUC, nsUser, nsDelay, nsOldDelay, nsOccupantID, nsHats, nsOldHats, nsFocus:
		return true
	case nsAddress, nsName:
		if stanzaName == "message" {
			return true
		}
	case nsStanzaID:
		if e.Local == "stanza-id" {
			return true
		}
	}
	if e.Local == "status" && slices.ContainsFunc(e.Attrs, func(a stanza.Attr) bool { return a.Name == "code" }) {
		return true
	}
	return slices.ContainsFunc(e.Children, func(c *stanza.Element) bool { return reserved(c, stanzaName) })
}
