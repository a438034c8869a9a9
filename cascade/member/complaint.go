package member

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// complaint is a kind of trouble.
type complaint uint8

const (
	otherSecret complaint = iota
	notGossip
	refusedMember
	copiedKey
	otherClock
	deafSeed
	deafMember
	noUDP
	overload
	badQuestion
	otherDomain
	complaintKinds
)

var wording = [complaintKinds]struct {
	level slog.Level
	text  string
}{
	otherSecret:   {slog.LevelWarn, "a node speaks with another secret; it is no member"},
	notGossip:     {slog.LevelDebug, "something that is not gossip came to the gossip port"},
	refusedMember: {slog.LevelWarn, "a member is refused for what it says of itself"},
	copiedKey:     {slog.LevelError, "another node runs with a copy of this node's key; give each its own data folder"},
	otherClock:    {slog.LevelWarn, "the clock of a member differs from this node's"},
	deafSeed:      {slog.LevelWarn, "a node to join does not answer"},
	deafMember:    {slog.LevelDebug, "a member that was there before does not answer"},
	noUDP:         {slog.LevelWarn, "a member is reached by TCP but not by UDP; does a firewall drop UDP on the gossip port?"},
	badQuestion:   {slog.LevelDebug, "a question on the gossip port was not answered"},
	otherDomain:   {slog.LevelError, "a member serves another domain; they must all have the same --domain"},
	overload:      {slog.LevelWarn, "gossip comes faster than it can be read"},
}

// complaints says each kind of trouble at most once a minute, with the number of those that were not said.
type complaints struct {
	log *slog.Logger

	mu     sync.Mutex
	last   [complaintKinds]time.Time
	unsaid [complaintKinds]int
}

func newComplaints(log *slog.Logger) *complaints { return &complaints{log: log} }

func (c *complaints) say(kind complaint, args ...any) {
	now := time.Now()
	c.mu.Lock()
	if last := c.last[kind]; !last.IsZero() && now.Sub(last) < time.Minute {
		c.unsaid[kind]++
		c.mu.Unlock()
		return
	}
	unsaid := c.unsaid[kind]
	c.last[kind], c.unsaid[kind] = now, 0
	c.mu.Unlock()
	if unsaid > 0 {
		args = append(args, "unsaid", unsaid)
	}
	//nolint:sloglint // the texts are constants of the table above
	c.log.Log(context.Background(), wording[kind].level, wording[kind].text, args...)
}
