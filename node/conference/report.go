package conference

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/node/sfu"
)

// Report is what the admin API tells of a room.
type Report struct {
	Room         string
	Nodes        []string
	Participants []ParticipantReport
	Sources      []sfu.SourceReport
}

// ParticipantReport is what the admin API tells of a participant.
type ParticipantReport struct {
	Endpoint  string
	Node      string
	Moderator bool
	Media     bool // a leg is open
	Channel   bool // a bridge channel is open
	Suspended bool // its socket is lost
}

// Reports asks every room and returns what answered before ctx ended, by name.
func (r *Rooms) Reports(ctx context.Context) []Report {
	answers := make(chan Report, 16)
	r.mu.Lock()
	asked := 0
	for _, c := range r.rooms {
		if c.mail.put(func(c *Conference, now time.Time) {
			select {
			case answers <- c.report(now):
			case <-ctx.Done():
			}
		}) {
			asked++
		}
	}
	r.mu.Unlock()
	reports := make([]Report, 0, asked)
	for len(reports) < asked && ctx.Err() == nil {
		select {
		case a := <-answers:
			reports = append(reports, a)
		case <-ctx.Done():
		}
	}
	slices.SortFunc(reports, func(a, b Report) int { return strings.Compare(a.Room, b.Room) })
	return reports
}

func (c *Conference) report(now time.Time) Report {
	rep := Report{Room: c.jid, Nodes: []string{c.rooms.cfg.Node}, Participants: []ParticipantReport{}, Sources: c.sfu.Report(now)}
	for _, o := range c.muc.Occupants() {
		p := c.byJID[o.JID]
		if p == nil {
			continue
		}
		rep.Participants = append(rep.Participants, ParticipantReport{
			Endpoint: string(p.endpoint), Node: c.rooms.cfg.Node, Moderator: o.Moderator(),
			Media: p.leg != nil, Channel: p.channel != nil, Suspended: !p.suspendedAt.IsZero(),
		})
	}
	return rep
}
