package allocate

import "github.com/atoll-mesh/atoll/cascade/room"

type slot struct {
	source room.SourceName // empty: free
	used   uint64
}

// Slots are the places of one receiver for one kind of media. The zero value has none.
type Slots struct {
	slots []slot
	index map[room.SourceName]int
	round uint64
}

// Len returns how many slots there are.
func (s *Slots) Len() int { return len(s.slots) }

// Source returns the source in slot i, empty when it is free.
func (s *Slots) Source(i int) room.SourceName { return s.slots[i].source }

// Index returns the slot of a source, and whether it has one.
func (s *Slots) Index(source room.SourceName) (int, bool) {
	i, ok := s.index[source]
	return i, ok
}

// Add appends a slot that holds source, which may be empty: one that the receiver knows from before.
func (s *Slots) Add(source room.SourceName) {
	s.slots = append(s.slots, slot{source: source})
	if source != "" {
		s.put(len(s.slots)-1, source)
	}
}

// Assign gives each wanted source a slot and appends to changed the slots that hold another source than before. There
// are never more than limit slots, unless there were; sources for which there is no slot get none.
func (s *Slots) Assign(wanted []room.SourceName, limit int, changed []int) []int {
	s.round++
	missing := 0
	for _, name := range wanted {
		if i, ok := s.index[name]; ok {
			s.slots[i].used = s.round
		} else {
			missing++
		}
	}
	if missing == 0 {
		return changed
	}
	for _, name := range wanted {
		if _, ok := s.index[name]; ok {
			continue
		}
		i := s.place(limit)
		if i < 0 {
			break
		}
		if old := s.slots[i].source; old != "" {
			delete(s.index, old)
		}
		s.put(i, name)
		changed = append(changed, i)
	}
	return changed
}

func (s *Slots) put(i int, source room.SourceName) {
	if s.index == nil {
		s.index = map[room.SourceName]int{}
	}
	s.slots[i] = slot{source: source, used: s.round}
	s.index[source] = i
}

// place returns a slot to use: free, new, or unwanted the longest. -1: there is none.
func (s *Slots) place(limit int) int {
	oldest := -1
	for i := range s.slots {
		if s.slots[i].source == "" {
			return i
		}
		if s.slots[i].used < s.round && (oldest < 0 || s.slots[i].used < s.slots[oldest].used) {
			oldest = i
		}
	}
	if len(s.slots) < limit {
		s.slots = append(s.slots, slot{})
		return len(s.slots) - 1
	}
	return oldest
}

// Free empties the slot of a source that is gone, and returns it. -1: it had none.
func (s *Slots) Free(source room.SourceName) int {
	i, ok := s.index[source]
	if !ok {
		return -1
	}
	delete(s.index, source)
	s.slots[i] = slot{}
	return i
}
