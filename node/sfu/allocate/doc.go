// Package allocate decides who gets which sources: [Effective] turns a receiver's constraints into what it wants of each
// source, [Slots] gives the wanted sources places, and [Layer] picks the encoding of a source that serves the most
// demanding receiver.
//
// # Constraints
//
// As the Jitsi Videobridge does it: sources come in the order in which their endpoints were last dominant. On-stage
// sources stand before them in the client's order, then the selected ones, then the others. A source's constraint is its
// own entry or the default; 0 turns it off, a negative value means no limit. Walking that order, a source keeps its
// constraint while fewer than N sources with one were kept; all later ones are off. N is the client's last-N, when it is
// not negative, and at most the number of slots. A muted source takes no part in the count and is not forwarded; what
// the receiver would want of it still counts as wanted, so that its sender need not wait when it is unmuted.
//
// # Slots
//
// A slot is an SSRC that a receiver knows. A wanted source without a slot gets an empty one, else a new one while there
// are fewer than the limit, else the one whose source has been unwanted the longest. A source keeps its slot while it is
// not wanted until somebody needs it.
//
// The package is an engine: values in, values out.
package allocate
