package wire

// FirstTunnel is the lowest number in a flow that is no subscription: a move plus FirstTunnel is the tunnel of its sealed
// packets.
const FirstTunnel = 1 << 31

// Tunnel says what the sealed packet in a datagram is: of which move, who gave its number, and which way it goes.
type Tunnel struct {
	Move   uint32
	Theirs bool // the number was given by who the datagram is for
	Uplink bool // from the client to its owner; else to the client
}

// Flow returns what the tunnel's packets have before them.
func (t Tunnel) Flow() Flow {
	f := Flow{Sub: FirstTunnel + t.Move, Feedback: t.Theirs}
	if t.Uplink {
		f.Encoding = 1
	}
	return f
}

// Tunnel returns which tunnel a flow is of, false when it is of a subscription or of nothing that is known.
func (f Flow) Tunnel() (Tunnel, bool) {
	return Tunnel{Move: f.Sub - FirstTunnel, Theirs: f.Feedback, Uplink: f.Encoding == 1}, f.Sub > FirstTunnel && f.Encoding <= 1
}
