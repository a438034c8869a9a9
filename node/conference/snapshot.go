package conference

import (
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/node/session"
)

// Snapshot gives every participant whose client could resume it, as another node would go on with it when this one dies, to each. The
// calls come from the loops of the rooms, later: each must not block. Each owns the values, which hold keys.
func (r *Rooms) Snapshot(each func(*session.Participant)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.rooms {
		c.mail.put(func(c *Conference, _ time.Time) { c.snapshot(each) })
	}
}

// snapshot looks twice at the streams: what a stream has handed over before this letter is applied before the next, so that no stanza
// counts that is still in the mailbox.
func (c *Conference) snapshot(each func(*session.Participant)) {
	handed := make(map[*participant]uint32, len(c.byEndpoint))
	for _, p := range c.byEndpoint {
		if s, ok := p.session.Snapshot(); ok {
			handed[p] = s.Received
		}
	}
	c.mail.put(func(c *Conference, _ time.Time) { c.snapshotOf(handed, each) })
}

func (c *Conference) snapshotOf(handed map[*participant]uint32, each func(*session.Participant)) {
	for p, received := range handed {
		stream, ok := p.session.Snapshot()
		occupancy, in := c.muc.Export(p.jid)
		if !ok || !in || c.byEndpoint[p.endpoint] != p {
			continue
		}
		stream.Received = received
		value := &session.Participant{
			Room: c.jid, Endpoint: p.endpoint, Epoch: p.epoch, Stream: stream, Occupancy: occupancy, Jingle: p.focus.Export(),
		}
		if p.leg != nil && p.focus.Active() {
			if m, err := p.leg.Snapshot(); err == nil { // else it is not connected yet
				value.Media, value.Forwarding = m, p.media.Snapshot()
			}
		}
		if value.Media.Profile == 0 {
			value.Jingle.Sources = nil // what it sends ends with this node
		}
		each(value)
	}
}

// Where returns the rooms that the client with a full JID is in, or asks to be.
func (r *Rooms) Where(jid string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for c := range r.inRooms[jid] {
		all = append(all, c.jid)
	}
	return all
}

// Serving returns the other node that serves an endpoint of a conference, as its id stands in bridge channel URLs.
func (r *Rooms) Serving(conference, endpoint string) (identity.Name, bool) {
	r.mu.Lock()
	c := r.byID[conference]
	r.mu.Unlock()
	if c == nil {
		return "", false
	}
	return c.doors.leads(room.EndpointID(endpoint))
}
