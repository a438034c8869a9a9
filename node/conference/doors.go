package conference

import (
	"crypto/subtle"
	"sync"

	"github.com/atoll-mesh/atoll/cascade/room"
)

// doors are the bridge channel passwords of those who may open a channel now. They are read from the goroutines of the
// HTTP server and written by the loop.
type doors struct {
	mu  sync.Mutex
	pwd map[room.EndpointID]string
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
