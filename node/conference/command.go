package conference

import (
	"fmt"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const (
	commandPatience = 5 * time.Second
	commandTries    = 4
)

// command is a stanza that waits for the sequencer's answer.
type command struct {
	frame wire.Command
	jid   string
	st    *stanza.Element
	until time.Time
	tries int
	sent  bool
}

// command asks the sequencer to do what a stanza says.
func (c *Conference) command(now time.Time, p *participant, st *stanza.Element) {
	c.lastCommand++
	cmd := &command{
		frame: wire.Command{Room: c.jid, ID: c.lastCommand, From: p.endpoint, Stanza: st.Bytes()},
		jid:   p.jid, st: st, until: now.Add(commandPatience),
	}
	c.commands[c.lastCommand] = cmd
	cmd.sent = c.mesh.Send(c.replica.Sequencer(), cmd.frame)
}

// redirected asks another node when the one that was asked is not the sequencer.
func (c *Conference) redirected(now time.Time, f wire.Refused) {
	cmd := c.commands[f.ID]
	if cmd == nil {
		return
	}
	cmd.sent = false
	c.retry(now)
}

// retry sends the commands that did not reach a sequencer yet, and answers those that no one took.
func (c *Conference) retry(now time.Time) {
	for id, cmd := range c.commands {
		to := c.replica.Sequencer()
		switch {
		case !now.Before(cmd.until) || cmd.tries >= commandTries:
			delete(c.commands, id)
			c.applyMUC(now, c.muc.Fail(now, cmd.jid, cmd.st))
		case !cmd.sent && to == c.self:
			delete(c.commands, id)
			c.applyMUC(now, c.muc.Handle(now, cmd.jid, cmd.st))
		case !cmd.sent:
			cmd.tries++
			cmd.sent = c.mesh.Send(to, cmd.frame)
		}
	}
}

// commanded does what a stanza of another node's client says, when it is this node that decides.
func (c *Conference) commanded(now time.Time, from identity.Name, f wire.Command) error {
	if err := c.speaksFor(from, f.From); err != nil {
		return err
	}
	if to := c.replica.Sequencer(); to != c.self {
		c.mesh.Send(from, wire.Refused{Room: c.jid, ID: f.ID, Sequencer: to})
		return nil
	}
	st, err := stanza.Parse(f.Stanza, stanza.Limits{})
	if err != nil {
		return fmt.Errorf("command of %s: %w", f.From, err)
	}
	c.asking = c.remotes[f.From]
	c.applyMUC(now, c.muc.Handle(now, c.asking.occupant.JID, st))
	c.asking = nil
	return nil
}

// answered passes the answer to a command on to the client that waits for it.
func (c *Conference) answered(from identity.Name, f wire.Deliver) error {
	p := c.byEndpoint[f.To]
	if p == nil {
		return nil // it left meanwhile
	}
	st, err := stanza.Parse(f.Stanza, stanza.Limits{})
	if err != nil {
		return fmt.Errorf("answer of %s for %s: %w", from, f.To, err)
	}
	for id, cmd := range c.commands {
		if cmd.jid == p.jid && cmd.st.Attr("id") == st.Attr("id") {
			delete(c.commands, id)
			p.session.Send(f.Stanza)
			return nil
		}
	}
	return fmt.Errorf("%s answers what %s did not ask", from, f.To)
}
