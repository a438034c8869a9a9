// Package muc is one room as XMPP sees it: the part of XEP-0045 that Jitsi clients use, as an engine. Time comes in as
// an argument; what is to be sent and what others must know goes out as a list of [Effect] values. No sockets, no
// goroutines, no clock, no randomness. The caller gives one room one stanza at a time.
//
// # State
//
// The state stands in two halves. The header (password, subject, affiliations, configuration) is what a room has once;
// the roster (who is here, with which presence) is what a node has for its own clients. The pending table of relayed IQs
// belongs to the roster. Nothing else is remembered; when the last occupant is gone the header is forgotten too.
//
// # Occupants
//
// The nick of an occupant is its endpoint id: the first eight hexadecimal digits of the node of its JID when the node
// begins with eight of them and a hyphen, otherwise any eight lower-case hexadecimal digits. Every other nick, a change of
// nick, and the nick of the focus are refused with not-acceptable. The focus is an occupant that the room itself
// shows: nick "focus", affiliation owner, role moderator, never counted, never leaving.
//
// Rooms are non-anonymous: items carry the real full JID. The first occupant is owner and moderator; when no owner is
// left, the moderator who is longest in the room becomes owner, without moderators whoever is longest in it. Explicit grants are affiliations of the
// header (by bare JID) and come back with their owner; the automatic one is a property of the occupancy.
//
// # Order
//
// A joiner receives the presence of the focus, of the others in the order of their joining, its own (status 100, 110, and
// 201 when the join created the room), then the subject, empty when none was set. The others receive the joiner's
// presence before the joiner's own. [Joined] and [Updated] follow the stanzas they speak of; [Left] precedes them, so that
// sources can be taken back before their owner is seen leaving. A join by who is already in is answered by the same
// burst.
//
// # What is not believed
//
// From presence and messages of clients these are removed wherever they stand, with the whole child that holds them: the
// muc and muc#user elements (the password is in the former), delays, occupant ids, hats, everything in the namespace of the focus, status
// codes, and as direct children identity, permissions, and region and features in a namespace of Jitsi. Messages lose
// forwarded addresses, injected display names and stanza ids too. A subject next to a body, or in a private message,
// is removed: stock clients would show it as the room's. In presence the element of the room itself comes first, because
// stock clients take the first that they find at any depth. Everything else passes byte for byte.
//
// # IQs
//
// Every get and set is answered. Those to room/nick are relayed with the sender rewritten to its occupant JID; a result
// or error passes only in answer to a request that was relayed the other way with this id, once, within
// [Limits].PendingTimeout. A ping to the own occupant JID (XEP-0410) is answered here. Everything to room/focus is handed
// out as [FocusIQ].
package muc
