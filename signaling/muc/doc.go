// Package muc is one room as XMPP sees it: the part of XEP-0045 that Jitsi clients use, as an engine. Time comes in as
// an argument; what is to be sent and what others must know goes out as a list of [Effect] values. No sockets, no
// goroutines, no clock, no randomness. The caller gives one room one stanza at a time.
//
// # State
//
// The state stands in two halves. The header (password, subject, affiliations, grants, kicks, configuration) is what a
// room has once, with the fields of package cascade/room. The roster is who is here, with which presence. The pending
// table of relayed IQs belongs to the roster. Nothing else is remembered; when the last occupant of all leaves, and it
// was one of this node, the header is forgotten too.
//
// # Several nodes
//
// A room stands on several nodes: each has a Room with the whole roster, and stanzas are delivered to the occupants of
// the own node only. The halves travel in different ways.
//
// The roster is the union of what each node says of its own occupants. What happens to these comes out as [Joined],
// [Updated], [Left], [Said] and [Away]; what other nodes say of theirs comes in by [Room.Appear], [Room.Change],
// [Room.Vanish], [Room.Hear] and [Room.Directed]. It is believed as far as its form goes: what no client may say is
// removed from it too, what cannot be read is nothing, and nobody speaks for an occupant of this node. That a node
// speaks for its own occupants only is for the caller to see to. A stanza of somebody whom this node does not show is
// dropped.
//
// The header is written where the authority is ([Room.SetAuthority]): there a command of an owner or moderator is
// decided, applied, and comes out as [Write], the first effect of the call, so that whoever carries effects out in
// order has the other nodes know before anybody has the answer. Everywhere else it comes out as [Command], for the Room
// with the authority, whose answer is a [Deliver] to the client of the other node. What was written comes back by
// [Room.SetHeader] on every node. There it is compared with what stands: the same values again are nothing, so a Room
// finds nothing new in its own writes, and its state after a write is that of SetHeader with it. Who asks for the
// configuration or for lists is answered by its own node.
//
// The order of the roster is (time of joining, nick), and the time is a stamp that the serving node gave, so it is
// everywhere the same. A kick ends the occupancies of a nick that joined up to its time: it holds wherever and whenever
// it is learned, and does not touch who comes back. Whoever the header does not allow is not shown, although its node
// may still have to hear of that: it stays hidden until it is gone, or comes back into sight when the header allows it
// again. So does an occupant of another node with the nick or the JID of somebody who is here already.
//
// Who moves to another node changes its place without a stanza: [Room.Remove] with [Moved] here, [Room.Admit] there,
// [Room.Appear] everywhere else. When nobody says within ten seconds that it arrived, it is gone (status 333). A
// request that was under way from or to it may lose its answer.
//
// # Occupants
//
// The nick of an occupant is its endpoint id: the first eight hexadecimal digits of the node of its JID when the node
// begins with eight of them and a hyphen, otherwise any eight lower-case hexadecimal digits. Every other nick, a change
// of nick, and the nick of the focus are refused with not-acceptable. The focus is an occupant that the room itself
// shows: nick "focus", affiliation owner, role moderator, never counted, never leaving. Every node shows its own.
//
// Rooms are non-anonymous: items carry the real full JID. Owners are affiliations of the header (by bare JID) and come
// back with the person; moderators by a grant of the role alone are fields of the header by nick, which end when the
// occupant leaves or is removed, but not when it is lost. While no owner is here one occupant is owner without a field:
// the moderator who is longest in the room, without moderators whoever is longest in it. So the first occupant is.
// [room.Moderator] makes sure that all nodes choose the same one, and that of two who are present one follows the other
// only after two seconds. With the first grant that anybody makes the automatic owner becomes an explicit one: the
// grant would push it out of its place.
//
// # Order
//
// A joiner receives the presence of the focus, of the others in the order of their joining, its own (status 100, 110,
// and 201 when the join created the room), then the subject, empty when none was set, from the room when who set it is
// gone. The others receive the joiner's presence before the joiner's own. [Joined] and [Updated] follow the stanzas
// they speak of; [Left] precedes them, so that sources can be taken back before their owner is seen leaving. [Said]
// follows the deliveries. A join by who is already in is answered by the same burst.
//
// # What is not believed
//
// From presence and messages of clients these are removed wherever they stand, with the whole child that holds them:
// the muc and muc#user elements (the password is in the former), delays, occupant ids, hats, everything in the
// namespace of the focus, status codes, and as direct children identity, permissions, and region and features in a
// namespace of Jitsi. Messages lose forwarded addresses, injected display names and stanza ids too. A subject next to a
// body, or in a private message, is removed: stock clients would show it as the room's. In presence the element of the
// room itself comes first, because stock clients take the first that they find at any depth. Everything else passes
// byte for byte.
//
// # IQs
//
// Every get and set of a client of this node is answered, or handed out. Those to room/nick are relayed with the sender
// rewritten to its occupant JID; a result or error passes only in answer to a request that was relayed the other way
// with this id, once, within [Limits].PendingTimeout. Between two nodes both keep the request, the responder's so that
// its answer passes once, the requester's so that it is told when the responder is lost. A ping to the own occupant JID
// (XEP-0410) is answered here. Everything to room/focus is handed out as [FocusIQ].
package muc
