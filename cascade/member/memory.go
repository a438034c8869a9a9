package member

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	memoryFile = "members"
	remembered = 64
	// longAgo is when a member is not looked for any more; the times are written anew after stale.
	longAgo = 30 * 24 * time.Hour
	stale   = time.Hour
	heading = "# members of the cluster that were seen last, written by the node: name, gossip address, when (unix seconds)\n"
)

// sighting is where a member was last.
type sighting struct {
	name identity.Name
	addr netip.AddrPort
	last time.Time
}

// memory is which members were seen last, so that a node finds its cluster again after whatever time and without seeds.
type memory struct {
	mu      sync.Mutex
	seen    map[identity.Name]sighting
	dirty   bool
	written time.Time
}

// recall reads the folder. Nothing in it is needed: what cannot be read is complained of and forgotten.
func recall(folder Folder, log *slog.Logger) *memory {
	m := &memory{seen: make(map[identity.Name]sighting)}
	if folder == nil {
		return m
	}
	contents, err := folder.Read(memoryFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m
	}
	var all []sighting
	if err == nil {
		all, err = parseMemory(contents)
	}
	if err != nil {
		log.Warn("the members that were seen last cannot be read", "file", memoryFile, "error", err)
	}
	for _, s := range all {
		m.seen[s.name] = s
	}
	return m
}

func parseMemory(contents []byte) ([]sighting, error) {
	var all []sighting
	for line := range strings.Lines(string(contents)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if len(all) == remembered {
			return all, fmt.Errorf("more than %d lines", remembered)
		}
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return all, fmt.Errorf("line %.64q: want a name, an address and a time", line)
		}
		name, err := identity.ParseName(fields[0])
		if err != nil {
			return all, err
		}
		addr, err := netip.ParseAddrPort(fields[1])
		if err != nil || !usable(addr) {
			return all, fmt.Errorf("line %.64q: no address of a node", line)
		}
		last, err := strconv.ParseUint(fields[2], 10, 40)
		if err != nil {
			return all, fmt.Errorf("line %.64q: no time", line)
		}
		all = append(all, sighting{name, addr, time.Unix(int64(last), 0)})
	}
	return all, nil
}

// note remembers who is there now.
func (m *memory) note(now time.Time, members []Member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := make(map[netip.AddrPort]identity.Name)
	for _, one := range members {
		if one.State != Alive {
			continue
		}
		at[one.Addr] = one.Name
		if !one.Self {
			m.dirty = m.dirty || m.seen[one.Name].addr != one.Addr || now.Sub(m.written) > stale
			m.seen[one.Name] = sighting{one.Name, one.Addr, now}
		}
	}
	for name, s := range m.seen {
		if holder, taken := at[s.addr]; taken && holder != name || now.Sub(s.last) > longAgo {
			delete(m.seen, name)
			m.dirty = true
		}
	}
	for _, s := range m.sorted()[min(len(m.seen), remembered):] {
		delete(m.seen, s.name)
	}
}

// sorted returns the sightings, the last first.
func (m *memory) sorted() []sighting {
	all := make([]sighting, 0, len(m.seen))
	for _, s := range m.seen {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b sighting) int {
		if c := b.last.Compare(a.last); c != 0 {
			return c
		}
		return cmp.Compare(a.name, b.name)
	})
	return all
}

// places returns where members were, the last seen first.
func (m *memory) places() []netip.AddrPort {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []netip.AddrPort
	for _, s := range m.sorted() {
		all = append(all, s.addr)
	}
	return all
}

// keep writes to the folder what changed.
func (m *memory) keep(now time.Time, folder Folder, log *slog.Logger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if folder == nil || !m.dirty {
		return
	}
	b := bytes.NewBufferString(heading)
	for _, s := range m.sorted() {
		fmt.Fprintf(b, "%s %s %d\n", s.name, s.addr, s.last.Unix())
	}
	if err := folder.Write(memoryFile, b.Bytes()); err != nil {
		log.Warn("the members that were seen last cannot be kept", "file", memoryFile, "error", err)
	}
	m.dirty, m.written = false, now
}
