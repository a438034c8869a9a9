package muc

import (
	"slices"
	"strings"
	"time"
)

// header is what the room has once, whoever is in it.
type header struct {
	created      time.Time
	password     string
	membersOnly  bool
	openSubject  bool // participants may change the subject
	subject      string
	subjectBy    string // nick
	subjectAt    time.Time
	affiliations map[string]string // by bare JID: owner, member or outcast
}

func (h *header) affiliation(bare string) string {
	if a, ok := h.affiliations[bare]; ok {
		return a
	}
	return affNone
}

func (h *header) setAffiliation(bare, affiliation string) {
	if affiliation == affNone {
		delete(h.affiliations, bare)
		return
	}
	if h.affiliations == nil {
		h.affiliations = make(map[string]string)
	}
	h.affiliations[strings.Clone(bare)] = strings.Clone(affiliation)
}

// with returns who has the affiliation, sorted.
func (h *header) with(affiliation string) []string {
	var all []string
	for bare, a := range h.affiliations {
		if a == affiliation {
			all = append(all, bare)
		}
	}
	slices.Sort(all)
	return all
}
