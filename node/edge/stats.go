package edge

import "sync/atomic"

// Stats counts datagrams since the edge was opened.
type Stats struct {
	// Received and Sent are packets that passed.
	Received, ReceivedBytes uint64
	Sent, SentBytes         uint64
	// SendFailed are packets that the system did not take or that had no way to the client.
	SendFailed uint64

	Garbage       uint64 // neither STUN nor DTLS nor RTP
	Oversized     uint64 // larger than any client sends
	STUNUnknown   uint64 // for no path
	STUNMalformed uint64
	STUNForged    uint64 // wrong user, integrity or fingerprint
	STUNLimited   uint64 // too many from unknown addresses
	STUNIgnored   uint64 // indications, late responses
	DTLSRefused   uint64 // from an address without a valid check
	DTLSDropped   uint64 // records that a handshake has no use for
	MediaRefused  uint64 // from an address without a valid check
	MediaForged   uint64 // did not open
	MediaReplayed uint64
	MediaEarly    uint64 // more than is kept for a leg that is not ready
}

type counters struct {
	received, receivedBytes, sent, sentBytes, sendFailed                           atomic.Uint64
	garbage, oversized                                                             atomic.Uint64
	stunUnknown, stunMalformed, stunForged, stunLimited, stunIgnored               atomic.Uint64
	dtlsRefused, dtlsDropped, mediaRefused, mediaForged, mediaReplayed, mediaEarly atomic.Uint64
}

// Stats returns the counts so far.
func (e *Edge) Stats() Stats {
	c := &e.stats
	return Stats{
		Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(),
		Sent: c.sent.Load(), SentBytes: c.sentBytes.Load(), SendFailed: c.sendFailed.Load(),
		Garbage: c.garbage.Load(), Oversized: c.oversized.Load(),
		STUNUnknown: c.stunUnknown.Load(), STUNMalformed: c.stunMalformed.Load(), STUNForged: c.stunForged.Load(),
		STUNLimited: c.stunLimited.Load(), STUNIgnored: c.stunIgnored.Load(),
		DTLSRefused: c.dtlsRefused.Load(), DTLSDropped: c.dtlsDropped.Load(),
		MediaRefused: c.mediaRefused.Load(), MediaForged: c.mediaForged.Load(),
		MediaReplayed: c.mediaReplayed.Load(), MediaEarly: c.mediaEarly.Load(),
	}
}
