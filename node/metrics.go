package node

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// counter is a counter as it is shown.
type counter struct {
	name, help string
	labels     prometheus.Labels
	read       func() uint64
}

// metrics returns the registry behind /metrics. Values are read when they are asked for; nothing is counted twice.
func (n *Node) metrics(listeners []listener) prometheus.Gatherer {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, g := range []struct {
		name, help string
		read       func() float64
	}{
		{"atoll_rooms", "Rooms with somebody at this node.", func() float64 { return float64(n.rooms.Counts().Rooms) }},
		{"atoll_participants", "Occupants served by this node.", func() float64 { return float64(n.rooms.Counts().Participants) }},
		{"atoll_draining", "1 while the node takes nobody new.", func() float64 { return truth(n.draining()) }},
		{"atoll_sockets", "WebSockets of XMPP clients.", func() float64 { return float64(n.streams.Stats().Sockets) }},
		{"atoll_streams", "XMPP streams, suspended ones included.", func() float64 { return float64(n.streams.Stats().Sessions) }},
		{"atoll_streams_suspended", "XMPP streams whose socket is lost and that can be resumed.", func() float64 { return float64(n.streams.Stats().Suspended) }},
	} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, g.read))
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "atoll_node_info", Help: "Always 1: which node this is.",
		ConstLabels: prometheus.Labels{"node": string(n.name), "region": n.cfg.Region, "version": Version},
	})
	info.Set(1)
	r.MustRegister(info)
	if n.certs != nil {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "atoll_certificate_expiry_timestamp_seconds", Help: "When the certificate of the HTTPS listener ends, in Unix time.",
		}, func() float64 { return float64(n.certs.Current().Leaf.NotAfter.Unix()) }))
	}
	if n.mesh != nil {
		r.MustRegister(meshMetrics{n})
	}
	counters := append(n.turnCounters(r), []counter{
		{"atoll_media_received_packets_total", "Datagrams from clients that passed.", nil, func() uint64 { return n.edge.Stats().Received }},
		{"atoll_media_received_bytes_total", "Bytes of datagrams from clients that passed.", nil, func() uint64 { return n.edge.Stats().ReceivedBytes }},
		{"atoll_media_sent_packets_total", "Datagrams sent to clients.", nil, func() uint64 { return n.edge.Stats().Sent }},
		{"atoll_media_sent_bytes_total", "Bytes sent to clients.", nil, func() uint64 { return n.edge.Stats().SentBytes }},
		{"atoll_media_send_failed_total", "Datagrams that the system did not take or that had no way to the client.", nil, func() uint64 { return n.edge.Stats().SendFailed }},
		{"atoll_media_dropped_total", dropped, reason("garbage"), func() uint64 { return n.edge.Stats().Garbage + n.edge.Stats().Oversized }},
		{"atoll_media_dropped_total", dropped, reason("stun"), func() uint64 {
			s := n.edge.Stats()
			return s.STUNUnknown + s.STUNMalformed + s.STUNForged + s.STUNLimited + s.STUNIgnored
		}},
		{"atoll_media_dropped_total", dropped, reason("dtls"), func() uint64 { return n.edge.Stats().DTLSRefused + n.edge.Stats().DTLSDropped }},
		{"atoll_media_dropped_total", dropped, reason("srtp"), func() uint64 {
			s := n.edge.Stats()
			return s.MediaRefused + s.MediaForged + s.MediaReplayed + s.MediaEarly
		}},
		{"atoll_stream_messages_received_total", "WebSocket messages from XMPP clients.", nil, func() uint64 { return n.streams.Stats().MessagesIn }},
		{"atoll_stream_messages_sent_total", "WebSocket messages to XMPP clients.", nil, func() uint64 { return n.streams.Stats().MessagesOut }},
		{"atoll_stream_bound_total", "XMPP sessions that began here.", nil, func() uint64 { return n.streams.Stats().Bound }},
		{"atoll_stream_resumed_total", "XMPP sessions that were resumed.", nil, func() uint64 { return n.streams.Stats().Resumed }},
		{"atoll_stream_resume_failed_total", "XMPP sessions that were asked for in vain.", nil, func() uint64 { return n.streams.Stats().ResumeFailed }},
		{"atoll_stream_expired_total", "XMPP sessions that nobody resumed.", nil, func() uint64 { return n.streams.Stats().Expired }},
		{"atoll_stream_errors_total", "XMPP streams that broke a rule.", nil, func() uint64 { return n.streams.Stats().StreamErrors }},
		{"atoll_stream_refused_total", "XMPP connects and binds over a limit or against a rule.", nil, func() uint64 { return n.streams.Stats().Refused }},
		{"atoll_stream_overflowed_total", "XMPP sessions whose client took too little.", nil, func() uint64 { return n.streams.Stats().Overflowed }},
		{"atoll_channels_refused_total", "Bridge channels that nobody waits for or with a wrong password.", nil, func() uint64 { return n.channels.Stats().Refused }},
		{"atoll_channels_broken_total", "Bridge channels that were closed because their client broke a rule or took too little.", nil, func() uint64 { return n.channels.Stats().Broken }},
		{"atoll_connections_full_total", "TCP connections that were one too many.", nil, n.full.Load},
	}...)
	counters = append(counters, n.dnsCounters()...)
	for i, l := range listeners {
		counters = append(counters, counter{
			"atoll_connections_silent_total", "TCP connections that ended without a request that could be understood.",
			prometheus.Labels{"listener": l.name},
			func() uint64 { return n.servers[i].Silent() + n.silentHandshakes(l.name) },
		})
	}
	for _, c := range counters {
		r.MustRegister(prometheus.NewCounterFunc(
			prometheus.CounterOpts{Name: c.name, Help: c.help, ConstLabels: c.labels},
			func() float64 { return float64(c.read()) }))
	}
	return r
}

const dropped = "Datagrams on the media port that were dropped."

func reason(name string) prometheus.Labels { return prometheus.Labels{"reason": name} }
