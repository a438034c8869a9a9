package conference

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

const (
	commandPatience = 5 * time.Second
	commandTries    = 8
	commandAgain    = 200 * time.Millisecond // after a refusal by who should know better soon
	commandsEach    = 32                     // that may wait, of one client
)

// command is a stanza that waits for the sequencer's answer.
type command struct {
	frame wire.Command
	jid   string
	st    *stanza.Element
	until time.Time
	tries int
	asked []identity.Name // whose answer counts, the last one last
	view  identity.Name   // who was the sequencer then, as it was seen here
	sent  bool            // it is with the last one
	again time.Time       // not before, when it is not
}

// command asks the sequencer to do what a stanza says.
func (c *Conference) command(now time.Time, p *participant, st *stanza.Element) {
	waiting := 0
	for _, cmd := range c.commands {
		if cmd.jid == p.jid {
			waiting++
		}
	}
	if waiting >= commandsEach {
		c.applyMUC(now, c.muc.Fail(now, p.jid, st))
		return
	}
	c.lastCommand++
	cmd := &command{
		frame: wire.Command{Room: c.jid, ID: c.lastCommand, From: p.endpoint, Stanza: st.Bytes()},
		jid:   p.jid, st: st, until: now.Add(commandPatience),
	}
	c.commands[c.lastCommand] = cmd
	c.ask(cmd, c.replica.Sequencer())
}

// ask sends a command to a node.
func (c *Conference) ask(cmd *command, to identity.Name) {
	cmd.view = c.replica.Sequencer()
	if cmd.sent = c.mesh.Send(to, cmd.frame); cmd.sent {
		cmd.tries++
		cmd.asked = append(cmd.asked, to)
	}
}

// last returns who has the command, "" when nobody does.
func (cmd *command) last() identity.Name {
	if !cmd.sent {
		return ""
	}
	return cmd.asked[len(cmd.asked)-1]
}

// redirected asks another node when the one that was asked is not the sequencer.
func (c *Conference) redirected(now time.Time, from identity.Name, f wire.Refused) {
	cmd := c.commands[f.ID]
	if cmd == nil || cmd.last() != from {
		return
	}
	cmd.sent, cmd.again = false, now.Add(commandAgain)
	if f.Sequencer != from && slices.Contains(c.others, f.Sequencer) && cmd.tries < commandTries {
		c.ask(cmd, f.Sequencer)
	}
}

// retry sends the commands that did not reach a sequencer yet, or one that is no longer, and answers those that no one took.
func (c *Conference) retry(now time.Time) {
	to := c.replica.Sequencer()
	for _, id := range slices.Sorted(maps.Keys(c.commands)) {
		cmd := c.commands[id]
		if cmd == nil {
			continue
		}
		switch {
		case !now.Before(cmd.until) || !cmd.sent && cmd.tries >= commandTries:
			delete(c.commands, id)
			c.applyMUC(now, c.muc.Fail(now, cmd.jid, cmd.st))
		case cmd.sent && (cmd.view == to || cmd.last() == to), now.Before(cmd.again):
		case to == c.self:
			delete(c.commands, id)
			c.applyMUC(now, c.muc.Handle(now, cmd.jid, cmd.st))
		default:
			c.ask(cmd, to)
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
	asking := c.remotes[f.From]
	if o, ok := c.muc.Occupant(string(f.From)); !ok || o.Local || o.JID != asking.occupant.JID {
		return nil // it is not shown here: its JID may be that of somebody else
	}
	c.asking = asking
	c.applyMUC(now, c.muc.Handle(now, asking.occupant.JID, st))
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
	for _, id := range slices.Sorted(maps.Keys(c.commands)) {
		if cmd := c.commands[id]; cmd.jid == p.jid && slices.Contains(cmd.asked, from) && cmd.fits(st) {
			delete(c.commands, id)
			p.session.Send(f.Stanza)
			return nil
		}
	}
	if !slices.Contains(c.others, from) {
		return fmt.Errorf("%s answers what %s did not ask", from, f.To)
	}
	return nil // another one has answered meanwhile
}

// fits reports whether a stanza is an answer to the command, as the room gives it.
func (cmd *command) fits(st *stanza.Element) bool {
	kind := st.Attr("type")
	return st.Local == cmd.st.Local && st.Attr("id") == cmd.st.Attr("id") && (kind == "error" || kind == "result" && st.Local == "iq") &&
		st.Attr("from") == cmd.st.Attr("to") && st.Attr("to") == cmd.jid
}

// forgetCommands drops what waits for an answer to a client that is gone.
func (c *Conference) forgetCommands(jid string) {
	maps.DeleteFunc(c.commands, func(_ uint64, cmd *command) bool { return cmd.jid == jid })
}
