package conference

import (
	"context"
	"time"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// Again ends the media of a participant that its leg does not reach any more, and invites it anew. With another leg it does nothing.
func (r *Rooms) Again(ctx context.Context, jid string, endpoint room.EndpointID, leg Leg) error {
	return r.ask(ctx, jid, func(c *Conference, now time.Time) error {
		if p := c.byEndpoint[endpoint]; p != nil && p.leg == leg {
			c.endMedia(now, p, "connectivity-error")
			c.headcount(now)
		}
		return nil
	})
}
