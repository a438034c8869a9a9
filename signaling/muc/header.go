package muc

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// maxKicks is how many kicks a header remembers.
const maxKicks = 128

// header is what the room has once, whoever is in it. Its fields are those of package room.
type header struct {
	meeting      string
	password     string
	membersOnly  bool
	openSubject  bool // participants may change the subject
	subject      subject
	affiliations map[string]string    // by bare JID: owner, member or outcast
	moderators   map[string]bool      // nicks with an explicit grant of the role
	kicks        map[string]room.Kick // by nick
}

type subject struct {
	by   string // nick
	at   room.Time
	text string
}

func newHeader() header {
	return header{affiliations: make(map[string]string), moderators: make(map[string]bool), kicks: make(map[string]room.Kick)}
}

// set gives a field its value. What cannot be read is as if it had never been written.
func (h *header) set(key, value string) {
	switch key {
	case room.FieldMeeting:
		h.meeting = value
	case room.FieldPassword:
		h.password = value
	case room.FieldMembersOnly:
		h.membersOnly = value == "1"
	case room.FieldOpenSubject:
		h.openSubject = value == "1"
	case room.FieldSubject:
		at, by, text, _ := stamped(value)
		h.subject = subject{by, at, text}
	}
	if bare, ok := strings.CutPrefix(key, room.FieldAffiliation); ok {
		switch value {
		case affOwner, affMember, affOutcast:
			h.affiliations[bare] = value
		default:
			delete(h.affiliations, bare)
		}
	}
	if nick, ok := strings.CutPrefix(key, room.FieldModerator); ok {
		if value == "1" {
			h.moderators[nick] = true
		} else {
			delete(h.moderators, nick)
		}
	}
	if nick, ok := strings.CutPrefix(key, room.FieldKick); ok {
		if k, err := room.ParseKick(value); err == nil {
			h.kicks[nick] = k
		} else {
			delete(h.kicks, nick)
		}
	}
}

// stamped reads the value of a subject: who, when, what.
func stamped(value string) (at room.Time, by, text string, ok bool) {
	by, rest, _ := strings.Cut(value, " ")
	number, text, found := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || !found {
		return 0, "", "", false
	}
	return room.Time(n), by, text, true
}

func (s subject) value() string {
	return s.by + " " + strconv.FormatUint(uint64(s.at), 10) + " " + s.text
}

func flagValue(b bool) string {
	if b {
		return "1"
	}
	return ""
}

func (h *header) affiliation(bare string) string {
	if a, ok := h.affiliations[bare]; ok {
		return a
	}
	return affNone
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

// size is about how many bytes the fields take.
func (h *header) size() int {
	n := len(h.meeting) + len(h.password) + len(h.subject.text)
	for bare := range h.affiliations {
		n += len(bare) + fieldOverhead
	}
	for nick := range h.moderators {
		n += len(nick) + fieldOverhead
	}
	for nick, k := range h.kicks {
		n += len(nick) + len(k.Reason) + fieldOverhead
	}
	return n
}

// fieldOverhead is what a field takes besides names and texts.
const fieldOverhead = 64

// settings are the fields whose change everybody is told of by status 104.
type settings struct {
	password                 string
	membersOnly, openSubject bool
}

func (h *header) settings() settings { return settings{h.password, h.membersOnly, h.openSubject} }

// SetHeader takes the values of the fields of the header, all of them, as they stand after a merge or a write: a field that
// is missing was never written. It tells everybody here what is new to them, in this order: who is kicked or banned, who
// is at another node and no longer is or is again, roles and affiliations, settings, subject. It returns nothing when
// nothing is new.
func (r *Room) SetHeader(now time.Time, values map[string]string) []Effect {
	before := r.header
	r.header = newHeader()
	for key, value := range values {
		r.header.set(key, value)
	}
	r.shared = true
	effects, left := r.enforce(nil, now)
	effects = r.settle(now, r.reveal(now, effects))
	if r.header.settings() != before.settings() {
		effects = r.reconfigured(effects)
	}
	if r.header.subject != before.subject {
		v := r.envelope("message", r.speaker(r.header.subject.by))
		v.Type = "groupchat"
		effects = r.spread(effects, v, subjectElement(r.header.subject.text))
	}
	if left {
		effects = r.closeIfEmpty(effects)
	}
	return r.finish(effects)
}

// enforce removes everybody whom the header does not allow here. It returns whether one of this node was among them.
func (r *Room) enforce(effects []Effect, now time.Time) (_ []Effect, left bool) {
	for _, o := range slices.Clone(r.roster.order) {
		if d, out := r.outlawed(o); out {
			left = left || o.local
			effects = r.drop(effects, now, o, d)
			if !o.local {
				r.hidden[o.nick] = o
			}
		}
	}
	return effects, left
}

// outlawed returns how o leaves when the header says that it must.
func (r *Room) outlawed(o *occupant) (departure, bool) {
	if r.header.affiliation(o.bare) == affOutcast {
		return departure{cause: Banned}, true
	}
	if k, ok := r.header.kicks[o.nick]; ok && o.joined <= k.At {
		return departure{cause: Kicked, actor: string(k.Actor), reason: k.Reason}, true
	}
	return departure{}, false
}

// put writes a field of the header, for the other nodes too.
func (r *Room) put(key, value string) {
	key, value = strings.Clone(key), strings.Clone(value)
	r.header.set(key, value)
	r.writes = slices.DeleteFunc(r.writes, func(w room.Write) bool { return w.Key == key })
	r.writes = append(r.writes, room.Write{Key: key, Value: value})
}

// putAffiliation gives a person an affiliation.
func (r *Room) putAffiliation(bare, affiliation string) {
	if r.header.affiliation(bare) == affiliation {
		return
	}
	if affiliation == affNone {
		affiliation = ""
	}
	r.put(room.FieldAffiliation+bare, affiliation)
}

// appoint grants the role of a moderator, or takes it back.
func (r *Room) appoint(nick string, moderator bool) {
	if r.header.moderators[nick] != moderator {
		r.put(room.FieldModerator+nick, flagValue(moderator))
	}
}

// putKick ends an occupancy on every node. The oldest kicks are forgotten when there are too many.
func (r *Room) putKick(now time.Time, o *occupant, actor, reason string) {
	r.put(room.FieldKick+o.nick, room.Kick{At: max(r.stamp(now), o.joined), Actor: room.EndpointID(actor), Reason: reason}.Value())
	for len(r.header.kicks) > maxKicks || len(r.header.kicks) > 1 && r.header.size() > r.cfg.Limits.Header {
		oldest := ""
		for _, nick := range slices.Sorted(maps.Keys(r.header.kicks)) {
			if oldest == "" || r.header.kicks[nick].At < r.header.kicks[oldest].At {
				oldest = nick
			}
		}
		r.put(room.FieldKick+oldest, "")
	}
}
