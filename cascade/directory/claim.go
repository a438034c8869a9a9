package directory

import (
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
)

// claimTime is how long a join waits for the directory.
const claimTime = 250 * time.Millisecond

// claim is a question that is not answered yet.
type claim struct {
	client *Client
	room   string
	id     uint64
	asked  map[identity.Name]bool // true: said no
	end    deadline
}

// Claim asks who holds a room. It ends with [Claimed], at the latest by a Tick 250 ms later. While one for the room is
// under way it does nothing.
func (c *Client) Claim(now time.Time, room string) []Effect {
	if c.claims[room] != nil {
		return nil
	}
	if len(c.live) == 1 {
		return []Effect{Claimed{Room: room}}
	}
	// An answer to a claim of a former life of this node must not count.
	c.lastID = max(c.lastID+1, uint64(max(now.UnixMicro(), 0)))
	cl := &claim{client: c, room: room, id: c.lastID, asked: map[identity.Name]bool{}}
	cl.end = deadline{key: "claim " + room, due: func(time.Time) []Effect { return cl.finish(Claimed{Room: room}) }}
	c.claims[room] = cl
	c.agenda.set(&cl.end, now.Add(claimTime))
	return cl.ask()
}

// ask asks the servers that were not asked yet, and ends the claim when all have said no.
func (cl *claim) ask() (out []Effect) {
	waiting := false
	for _, n := range Servers(cl.room, cl.client.live) {
		no, asked := cl.asked[n]
		if !asked {
			cl.asked[n] = false
			out = append(out, Send{n, wire.Claim{Room: cl.room, ID: cl.id}})
		}
		waiting = waiting || !no
	}
	if !waiting {
		return cl.finish(Claimed{Room: cl.room})
	}
	return out
}

func (cl *claim) again(peer identity.Name) []Effect {
	if no, asked := cl.asked[peer]; asked && !no {
		return []Effect{Send{peer, wire.Claim{Room: cl.room, ID: cl.id}}}
	}
	return nil
}

func (cl *claim) answer(from identity.Name, f wire.ClaimAnswer) ([]Effect, error) {
	if _, asked := cl.asked[from]; !asked {
		return nil, fmt.Errorf("answer of %s, which was not asked", from)
	}
	if f.Known {
		return cl.finish(Claimed{Room: cl.room, Known: true, Holders: cl.client.others(f.Holders), Header: f.Header}), nil
	}
	cl.asked[from] = true
	return cl.ask(), nil
}

func (cl *claim) finish(with Claimed) []Effect {
	cl.client.agenda.remove(&cl.end)
	delete(cl.client.claims, cl.room)
	return []Effect{with}
}
