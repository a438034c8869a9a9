package conference

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/node/mesh"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// hearsay is a mesh that knows of every room, but nobody who is there.
type hearsay struct{ alone }

func (*hearsay) Enter(_ string, r mesh.Room) {
	r.Reachable([]identity.Name{"gone"})
	r.Holders([]identity.Name{"gone"})
	r.Claimed(true, nil)
	r.Holders(nil)
}

// TestRoomWithoutHeaderGetsOne: of a room that is said to be known somebody decides, also when nobody tells what it is.
func TestRoomWithoutHeaderGetsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "node", &hearsay{})
		a := r.client()
		a.join()
		wait(20 * time.Second)
		a.lock("secret")
		if a.answers("lock") != 1 || a.count(isError) != 0 {
			t.Errorf("%d answers, %d errors", a.answers("lock"), a.count(isError))
		}
		if err := r.rooms.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func isError(st *stanza.Element) bool { return st.Attr("type") == "error" }
