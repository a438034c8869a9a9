package muc

import (
	"cmp"
	"strconv"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// info answers disco#info. Who is not in the room learns what it takes to join, no more.
func (r *Room) info(from string, o *occupant, st, q *stanza.Element) []Effect {
	if q.Attr("node") != "" {
		return refuse(from, st, "cancel", "item-not-found", "no such node")
	}
	answered := stanza.New(nsDiscoInfo, "query").With(
		stanza.New(nsDiscoInfo, "identity", "category", "conference", "type", "text", "name", r.cfg.JID))
	for _, name := range r.features() {
		answered.With(stanza.New(nsDiscoInfo, "feature", "var", name))
	}
	if o != nil {
		answered.With(form("result", nsRoomInfo,
			field("muc#roominfo_meetingId", "text-single", cmp.Or(r.header.meeting, r.cfg.MeetingID)),
			field("muc#roominfo_created_timestamp", "text-single", strconv.FormatInt(r.created.UnixMilli(), 10)),
			field("muc#roominfo_occupants", "text-single", strconv.Itoa(len(r.roster.order))),
		))
	}
	return answer(from, stanza.Result(st, answered))
}

func (r *Room) features() []string {
	all := []string{
		nsMUC, nsDiscoInfo, nsDiscoItems, nsPing, nsSelfPing,
		"muc_hidden", "muc_nonanonymous", "muc_temporary", "muc_unmoderated",
	}
	if r.cfg.StanzaID != nil {
		all = append(all, nsStanzaID)
	}
	all = append(all, either(r.header.membersOnly, "muc_membersonly", "muc_open"))
	return append(all, either(r.header.password != "", "muc_passwordprotected", "muc_unsecured"))
}

func either(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

// items answers disco#items with the occupants, to occupants.
func (r *Room) items(from string, o *occupant, st, q *stanza.Element) []Effect {
	if q.Attr("node") != "" {
		return refuse(from, st, "cancel", "item-not-found", "no such node")
	}
	list := stanza.New(nsDiscoItems, "query")
	if o != nil {
		if r.cfg.Focus != "" {
			list.With(stanza.New(nsDiscoItems, "item", "jid", r.cfg.JID+"/"+FocusNick))
		}
		for _, other := range r.roster.order {
			list.With(stanza.New(nsDiscoItems, "item", "jid", r.cfg.JID+"/"+other.nick))
		}
	}
	return answer(from, stanza.Result(st, list))
}
