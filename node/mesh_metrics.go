package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/cascade/link"
	"github.com/atoll-mesh/atoll/cascade/member"
)

// meshMetrics show the cluster as this node sees it: members by state, and one series per link, named by the peer and its
// region. Counters of a link begin when the peer is a member and end with it.
type meshMetrics struct{ node *Node }

var (
	membersDesc  = desc("atoll_cluster_members", "Nodes of the cluster as this one sees it, itself included.", "state")
	drainingDesc = desc("atoll_cluster_members_draining", "Living nodes that take nobody new.")

	linkUpDesc        = linkDesc("atoll_link_up", "1 while heartbeats go both ways.")
	linkConnectedDesc = linkDesc("atoll_link_connected", "1 while the control connection stands; small clusters connect all, large ones those that share a room.")
	linkRTTDesc       = linkDesc("atoll_link_round_trip_seconds", "Smoothed round trip of heartbeats, 0 when not known.")
	linkLossDesc      = linkDesc("atoll_link_loss_ratio", "Heartbeats to the peer that were lost, 0 to 1.")

	linkSentDesc          = linkDesc("atoll_link_sent_packets_total", "Media packets and feedback sent to the peer.", "class")
	linkSentBytesDesc     = linkDesc("atoll_link_sent_bytes_total", "Bytes of media packets and feedback sent to the peer.", "class")
	linkDroppedDesc       = linkDesc("atoll_link_dropped_packets_total", "Media packets that the link was too thin for.", "class")
	linkReceivedDesc      = linkDesc("atoll_link_received_packets_total", "Media packets and feedback received from the peer.")
	linkReceivedBytesDesc = linkDesc("atoll_link_received_bytes_total", "Bytes of media packets and feedback received from the peer.")

	framesSentDesc     = linkDesc("atoll_link_sent_frames_total", "Control frames sent to the peer.")
	framesReceivedDesc = linkDesc("atoll_link_received_frames_total", "Control frames received from the peer.")
	framesUnknownDesc  = linkDesc("atoll_link_unknown_frames_total", "Control frames of a newer version that were skipped.")
	framesRejectedDesc = linkDesc("atoll_link_rejected_frames_total", "Control frames that broke a rule.")

	strangersDesc = desc("atoll_mesh_strangers_total", "Datagrams at the link port from nobody that is a member: neither QUIC nor of this cluster (foreign), of this cluster (unknown).", "kind")
	handshakeDesc = desc("atoll_mesh_handshakes_total", "QUIC handshakes begun at the link port, those of members among them.")

	pulledDesc = desc("atoll_sources_pulled", "Subscriptions to sources of other nodes, those of backups included.")
	servedDesc = desc("atoll_sources_served", "Subscriptions of other nodes to sources that this one has or relays.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

func linkDesc(name, help string, labels ...string) *prometheus.Desc {
	return desc(name, help, append([]string{"peer", "region"}, labels...)...)
}

// classes are the classes of media as labels.
var classes = [link.Classes]string{link.Audio: "audio", link.Speaker: "speaker", link.Video: "video", link.Discardable: "discardable"}

// Describe names no metric in advance: which there are depends on the peers.
func (meshMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect reads what the mesh knows now.
func (c meshMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	count := func(d *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}

	members := c.node.mesh.Members()
	states, draining := map[member.State]int{}, 0
	regions := map[identity.Name]string{}
	for _, m := range members {
		states[m.State]++
		regions[m.Name] = m.Region
		if m.State == member.Alive && m.Drain {
			draining++
		}
	}
	for _, s := range []member.State{member.Alive, member.Left, member.Dead} {
		gauge(membersDesc, float64(states[s]), s.String())
	}
	gauge(drainingDesc, float64(draining))

	for _, l := range c.node.mesh.Links() {
		peer, region := string(l.Name), regions[l.Name]
		gauge(linkUpDesc, truth(l.Alive), peer, region)
		gauge(linkConnectedDesc, truth(l.Control), peer, region)
		gauge(linkRTTDesc, l.RTT.Seconds(), peer, region)
		gauge(linkLossDesc, l.Loss, peer, region)
		for class, name := range classes {
			count(linkSentDesc, l.Sent[class].Packets, peer, region, name)
			count(linkSentBytesDesc, l.Sent[class].Bytes, peer, region, name)
			count(linkDroppedDesc, l.Dropped[class].Packets, peer, region, name)
		}
		count(linkReceivedDesc, l.Received.Packets, peer, region)
		count(linkReceivedBytesDesc, l.Received.Bytes, peer, region)
		count(framesSentDesc, l.FramesOut.Packets, peer, region)
		count(framesReceivedDesc, l.FramesIn.Packets, peer, region)
		count(framesUnknownDesc, l.Unknown, peer, region)
		count(framesRejectedDesc, l.Misbehaved, peer, region)
	}

	strangers := c.node.mesh.Strangers()
	count(strangersDesc, strangers.Datagrams, "foreign")
	count(strangersDesc, strangers.Heartbeats, "unknown")
	count(handshakeDesc, strangers.Handshakes)

	pulled, served := c.node.mesh.Subscriptions()
	gauge(pulledDesc, float64(pulled))
	gauge(servedDesc, float64(served))
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
