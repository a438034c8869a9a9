package conference

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/route"
	"github.com/atoll-mesh/atoll/node/sfu"
)

// Report is what the admin API tells of a room.
type Report struct {
	Room         string
	Nodes        []string // that hold it, this one first
	Sequencer    string
	Participants []ParticipantReport
	Sources      []SourceReport
}

// SourceReport is what the admin API tells of a source.
type SourceReport struct {
	sfu.SourceReport
	Node string   // where it begins
	Path []string // it comes by, the node where it begins first; none for a source of this node, or one that is not pulled
	Want int      // the height that is pulled or sent
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
	rep := Report{
		Room: c.jid, Nodes: []string{string(c.self)}, Sequencer: string(c.replica.Sequencer()),
		Participants: []ParticipantReport{}, Sources: []SourceReport{},
	}
	for _, n := range c.others {
		rep.Nodes = append(rep.Nodes, string(n))
	}
	for _, o := range c.muc.Occupants() {
		one := ParticipantReport{Endpoint: o.Nick, Node: string(c.self), Moderator: o.Moderator()}
		if p := c.byJID[o.JID]; p != nil {
			one.Media, one.Channel, one.Suspended = p.leg != nil, p.channel != nil, !p.suspendedAt.IsZero()
		} else if r := c.remotes[room.EndpointID(o.Nick)]; r != nil {
			one.Node = string(r.node)
		}
		rep.Participants = append(rep.Participants, one)
	}
	ways := make(map[room.SourceName]route.Upstream)
	for _, u := range c.pulls.Upstreams() {
		ways[u.Source] = u
	}
	for _, s := range c.sfu.Report(now) {
		one := SourceReport{SourceReport: s}
		if node, ok := c.origin(s.Name); ok {
			one.Node = string(node)
		}
		if u, ok := ways[s.Name]; ok {
			one.Want = u.Height
			for _, n := range u.Path {
				one.Path = append(one.Path, string(n))
			}
		}
		rep.Sources = append(rep.Sources, one)
	}
	return rep
}
