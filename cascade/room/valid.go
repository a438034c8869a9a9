package room

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// Bounds, in items and bytes. They are within those of the frames between nodes.
const (
	maxPeers     = 256
	maxOccupants = 16384 // of one shard
	maxShard     = 64 << 20
	maxPart      = 240 << 10 // of a message in parts, unless it has only one item
	maxItems     = 4096      // of a part
	maxParts     = 1024
	maxSeq       = 1 << 48
	maxEpoch     = 1 << 40

	maxJID       = 3071
	maxPresence  = 128 << 10
	maxSources   = 128
	maxEncodings = 16
	maxMSID      = 512
	maxReason    = 1024
	maxInner     = 256 << 10
	maxLabel     = 1024

	maxRegisters = 4096 // that writes lead to; what grew apart may have twice as many when it is joined
	maxHeader    = 384 << 10
	maxWrites    = 256
	maxField     = 4096
	maxFieldKey  = 3200
)

func (o Occupant) size() int {
	n := 64 + len(o.JID) + len(o.Presence) + 32*len(o.Admitted)
	for _, s := range o.Sources {
		n += 32 + len(s.MSID) + 12*len(s.Encodings)
	}
	return n
}

func (op Op) size() int {
	switch {
	case op.Put != nil:
		return op.Put.size()
	case op.Remove != nil:
		return 32 + len(op.Remove.Reason)
	case op.Say != nil:
		return 32 + len(op.Say.ID) + len(op.Say.Lang) + len(op.Say.Inner)
	}
	return 0
}

func tooLate(t Time, limit time.Time) bool { return t.Clock().After(limit) }

// check returns why a message is refused.
func (r *Replica) check(now time.Time, from identity.Name, m Message) error {
	limit := now.Add(Drift)
	switch m := m.(type) {
	case Digest:
		if m.Yours != (ShardVersion{}) && m.Yours.Incarnation > uint64(At(limit)) && r.own.version.Before(m.Yours) {
			return fmt.Errorf("digest: a version of this node ahead of time, %d", m.Yours.Incarnation)
		}
		return errors.Join(m.Mine.check(now), m.Header.check(limit))
	case Ops:
		if m.First == 0 || m.First > maxSeq || len(m.Ops) == 0 || len(m.Ops) > maxItems {
			return fmt.Errorf("ops: %d from %d on", len(m.Ops), m.First)
		}
		if err := (ShardVersion{m.Incarnation, m.First + uint64(len(m.Ops))}).check(now); err != nil {
			return fmt.Errorf("ops: %w", err)
		}
		for _, op := range m.Ops {
			if err := op.check(limit); err != nil {
				return fmt.Errorf("ops: %w", err)
			}
		}
		return r.roomFor(from, m.Ops)
	case Snapshot:
		return m.check(now)
	case Commit:
		if m.Dot.Term.Node != from {
			return fmt.Errorf("commit: in a term of %s", m.Dot.Term.Node)
		}
		if err := m.check(limit); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		if m.Seen.last().Compare(m.Dot.Term) > 0 && r.config.flaw != dropFencing {
			return errors.New("commit: it has seen a later term than its own")
		}
		return nil
	case State:
		return m.check(now)
	case End:
		return m.Version.check(now)
	}
	return fmt.Errorf("a %T", m)
}

// roomFor returns an error when operations would let a shard grow beyond its bounds.
func (r *Replica) roomFor(from identity.Name, ops []Op) error {
	p := r.peers[from]
	if p == nil {
		return nil
	}
	puts, bytes := 0, 0
	for _, op := range ops {
		if op.Put != nil {
			puts, bytes = puts+1, bytes+op.size()
		}
	}
	if puts > 0 && (len(p.shard.occupants)+puts > 2*maxOccupants || p.shard.bytes+bytes > 2*maxShard) {
		return fmt.Errorf("ops: more than %d occupants at one node", maxOccupants)
	}
	return nil
}

func (v ShardVersion) check(now time.Time) error {
	if v.Incarnation > uint64(At(now.Add(2*Drift))) || v.Seq > maxSeq {
		return fmt.Errorf("version %d, %d is out of range", v.Incarnation, v.Seq)
	}
	return nil
}

func (c Context) check(limit time.Time) error {
	if len(c) > maxTerms {
		return fmt.Errorf("context of %d terms", len(c))
	}
	whole := 0
	for t, n := range c {
		switch {
		case t.Node == "" || tooLate(t.Since, limit):
			return fmt.Errorf("term of %q at %v", t.Node, t.Since)
		case n == Whole:
			whole++
		case n == 0 || n > maxSeq:
			return fmt.Errorf("term of %q with %d commits", t.Node, n)
		}
	}
	if whole > 1 {
		return fmt.Errorf("context with %d whole terms", whole)
	}
	return nil
}

func (op Op) check(limit time.Time) error {
	set := 0
	var err error
	if op.Put != nil {
		set, err = set+1, op.Put.check(limit)
	}
	if op.Remove != nil {
		set, err = set+1, op.Remove.check()
	}
	if op.Say != nil {
		set, err = set+1, op.Say.check()
	}
	if set != 1 {
		return fmt.Errorf("an operation that says %d things", set)
	}
	return err
}

func (o Occupant) check(limit time.Time) error {
	if _, err := ParseEndpointID(string(o.Endpoint)); err != nil {
		return err
	}
	switch {
	case len(o.JID) > maxJID:
		return fmt.Errorf("occupant %s: JID of %d bytes", o.Endpoint, len(o.JID))
	case o.Joined == 0 || tooLate(o.Joined, limit):
		return fmt.Errorf("occupant %s: joined at %v", o.Endpoint, o.Joined)
	case o.Epoch == 0 || o.Epoch > maxEpoch:
		return fmt.Errorf("occupant %s: epoch %d", o.Endpoint, o.Epoch)
	case len(o.Presence) > maxPresence:
		return fmt.Errorf("occupant %s: presence of %d bytes", o.Endpoint, len(o.Presence))
	case len(o.Sources) > maxSources:
		return fmt.Errorf("occupant %s: %d sources", o.Endpoint, len(o.Sources))
	}
	if err := o.Admitted.check(limit); err != nil {
		return fmt.Errorf("occupant %s: %w", o.Endpoint, err)
	}
	seen := make(map[SourceName]bool, len(o.Sources))
	for _, s := range o.Sources {
		if err := s.check(o.Endpoint); err != nil {
			return fmt.Errorf("occupant %s: %w", o.Endpoint, err)
		}
		if seen[s.Name] {
			return fmt.Errorf("occupant %s: source %s twice", o.Endpoint, s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

func (s Source) check(owner EndpointID) error {
	if _, err := ParseSourceName(string(s.Name)); err != nil {
		return err
	}
	switch {
	case s.Name.Endpoint() != owner:
		return fmt.Errorf("source %s of another endpoint", s.Name)
	case s.VideoType != "" && s.VideoType != Camera && s.VideoType != Desktop:
		return fmt.Errorf("source %s: video type %.16q", s.Name, s.VideoType)
	case len(s.MSID) > maxMSID || len(s.Encodings) > maxEncodings:
		return fmt.Errorf("source %s: msid of %d bytes, %d encodings", s.Name, len(s.MSID), len(s.Encodings))
	}
	return nil
}

// trimmed leaves out what others would refuse.
func (o Occupant) trimmed() Occupant {
	o.Epoch = min(o.Epoch, maxEpoch)
	if len(o.JID) > maxJID {
		o.JID = cut(o.JID, maxJID)
	}
	if len(o.Presence) > maxPresence {
		o.Presence = nil
	}
	seen := make(map[SourceName]bool, len(o.Sources))
	var sources []Source
	for _, s := range o.Sources {
		if s.check(o.Endpoint) == nil && !seen[s.Name] && len(sources) < maxSources {
			seen[s.Name] = true
			sources = append(sources, s)
		}
	}
	o.Sources = sources
	return o
}

func (w Removal) check() error {
	if _, err := ParseEndpointID(string(w.Endpoint)); err != nil {
		return err
	}
	if w.Cause < ByItself || w.Cause > Moved || len(w.Reason) > maxReason {
		return fmt.Errorf("removal of %s: cause %d, reason of %d bytes", w.Endpoint, w.Cause, len(w.Reason))
	}
	if w.Actor != "" {
		if _, err := ParseEndpointID(string(w.Actor)); err != nil {
			return fmt.Errorf("removal of %s: actor: %w", w.Endpoint, err)
		}
	}
	return nil
}

func (w Removal) trimmed() Removal {
	if w.Cause < ByItself || w.Cause > Moved {
		w.Cause = Gone
	}
	if _, err := ParseEndpointID(string(w.Actor)); err != nil {
		w.Actor = ""
	}
	w.Reason = cut(w.Reason, maxReason)
	return w
}

// cut shortens text, not within a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (u Utterance) check() error {
	if _, err := ParseEndpointID(string(u.From)); err != nil {
		return err
	}
	if len(u.ID) > maxLabel || len(u.Lang) > maxLabel || len(u.Inner) > maxInner {
		return fmt.Errorf("message of %s: %d bytes", u.From, len(u.ID)+len(u.Lang)+len(u.Inner))
	}
	return nil
}

func (m Snapshot) check(now time.Time) error {
	if m.Version.Incarnation == 0 || m.Parts == 0 || m.Parts > maxParts || m.Part >= m.Parts || len(m.Occupants) > maxItems {
		return fmt.Errorf("snapshot: part %d of %d, %d occupants", m.Part, m.Parts, len(m.Occupants))
	}
	if err := m.Version.check(now); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	for _, o := range m.Occupants {
		if err := o.check(now.Add(Drift)); err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
	}
	return nil
}

func (w Write) check(limit time.Time) error {
	if w.Key == "" || len(w.Key) > maxFieldKey || len(w.Value) > maxField {
		return fmt.Errorf("field of %d bytes, value of %d", len(w.Key), len(w.Value))
	}
	id, kick := strings.CutPrefix(w.Key, FieldKick)
	if !kick {
		return nil
	}
	if _, err := ParseEndpointID(id); err != nil {
		return fmt.Errorf("field %.24q: %w", w.Key, err)
	}
	if w.Value == "" {
		return nil
	}
	k, err := ParseKick(w.Value)
	if err == nil && tooLate(k.At, limit) {
		err = fmt.Errorf("at %v", k.At)
	}
	if err != nil {
		return fmt.Errorf("field %q: %w", w.Key, err)
	}
	return nil
}

func (v Vector) check() error {
	if len(v) > maxPeers+1 {
		return fmt.Errorf("versions of %d nodes", len(v))
	}
	return nil
}

func (m Commit) check(limit time.Time) error {
	if m.Dot.Seq == 0 || m.Dot.Seq > maxSeq || m.Dot.Term.Node == "" || tooLate(m.Dot.Term.Since, limit) {
		return fmt.Errorf("dot %d in the term of %q at %v", m.Dot.Seq, m.Dot.Term.Node, m.Dot.Term.Since)
	}
	if len(m.Writes) == 0 || len(m.Writes) > maxWrites || twice(m.Writes) {
		return fmt.Errorf("%d writes", len(m.Writes))
	}
	for _, w := range m.Writes {
		if err := w.check(limit); err != nil {
			return err
		}
	}
	if m.Seen.Has(m.Dot) {
		return errors.New("it has seen itself")
	}
	return errors.Join(m.Shards.check(), m.Seen.check(limit))
}

func (m State) check(now time.Time) error {
	limit := now.Add(Drift)
	if m.Parts == 0 || m.Parts > maxParts || m.Part >= m.Parts || len(m.Registers) > 2*maxRegisters {
		return fmt.Errorf("state: part %d of %d, %d registers", m.Part, m.Parts, len(m.Registers))
	}
	if err := m.Context.check(limit); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	for _, g := range m.Registers {
		if err := (Write{g.Key, g.Value}).check(limit); err != nil {
			return fmt.Errorf("state: %w", err)
		}
		if !m.Context.Has(g.Dot) {
			return fmt.Errorf("state: field %.64q from a commit that it does not contain", g.Key)
		}
		if err := g.Shards.check(); err != nil {
			return fmt.Errorf("state: %w", err)
		}
	}
	return nil
}
