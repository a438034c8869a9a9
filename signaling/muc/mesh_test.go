package muc

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// mesh is a room on several nodes, each of which is a Room: what they tell each other waits in one queue per pair of nodes,
// in order. A node whose last client left forgets its Room; the next one learns everything from those that are left.
type mesh struct {
	failer
	now       time.Time
	limits    Limits
	nodes     []*meshNode
	links     map[[2]int][]func()
	authority int
	seq       int
	header    map[string]entry // all that was written, also by a node that no longer holds the room
	clients   map[string]*client
	effects   []Effect // of the last call, of whatever node
}

type meshNode struct {
	*mesh
	id     int
	room   *Room
	holds  bool
	clock  room.Time
	fields map[string]entry
	epochs map[string]int // the highest seen of each nick: what is said of an older occupancy is late
}

// entry is the value of a field of the header and the number of its last write.
type entry struct {
	value string
	seq   int
}

// client is a person: what it was told so far.
type client struct {
	jid     string
	node    int // where it is in the room, -1: nowhere
	epoch   int // counts where it was
	view    map[string]string
	heard   map[string]int
	subject string
	locks   int // times it was told that the settings changed
	inbox   []string
}

func newMesh(t failer, nodes int, limits Limits) *mesh {
	m := &mesh{
		failer: t, now: time.Unix(1_700_000_000, 0), limits: limits,
		links: map[[2]int][]func(){}, clients: map[string]*client{}, authority: -1,
	}
	for i := range nodes {
		n := &meshNode{mesh: m, id: i}
		n.forget()
		m.nodes = append(m.nodes, n)
	}
	return m
}

func (n *meshNode) forget() {
	n.holds, n.fields, n.epochs = false, map[string]entry{}, map[string]int{}
	n.room = New(Config{JID: roomJID, Focus: focusJID, MeetingID: "meeting-1", Limits: n.limits, Stamp: n.stamp})
	n.room.SetAuthority(false)
	n.room.SetFounded(false)
	for _, other := range n.nodes {
		delete(n.links, [2]int{other.id, n.id})
	}
}

// stamp is a hybrid logical clock. The clocks of the nodes are a second apart.
func (n *meshNode) stamp(now time.Time) room.Time {
	n.clock = max(room.At(now.Add(-time.Duration(n.id)*time.Second)), n.clock+1)
	return n.clock
}

func (n *meshNode) others() (all []*meshNode) {
	for _, o := range n.nodes {
		if o != n && o.holds {
			all = append(all, o)
		}
	}
	return all
}

// tell puts a letter into the queue from n to o.
func (n *meshNode) tell(o *meshNode, letter func()) {
	link := [2]int{n.id, o.id}
	clock := n.clock
	n.links[link] = append(n.links[link], func() {
		o.clock = max(o.clock, clock)
		letter()
	})
}

func (n *meshNode) tellAll(letter func(o *meshNode)) {
	for _, o := range n.others() {
		n.tell(o, func() { letter(o) })
	}
}

// hold makes the room stand on n, as a claim does: n has the header before the first join is decided.
func (n *meshNode) hold() {
	if n.holds {
		return
	}
	n.forget()
	n.holds = true
	if m := n.mesh; m.authority < 0 {
		m.authority, m.header = n.id, map[string]entry{}
		n.room.SetAuthority(true)
		n.room.SetFounded(true)
		return
	}
	n.fields = maps.Clone(n.header)
	n.clock = max(n.clock, n.nodes[n.authority].clock)
	n.apply(n.room.SetHeader(n.now, n.values()))
	for _, o := range n.others() {
		for _, p := range o.room.Occupants() {
			if p.Local {
				epoch := n.clients[p.JID].epoch
				o.tell(n, func() { n.appear(p, epoch) })
			}
		}
	}
}

func (n *meshNode) values() map[string]string {
	values := map[string]string{}
	for key, f := range n.fields {
		if f.value != "" {
			values[key] = f.value
		}
	}
	return values
}

func (n *meshNode) write(fields map[string]entry) {
	for key, f := range fields {
		if n.fields[key].seq < f.seq {
			n.fields[key] = f
		}
	}
}

// unwrite forgets the fields of a room that was destroyed.
func (n *meshNode) unwrite(before int) {
	maps.DeleteFunc(n.fields, func(_ string, f entry) bool { return f.seq <= before })
}

func (n *meshNode) appear(p Occupant, epoch int) {
	if epoch < n.epochs[p.Nick] {
		return
	}
	n.epochs[p.Nick] = epoch
	n.clock = max(n.clock, p.Joined)
	n.apply(n.room.Appear(n.now, Remote{Nick: p.Nick, JID: p.JID, Joined: p.Joined, Presence: p.Presence}))
}

// apply carries effects out.
func (n *meshNode) apply(effects []Effect) {
	n.mesh.effects = effects
	for i, e := range effects {
		switch e := e.(type) {
		case Deliver:
			n.deliver(e)
		case Joined:
			epoch := n.clients[e.Occupant.JID].epoch
			n.tellAll(func(o *meshNode) { o.appear(e.Occupant, epoch) })
		case Updated:
			epoch := n.clients[e.Occupant.JID].epoch
			n.tellAll(func(o *meshNode) { o.appear(e.Occupant, epoch) })
		case Left:
			if !e.Occupant.Local {
				n.Fatalf("%s left, of another node", e.Occupant.Nick)
			}
			if e.Cause != Moved {
				gone := room.Removal{
					Endpoint: room.EndpointID(e.Occupant.Nick), Cause: room.Cause(e.Cause),
					Actor: room.EndpointID(e.Actor), Reason: e.Reason,
				}
				epoch := n.clients[e.Occupant.JID].epoch
				n.tellAll(func(o *meshNode) {
					if epoch >= o.epochs[e.Occupant.Nick] {
						o.apply(o.room.Vanish(o.now, gone))
					}
				})
			}
		case Said:
			n.tellAll(func(o *meshNode) { o.apply(o.room.Hear(o.now, e.Utterance)) })
		case Away:
			c := n.clients[e.To.JID]
			if c == nil || c.node < 0 {
				continue
			}
			o := n.nodes[c.node]
			n.tell(o, func() {
				o.apply(o.room.Directed(o.now, Directed{
					From: room.EndpointID(e.From.Nick), To: room.EndpointID(e.To.Nick),
					Name: e.Name, Type: e.Type, ID: e.ID, Lang: e.Lang, Inner: e.Inner,
				}))
			})
		case Write:
			if i != 0 {
				n.Fatalf("effect %d is a write", i)
			}
			if n.id != n.authority {
				n.Fatalf("node %d writes and node %d has the authority", n.id, n.authority)
			}
			n.wrote(e)
		case Command:
			n.command(e)
		case Destroy:
			clear(n.header)
			before := n.seq
			n.unwrite(before)
			n.tellAll(func(o *meshNode) {
				o.clock = max(o.clock, e.At)
				o.unwrite(before)
				o.apply(o.room.Destroyed(o.now, e.At, e.Reason))
				o.apply(o.room.SetHeader(o.now, o.values()))
			})
		case Empty:
			n.forget()
			if n.authority == n.id {
				n.mesh.authority = -1
				if others := n.others(); len(others) > 0 {
					n.mesh.authority = others[0].id
					others[0].room.SetAuthority(true)
				}
			}
		}
	}
}

func (n *meshNode) wrote(w Write) {
	fields := map[string]entry{}
	for _, f := range w.Fields {
		if _, twice := fields[f.Key]; twice {
			n.Fatalf("%s is written twice", f.Key)
		}
		n.mesh.seq++
		fields[f.Key] = entry{f.Value, n.mesh.seq}
	}
	n.write(fields)
	maps.Copy(n.header, fields)
	if echo := n.room.SetHeader(n.now, n.values()); len(echo) > 0 {
		n.Fatalf("the room finds something new in its own writes %v: %+v", w.Fields, echo)
	}
	n.tellAll(func(o *meshNode) {
		o.write(fields)
		o.apply(o.room.SetHeader(o.now, o.values()))
	})
}

// command asks the authority, on behalf of a client.
func (n *meshNode) command(c Command) {
	if n.authority == n.id {
		n.Fatalf("node %d has the authority and asks", n.id)
	}
	if n.authority < 0 {
		n.apply(n.room.Fail(n.now, c.From.JID, c.Stanza))
		return
	}
	o := n.nodes[n.authority]
	text := c.Stanza.Bytes()
	n.tell(o, func() {
		known, ok := o.room.Occupant(c.From.Nick)
		if o.authority != o.id || !ok || known.Local {
			o.tell(n, func() { n.apply(n.room.Fail(n.now, c.From.JID, c.Stanza)) })
			return
		}
		st, err := stanza.Parse(text, stanza.Limits{})
		if err != nil {
			o.Fatalf("%s: %v", text, err)
		}
		o.apply(o.room.Handle(o.now, c.From.JID, st))
	})
}

// deliver gives a stanza to a client of n, or takes the answer to a command to the node of its client.
func (n *meshNode) deliver(d Deliver) {
	c := n.clients[d.To]
	st, err := stanza.Parse(d.Stanza, stanza.Limits{})
	if err != nil {
		n.Fatalf("%s: %v", d.Stanza, err)
	}
	if c.node >= 0 && c.node != n.id {
		if t := st.Attr("type"); st.Local == "presence" || t != "error" && (st.Local != "iq" || t != "result") || resource(st.Attr("from")) != "" {
			n.Fatalf("node %d delivers %s, a client of node %d", n.id, sketch(st), c.node)
		}
		n.tell(n.nodes[c.node], func() { c.take(n.mesh, st) })
		return
	}
	c.take(n.mesh, st)
}

// take holds what a client is told against the protocol.
func (c *client) take(t failer, st *stanza.Element) {
	t.Helper()
	line := sketch(st)
	c.inbox = append(c.inbox, line)
	from, kind := resource(st.Attr("from")), st.Attr("type")
	self := from == nickOf(c.jid)
	switch {
	case kind == "error" || st.Local == "iq" && from == "":
		return
	case c.view == nil:
		t.Fatalf("%s is not in the room and gets %s", c.jid, line)
	case st.Local == "presence" && kind == "":
		item := st.Child(nsUser, "x").Child(nsUser, "item")
		if own := strings.Contains(line, " 110"); own != self {
			t.Fatalf("%s gets %s", c.jid, line)
		}
		c.view[from] = item.Attr("affiliation") + "/" + item.Attr("role")
	case st.Local == "presence" && kind == "unavailable":
		if _, seen := c.view[from]; !seen {
			t.Fatalf("%s gets %s of somebody it does not see", c.jid, line)
		}
		delete(c.view, from)
		if self {
			c.view, c.node = nil, -1
		}
	case from != "" && c.view[from] == "":
		t.Fatalf("%s hears %s from somebody it does not see", c.jid, line)
	case from == "" && strings.Contains(line, " 104"):
		c.locks++
	case st.Child(nsClient, "subject") != nil:
		c.subject = st.Child(nsClient, "subject").Text
	case kind == "groupchat":
		number, err := strconv.Atoi(childText(st, nsClient, "body"))
		if err != nil || number <= c.heard[from] {
			t.Fatalf("%s hears %s after number %d", c.jid, line, c.heard[from])
		}
		c.heard[from] = number
	}
}

// join lets a person enter at a node.
func (m *mesh) join(jid string, node int, password string) {
	c := m.clients[jid]
	if c == nil {
		c = &client{jid: jid, node: -1}
		m.clients[jid] = c
	}
	if c.node < 0 {
		n := m.nodes[node]
		n.hold()
		c.node, c.view, c.heard = node, map[string]string{}, map[string]int{}
		c.epoch++
		m.send(jid, `<presence to="%s/%s"><x xmlns="http://jabber.org/protocol/muc"><password>%s</password></x></presence>`, roomJID, nickOf(jid), password)
		if o, _ := n.room.Occupant(nickOf(jid)); !o.Local {
			c.node, c.view = -1, nil
			if len(n.room.roster.here) == 0 {
				n.apply([]Effect{Empty{}})
			}
		}
		return
	}
	m.send(jid, `<presence to="%s/%s"><x xmlns="http://jabber.org/protocol/muc"/></presence>`, roomJID, nickOf(jid))
}

// send lets a person who is in the room send a stanza.
func (m *mesh) send(jid, format string, args ...any) {
	c := m.clients[jid]
	if c == nil || c.node < 0 {
		return
	}
	st, err := stanza.Parse(fmt.Appendf(nil, format, args...), stanza.Limits{})
	if err != nil {
		m.Fatalf("%v", err)
	}
	st.Set("from", jid)
	n := m.nodes[c.node]
	n.apply(n.room.Handle(m.now, jid, st))
}

func (m *mesh) admin(jid, items string, args ...any) {
	m.send(jid, `<iq to="%s" type="set" id="adm"><query xmlns="http://jabber.org/protocol/muc#admin">%s</query></iq>`, roomJID, fmt.Sprintf(items, args...))
}

func (m *mesh) configure(jid, name, value string) {
	m.send(jid, `<iq to="%s" type="set" id="cfg"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit">`+
		`<field var="%s"><value>%s</value></field></x></query></iq>`, roomJID, name, value)
}

// move takes a person to another node.
func (m *mesh) move(jid string, node int) {
	c := m.clients[jid]
	if c == nil || c.node < 0 || c.node == node {
		return
	}
	from, to := m.nodes[c.node], m.nodes[node]
	value, ok := from.room.Export(jid)
	if !ok {
		m.Fatalf("%s cannot be exported", jid)
	}
	to.hold()
	m.carry()
	from.apply(from.room.Remove(m.now, jid, Moved))
	c.node = node
	c.epoch++
	to.apply(to.room.Admit(m.now, jid, value))
}

// carry delivers everything that is under way.
func (m *mesh) carry() {
	for m.step(0) {
	}
}

// step delivers one letter of the n-th link that has any, and returns whether there was one.
func (m *mesh) step(n int) bool {
	var busy [][2]int
	for link, queue := range m.links {
		if len(queue) > 0 {
			busy = append(busy, link)
		}
	}
	if len(busy) == 0 {
		return false
	}
	slices.SortFunc(busy, func(a, b [2]int) int { return a[0]*10 + a[1] - b[0]*10 - b[1] })
	link := busy[n%len(busy)]
	letter := m.links[link][0]
	m.links[link] = m.links[link][1:]
	letter()
	return true
}

// quiet delivers everything and lets time pass until nothing is due.
func (m *mesh) quiet() {
	m.carry()
	for range 3 {
		m.now = m.now.Add(3 * time.Second)
		for _, n := range m.nodes {
			n.apply(n.room.Tick(m.now))
		}
		m.carry()
	}
}

// inbox takes what a person received.
func (m *mesh) inbox(jid string) []string {
	c := m.clients[jid]
	lines := c.inbox
	c.inbox = nil
	return lines
}

func (m *mesh) clear() {
	for _, c := range m.clients {
		c.inbox = nil
	}
}

// agreed returns what everybody sees, after it was made sure that it is the same for all and that the rooms say it too.
func (m *mesh) agreed() string {
	m.Helper()
	want := map[string]string{}
	for _, n := range m.nodes {
		for _, o := range n.room.Occupants() {
			if o.Local {
				want[o.Nick] = o.Affiliation + "/" + o.Role
			}
		}
	}
	var order []Occupant
	for _, n := range m.nodes {
		if !n.holds {
			continue
		}
		all := n.room.Occupants()
		for i := range all {
			all[i].Local = false
		}
		if order == nil {
			order = all
		}
		if diff := cmp.Diff(order, all); diff != "" {
			m.Fatalf("node %d has another roster than the first (-first +this):\n%s", n.id, diff)
		}
		if len(n.room.hidden) > 0 || len(n.room.moving()) > 0 {
			m.Fatalf("node %d still has %v hidden and %v moving", n.id, n.room.hidden, n.room.moving())
		}
	}
	for jid, c := range m.clients {
		if c.node < 0 {
			continue
		}
		view := maps.Clone(c.view)
		delete(view, FocusNick)
		if diff := cmp.Diff(want, view); diff != "" {
			m.Fatalf("%s sees something else (-want +got):\n%s", jid, diff)
		}
	}
	var words []string
	for _, o := range order {
		words = append(words, o.Nick+" "+want[o.Nick])
	}
	return strings.Join(words, ", ")
}

func (m *mesh) want(t *testing.T, want string) {
	t.Helper()
	m.quiet()
	if got := m.agreed(); got != want {
		t.Errorf("in the room: %s\nwant:        %s", got, want)
	}
}
