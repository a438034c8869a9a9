// Package room holds the nouns of a room that every part of a node uses: who is in it ([EndpointID]), what they send
// ([Source], [SourceName], [Encoding]) and who serves them ([Epoch]).
//
// It is an engine package: standard library only, no clocks, no goroutines. Everybody may import it.
//
// A participant is one endpoint. Its id is eight lower-case hexadecimal digits, unique in the cluster, and is also the
// nick of its occupant. A source is one microphone, camera or screen. Its name says whose it is and what it is:
//
//	478dfae7-a0   first audio source of endpoint 478dfae7
//	478dfae7-v1   second video source of endpoint 478dfae7
//
// Only the endpoint that a name begins with may announce it. SSRCs are scoped to the endpoint that sends them: two
// endpoints may use the same number.
package room
