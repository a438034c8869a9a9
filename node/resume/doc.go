// Package resume finds the sessions of clients that come to another node than before, and opens their bridge channels there. It is a
// driver: it asks and answers other nodes, and has a clock; what is decided is in cascade/standby.
//
//	stream ──Fetch──▶ ┌─────────┐ ◀──Seek, Sought, Keep, Wipe──▶ mesh
//	bridge ──Open───▶ │ Service │ ◀──ChannelOpen … Closed──────▶
//	                  └─────────┘ ──Give, Revive──▶ [Mover]   ──Snapshot──▶ rooms
//
// # A client comes with the token of a session that is not here
//
// The search asks its holder, which proves the token and gives the session up: a participant moves with its media ([Mover.Give]), and
// its path stays where it was until a new one is made; a client that is in no room comes as a value. When the holder is dead, its standby answers with the record that the
// holder pushed last; its counters jump, and [Mover.Revive] goes on with it. One search is made for all sockets that come with the
// same token at once, and of two nodes that ask at once the second is pointed to the first.
//
// A node that keeps its sessions ([Config].Keeps, --handover off) gives none up: the client is told that there is no such session, and
// begins a new one.
//
// # Records
//
// With standby on, every participant that its client could resume is looked at once a second, and what has changed is pushed to its
// standby ([standby.Copy]), a few hundred bytes. The client's stanzas are acknowledged as far as the record goes that the standby says it
// has ([stream.Session.Guard]). The standby is told when the session
// ends or another node is the standby; what it does not hear ends there by itself.
//
// # Bridge channels
//
// The channel of a participant at another node is opened where the room's replica says that it is, else where the URL says, else where it is
// said to have moved. Each direction numbers its messages; when one is missing, or the node is no longer heard, the channel is
// closed, and the client opens it again.
//
// # Limits
//
// 256 searches, 64 sessions that are given up, 4096 channels in each direction; records as cascade/standby says.
package resume
