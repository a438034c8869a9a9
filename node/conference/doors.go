package conference

import (
	"crypto/subtle"
	"sync"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/room"
)

// doors are the bridge channel passwords of those who may open a channel now, and the nodes of those who do elsewhere. They are read
// from the goroutines of the HTTP server and of links, and written by the loop.
type doors struct {
	mu   sync.Mutex
	pwd  map[room.EndpointID]string
	away map[room.EndpointID]identity.Name
}

// lead says that an endpoint is served by another node, "" that it is not any more.
func (d *doors) lead(id room.EndpointID, to identity.Name) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if to == "" {
		delete(d.away, id)
		return
	}
	if d.away == nil {
		d.away = make(map[room.EndpointID]identity.Name)
	}
	d.away[id] = to
}

func (d *doors) leads(id room.EndpointID) (identity.Name, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	to, ok := d.away[id]
	return to, ok
}

func (d *doors) open(id room.EndpointID, pwd string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pwd == nil {
		d.pwd = make(map[room.EndpointID]string)
	}
	d.pwd[id] = pwd
}

func (d *doors) close(id room.EndpointID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pwd, id)
}

func (d *doors) admits(id room.EndpointID, pwd string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	want, ok := d.pwd[id]
	return ok && subtle.ConstantTimeCompare([]byte(want), []byte(pwd)) == 1
}
