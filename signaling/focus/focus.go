// Package focus is the conference focus: the party that answers conference requests, invites every participant to a media
// session, keeps the list of what it sends, and passes requests to mute on. Each node is the focus of its own clients.
//
// It is an engine package: no sockets, no goroutines, no clocks. Time comes in as an argument, and what is to be done goes
// out as a list of [Effect], to be done in its order.
//
// # Conference requests
//
// Before it joins, a client asks whether the room may be used: by IQ to focus.<domain> ([Desk.IQ]) or by HTTP POST with a
// JSON body ([Desk.JSON]). Both are answered from the domain alone; nothing is remembered.
//
// # Participants
//
// A [Participant] is the focus's side of one client. It talks to the client as <room>/focus; the client knows the
// focus by that nick. The order of things is
//
//	Joined     asks the client what it can do (disco#info of the caps node of its presence, XEP-0115), unless the answer is
//	           in the cache. The result is Features; after 15 s without an answer, the smallest set is assumed.
//	Invite     sends session-initiate (XEP-0166, 0167, 0176, 0320, 0338, 0339), when the features are known.
//	HandleIQ   session-accept: Accepted. source-add, source-remove: SourcesAdded, SourcesRemoved. session-terminate:
//	           Terminated; with Restart set, the client waits for another Invite, which makes a session with a new sid.
//	Terminate  ends the session from our side.
//
// Every request of the client is answered with a result or an error, in the first effect. Answers of the client count only
// when they come from the client itself, bear an id that is waiting, and come within 15 s.
//
// # The offer
//
// One content audio and one content video, creator initiator, senders both, bundled, both with the same transport. Opus is
// payload type 111; the video codecs are those of [Config].Codecs, in that order, each with its retransmissions:
//
//	AV1 41, 42   VP8 100, 96   H264 107, 99   VP9 101, 97
//
// Header extensions: 1 audio level, 3 absolute send time, 5 transport-wide sequence number, and, when AV1 is among the
// codecs, 11 dependency descriptor.
// Neither mid nor rid: media is told apart by SSRC. We offer setup actpass and need the client to be active. No sources
// of participants are in the offer: a client that rewrites SSRCs learns them on the bridge channel, any other one by
// source-add once it has accepted ([Participant.Signal]).
//
// Each content holds one source that the node itself reports from, owner jvb, msid mixedmslabel, as Jicofo has it. It is
// not decoration: without any msid in the first offer Chromium finds every later answer wanting and asks for the next
// negotiation, for ever, and lib-jitsi-meet follows it thirty times a second.
//
// # Sources
//
// The client announces its sources as SSRCs with groups: FID is a stream and its retransmissions, SIM the simulcast
// encodings of a source, lowest resolution first. They become one [room.Source] per name. Announcing is all or nothing, and
// is refused when
//
//	the name is not one of this endpoint's, or is of the other kind       forbidden, bad-request
//	the name or an SSRC is in use by this participant, or comes twice     bad-request
//	a group refers to streams that are not announced with it, FID has
//	not two streams, streams of a name do not belong together             bad-request
//	there are more sources, encodings, SSRCs or groups than [Limits]      resource-constraint
//
// SSRCs without a name and outside of named groups are placeholders that browsers make: they are left out silently. Groups
// of other semantics are left out with their second stream. SSRCs are scoped to their participant.
//
// A removal takes away the SSRCs it lists, with the retransmissions of those that go; a source without encodings is gone.
package focus
