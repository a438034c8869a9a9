package room

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// kickMemory is how long a kick is kept in the header.
const kickMemory = 10 * time.Minute

// Kick is what the field [FieldKick] of an endpoint says: its occupancies that joined up to a time are over.
type Kick struct {
	At     Time
	Actor  EndpointID // "" when nobody is named
	Reason string
}

// Value returns the kick as the value of its field.
func (k Kick) Value() string { return fmt.Sprintf("%d %s %s", uint64(k.At), k.Actor, k.Reason) }

// ParseKick reads the value of a field.
func ParseKick(value string) (Kick, error) {
	at, rest, ok := strings.Cut(value, " ")
	actor, reason, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 {
		return Kick{}, errors.New("kick: want a time, an endpoint and a reason")
	}
	stamp, err := strconv.ParseUint(at, 10, 64)
	if err != nil {
		return Kick{}, fmt.Errorf("kick: time: %w", err)
	}
	if actor != "" {
		if _, err := ParseEndpointID(actor); err != nil {
			return Kick{}, fmt.Errorf("kick: actor: %w", err)
		}
	}
	return Kick{Time(stamp), EndpointID(actor), reason}, nil
}

// kicked returns the kick that ended the occupancy o.
func (r *Replica) kicked(o Occupant) (Removal, bool) {
	for _, k := range r.header.registers[FieldKick+string(o.Endpoint)] {
		if kick, err := ParseKick(k.Value); err == nil && o.Joined <= kick.At {
			return Removal{o.Endpoint, Kicked, kick.Actor, kick.Reason}, true
		}
	}
	return Removal{}, false
}

// carryOutKicks looks again at who is meant by the kicks among fields that changed.
func (r *Replica) carryOutKicks(keys []string) {
	for _, key := range keys {
		id, ok := strings.CutPrefix(key, FieldKick)
		if !ok {
			continue
		}
		for _, g := range r.header.registers[key] {
			if kick, err := ParseKick(g.Value); err == nil {
				r.learn(kick.At)
				if r.forgive.IsZero() {
					r.forgive = kick.At.Clock().Add(kickMemory)
				}
			}
		}
		if r.seats[EndpointID(id)] != nil {
			r.resolve(EndpointID(id), Removal{})
		}
	}
}

// forgiveKicks writes away kicks that everybody has carried out long ago, if this node writes the header, and notes when
// the next one is due.
func (r *Replica) forgiveKicks(now time.Time) {
	r.forgive = time.Time{}
	if !r.leads() {
		return
	}
	var old []Write
	for key, registers := range r.header.registers {
		if !strings.HasPrefix(key, FieldKick) {
			continue
		}
		var last Time
		for _, g := range registers {
			if kick, err := ParseKick(g.Value); err == nil {
				last = max(last, kick.At)
			}
		}
		if due := last.Clock().Add(kickMemory); !due.After(now) {
			old = append(old, Write{Key: key})
		} else if r.forgive.IsZero() || due.Before(r.forgive) {
			r.forgive = due
		}
	}
	if old = sortedWrites(old); len(old) > 0 {
		if len(old) > maxWrites {
			old, r.forgive = old[:maxWrites], now
		}
		r.write(old)
	}
}
