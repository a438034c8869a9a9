package member

import "slices"

// report says what became of the members.
func (l *List) report(before, now []Member) {
	for _, m := range now {
		if m.Self {
			continue
		}
		args := []any{"peer", string(m.Name), "addr", m.Addr.String(), "region", m.Region}
		i, known := slices.BinarySearchFunc(before, m, byName)
		switch {
		case !known && m.State == Alive, known && before[i].State != Alive && m.State == Alive:
			l.log.Info("a member is there", args...)
		case !known, before[i].State == m.State && before[i].Addr == m.Addr:
		case m.State == Left:
			l.log.Info("a member left", args...)
		case m.State == Dead:
			l.log.Warn("a member does not answer", args...)
		default:
			l.log.Info("a member has a new address", args...)
		}
	}
}
