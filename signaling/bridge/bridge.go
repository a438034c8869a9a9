// Package bridge is the bridge channel: the WebSocket on which a client and the node that serves its media exchange JSON
// messages. The messages are those of jitsi-videobridge's EndpointMessageTransport as a lib-jitsi-meet of 2026 uses them.
//
// # Messages
//
// Every message is one JSON object in one text frame, and names its type in colibriClass. [Decode] and [Encode] translate
// between frames and the types here, which bear the names of the classes.
//
//	client to node                 fields
//	ReceiverVideoConstraints       lastN, selectedSources, onStageSources, defaultConstraints, constraints{source: {…}},
//	                               assumedBandwidthBps; an absent field leaves what was set before
//	SourceVideoTypeMessage         sourceName, videoType: camera, desktop, desktop_high_fps, none
//	LastNChangedEvent              lastN, -1 is unlimited
//	ReceiverAudioSubscription      all (default true), include, exclude
//	EndpointStats                  anything; sent on to the others with from
//	EndpointMessage                to ("" is everybody), msgPayload: an object
//	ClientHello                    nothing
//
//	node to client                 fields
//	ServerHello                    version; the first message of a channel
//	DominantSpeakerEndpointChangeEvent  dominantSpeakerEndpoint, previousSpeakers, silence
//	ForwardedSources               forwardedSources
//	SenderSourceConstraints        sourceName, maxHeight: a number
//	ConnectionStats                estimatedDownlinkBandwidth, bit/s
//	VideoSourcesMap                mappedSources: source, owner, ssrc, rtx, videoType
//	AudioSourcesMap                mappedSources: source, owner, ssrc
//	EndpointConnectivityStatusChangeEvent  endpoint, active: the string "true" or "false"
//	EndpointMessage, EndpointStats as above, with from
//
// A source without retransmissions has rtx "-1", a string: this is what the client compares with.
//
// # Limits
//
// A frame has at most [MaxMessage] bytes of valid UTF-8, brackets nest at most 32 deep, lists have at most 500 entries,
// names at most 128 bytes. Names of sources that have another form than ours are left out of lists: they can match
// nothing. A class that is not listed above decodes to [Unknown].
//
// # The channel
//
// [Server] accepts channels at /colibri-ws/<node>/<conference>/<endpoint>?pwd=<password>. Who may open one is said by
// [Config].Lookup; <node> is there for proxies in front, and for what is said below. A [Channel] belongs to one endpoint, and an
// endpoint has one channel: a newer one ends the older one, whose Closed is called before the newer one's Opened.
// Handler calls of one channel come one at a time and must not block.
//
// Send never blocks. What waits to be written is bounded by items and bytes; a client that does not read closes its channel
// ([StatusTryAgainLater]). So does one that sends more than 50 messages or 64 KiB a second on average
// ([StatusPolicyViolation]).
// A ping goes out every 15 s and must be answered within as long.
//
// # Other nodes
//
// A client opens the URL that it was given at any node, for ever. When Lookup does not know the endpoint, the channel is opened at the
// node that does ([Elsewhere]), and this one passes messages on as they are: the limits are those of both. The node with the
// participant sees a channel like any other ([Server.Accept]). When the participant moves here the channel is closed, and the client
// comes back.
package bridge
