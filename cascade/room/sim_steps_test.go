package room

import (
	"fmt"
	"slices"
	"time"
)

// someNode returns a node that is alive, with the room if there is one that has it.
func (w *world) someNode(holds bool) *node {
	var nodes []*node
	for _, n := range w.nodes {
		if n.alive && (!holds || n.room != nil) {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	return nodes[w.rand.IntN(len(nodes))]
}

func (w *world) someClient() (*node, *client) {
	n := w.someNode(true)
	if n == nil || len(n.clients) == 0 {
		return nil, nil
	}
	ids := make([]EndpointID, 0, len(n.clients))
	for id := range n.clients {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return n, n.clients[ids[w.rand.IntN(len(ids))]]
}

// step does one thing and lets some time pass.
func (w *world) step() {
	switch p := w.rand.IntN(1000); {
	case p < 170:
		w.ids++
		w.join(EndpointID(fmt.Sprintf("%08x", w.ids)))
	case p < 175:
		w.twins()
	case p < 180:
		if _, c := w.someClient(); c != nil {
			w.join(c.id)
		}
	case p < 290:
		if n, c := w.someClient(); c != nil {
			n.remove(Removal{Endpoint: c.id, Cause: ByItself})
		}
	case p < 420:
		if n, c := w.someClient(); c != nil {
			w.ids++
			n.present(c, n.room.own.occupants[c.id].Occupant)
		}
	case p < 620:
		if n, c := w.someClient(); c != nil {
			n.say(c)
		}
	case p < 700:
		w.command(w.someField())
	case p < 740:
		w.ids++
		w.command(func(*node) []Write { return []Write{{FieldPassword, fmt.Sprintf("secret-%d", w.ids)}} })
	case p < 760:
		w.command(func(*node) []Write { return []Write{{FieldPassword, ""}} })
	case p < 790:
		w.command(w.kick)
	case p < 850:
		w.move()
	case p < 880:
		w.partition()
	case p < 920:
		clear(w.cut)
		w.ways()
	case p < 950:
		i, j := w.rand.IntN(len(w.nodes)), w.rand.IntN(len(w.nodes))
		if i != j && w.rand.IntN(2) == 0 {
			w.flap(i, j)
		} else if i != j {
			w.cut[pair(i, j)] = true
			w.ways()
		}
	case p < 970:
		w.crash(w.nodes[w.rand.IntN(len(w.nodes))])
	default:
		w.revive()
	}
	if w.rand.IntN(12) == 0 {
		w.run(w.between(0, 15*time.Second))
	} else {
		w.run(w.between(0, time.Second))
	}
}

// twins has two people with one id join at once.
func (w *world) twins() {
	w.ids++
	id := EndpointID(fmt.Sprintf("%08x", w.ids))
	w.join(id)
	w.join(id)
	for _, n := range w.nodes {
		if c := n.clients[id]; c != nil {
			c.twin = true
		}
	}
}

func (w *world) join(id EndpointID) {
	n := w.someNode(false)
	if n == nil || n.clients[id] != nil {
		return
	}
	if n.room == nil {
		n.enter()
	}
	if n.room.own.occupants[id].Endpoint != "" || n.room.Value(FieldPassword) != "" && w.rand.IntN(2) == 0 {
		n.leaveLater()
		return
	}
	_, taken := n.room.Occupant(id)
	c := &client{id: id, since: n.room.header.context}
	n.clients[id] = c
	n.do(func() []Effect {
		effects := n.room.Put(n.clock(), Occupant{Endpoint: id, JID: "user-" + string(id), Presence: []byte("<x/>")})
		c.joined, c.epoch = n.room.own.occupants[id].Joined, 1
		w.people[occupancy{id, c.joined}] = c
		return effects
	})
	if m, ok := n.room.Occupant(id); n.clients[id] == c && !taken && (!ok || m.Node != n.name) {
		w.fail("%s: %s joined and is not there", n.name, id)
	}
}

// present changes what a client shows.
func (n *node) present(c *client, o Occupant) {
	w := n.world
	o.Presence = fmt.Appendf(nil, "<x n='%d'/>", w.ids)
	o.Sources = nil
	for k := range w.rand.IntN(3) {
		o.Sources = append(o.Sources, Source{
			Name: SourceName(fmt.Sprintf("%s-v%d", c.id, k)), VideoType: Camera, Encodings: []Encoding{{SSRC: uint32(w.ids), RTX: 1}},
		})
	}
	o.Admitted, o.Joined, o.Epoch = nil, 0, 0
	n.do(func() []Effect { return n.room.Put(n.clock(), o) })
}

// say says something, and looks later whether those heard it who could.
func (n *node) say(c *client) {
	w := n.world
	if m, ok := n.room.Occupant(c.id); !ok || m.Joined != c.joined || c.twin {
		return
	}
	c.said++
	number, room := c.said, n.room
	n.do(func() []Effect {
		return n.room.Say(n.clock(), Utterance{From: c.id, ID: fmt.Sprintf("%d:%d", uint64(c.joined), c.said), Inner: []byte("<body/>")})
	})
	who := speaker{occupancy{c.id, c.joined}, n.name}
	for _, o := range w.nodes {
		if o.room == nil || o != n && !w.steady(n, o, 20*time.Second) {
			continue
		}
		t, heard := o.trace, o.room
		if s, ok := t.shown[c.id]; !ok || s.Joined != c.joined || s.Node != n.name {
			continue
		}
		w.after(5*time.Second, func() {
			s, ok := t.shown[c.id]
			if o.room != heard || n.room != room || o != n && !w.steady(n, o, 25*time.Second) || !ok || s.Joined != c.joined {
				return
			}
			if t.heard[who] < number {
				w.fail("%s: did not hear %s say %d at %s", o.name, c.id, number, n.name)
			}
		})
	}
}

// command has the sequencer, as some node knows it, write something.
func (w *world) command(what func(*node) []Write) {
	n := w.someNode(true)
	if n == nil || n.room.Sequencer() == "" {
		return
	}
	at := w.node(n.room.Sequencer())
	if at == nil {
		w.fail("%s: the sequencer is %q", n.name, n.room.Sequencer())
		return
	}
	if at == n {
		n.write(what, true)
	} else if _, ok := w.way(n.index, at.index); ok {
		w.after(w.between(0, 200*time.Millisecond), func() { at.write(what, false) })
	}
}

func (n *node) write(what func(*node) []Write, must bool) {
	if n.room == nil {
		return
	}
	writes := what(n)
	if writes == nil {
		return
	}
	wrote := false
	n.do(func() []Effect {
		effects, err := n.room.Write(n.clock(), writes)
		if wrote = err == nil; !wrote && must && n.room.metSome() {
			n.world.fail("%s: is the sequencer and may not write: %v", n.name, err)
		}
		return effects
	})
	for _, write := range writes {
		if id, ok := EndpointID(write.Key), write.Key[:min(len(FieldKick), len(write.Key))] == FieldKick; ok && wrote {
			id = id[len(FieldKick):]
			kick, _ := ParseKick(write.Value)
			if m, ok := n.room.Occupant(id); ok && m.Joined <= kick.At {
				n.world.fail("%s: %s was kicked and is there", n.name, id)
			}
		}
	}
}

func (w *world) someField() func(*node) []Write {
	w.ids++
	value := fmt.Sprintf("value-%d", w.ids)
	someone := func(n *node) (Member, bool) {
		all := n.room.Occupants()
		if len(all) == 0 {
			return Member{}, false
		}
		return all[w.rand.IntN(len(all))], true
	}
	switch w.rand.IntN(6) {
	case 0:
		return func(*node) []Write { return []Write{{FieldSubject, value}} }
	case 1:
		return func(*node) []Write { return []Write{{FieldOpenSubject, []string{"", "1"}[w.rand.IntN(2)]}} }
	case 2:
		return func(*node) []Write { return []Write{{FieldMembersOnly, []string{"", "", "", "1"}[w.rand.IntN(4)]}} }
	case 3:
		return func(n *node) []Write {
			m, ok := someone(n)
			if !ok {
				return nil
			}
			return []Write{{FieldAffiliation + m.JID, []string{"", "member", "owner"}[w.rand.IntN(3)]}}
		}
	case 4:
		return func(n *node) []Write {
			m, ok := someone(n)
			if !ok {
				return nil
			}
			return []Write{{FieldModerator + string(m.Endpoint), []string{"", "1", "1"}[w.rand.IntN(3)]}, {FieldSubject, value}}
		}
	}
	return func(*node) []Write { return []Write{{"note", value}} }
}

func (w *world) kick(n *node) []Write {
	all := n.room.Occupants()
	if len(all) == 0 {
		return nil
	}
	m := all[w.rand.IntN(len(all))]
	w.stats["kicks"]++
	return []Write{{FieldKick + string(m.Endpoint), Kick{n.room.Stamp(n.clock()), m.Endpoint, "away with you"}.Value()}}
}

// move takes a client to another node, as a hand-over does.
func (w *world) move() {
	n, c := w.someClient()
	to := w.someNode(false)
	if c == nil || to == nil || to == n {
		return
	}
	o := n.room.own.occupants[c.id].Occupant
	delete(n.clients, c.id)
	if !w.steady(n, to, 20*time.Second) {
		c.rescued = w.now
	}
	w.arrive(to, c, o)
	room := n.room
	w.after(w.between(0, time.Second), func() {
		if n.room == room && n.clients[c.id] == nil && room.own.occupants[c.id].Epoch == o.Epoch {
			n.do(func() []Effect { return room.Remove(n.clock(), Removal{Endpoint: c.id, Cause: Moved}) })
			n.leaveLater()
		}
	})
}

func (w *world) arrive(to *node, c *client, o Occupant) {
	if to.room == nil {
		to.enter()
	}
	if to.clients[c.id] != nil {
		return
	}
	w.stats["moves"]++
	c.moved = true
	c.epoch++
	o.Epoch = c.epoch
	if c.since != nil {
		c.since = o.Admitted
	}
	to.clients[c.id] = c
	to.do(func() []Effect { return to.room.Put(to.clock(), o) })
}

// partition divides the nodes in two.
func (w *world) partition() {
	side := w.rand.IntN(1 << len(w.nodes))
	for i := range w.nodes {
		for j := range i {
			if side>>i&1 != side>>j&1 {
				w.cut[pair(i, j)] = true
			}
		}
	}
	w.stats["partitions"]++
	w.ways()
}

// crash ends a process. Some of its clients find another node.
func (w *world) crash(n *node) {
	if !n.alive {
		return
	}
	w.stats["crashes"]++
	ids := make([]EndpointID, 0, len(n.clients))
	for id := range n.clients {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c, o := n.clients[id], n.room.own.occupants[id].Occupant
		if w.rand.IntN(2) == 0 {
			w.after(w.between(0, 8*time.Second), func() {
				if to := w.someNode(true); to != nil && to != n {
					c.rescued = w.now
					w.arrive(to, c, o)
				}
			})
		}
	}
	n.crash()
}

// revive starts a process that crashed, perhaps with another clock.
func (w *world) revive() {
	for _, n := range w.nodes {
		if !n.alive {
			if w.rand.IntN(2) == 0 {
				n.skew = w.someSkew()
			}
			n.start()
			w.ways()
			return
		}
	}
}
