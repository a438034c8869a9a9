package mesh

import (
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/route"
)

// View is what a node knows of the cluster around it.
type View struct {
	Regions   map[identity.Name]string
	Reachable []identity.Name
	Links     []route.Edge // the own ones first, then what others said
}

// View returns what is known now.
func (m *Mesh) View() View {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := View{Regions: make(map[identity.Name]string, len(m.members)), Reachable: slices.Clone(m.reach), Links: m.table.Links(time.Now())}
	for name, one := range m.members {
		v.Regions[name] = one.Region
	}
	return v
}
