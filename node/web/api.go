package web

// Cluster is the answer of /api/v1/cluster.
type Cluster struct {
	Self    string   `json:"self"` // name of the node that answers
	Members []Member `json:"members"`
	Links   []Link   `json:"links"`
}

// Member is one node of the cluster.
type Member struct {
	Name    string `json:"name"`
	Region  string `json:"region"`
	State   string `json:"state"`   // alive, dead, left
	Address string `json:"address"` // of its gossip, host:port
	Self    bool   `json:"self"`    // the node that answers
	Version string `json:"version"`
	Drain   bool   `json:"drain"` // takes nobody new
}

// Link is what connects the answering node to another. Counters begin with the first connection to that node.
type Link struct {
	To      string  `json:"to"`
	Up      bool    `json:"up"`      // heartbeats come
	Control bool    `json:"control"` // the control connection stands
	Media   bool    `json:"media"`   // a connection for media stands, of either side's
	RTTms   float64 `json:"rtt_ms"`
	Loss    float64 `json:"loss"` // 0 to 1

	SentPackets     uint64  `json:"sent_packets"` // of media and its feedback
	SentBytes       uint64  `json:"sent_bytes"`
	ReceivedPackets uint64  `json:"received_packets"`
	ReceivedBytes   uint64  `json:"received_bytes"`
	Dropped         Dropped `json:"dropped"`
}

// Dropped counts what a link was too thin for, before it was sent.
type Dropped struct {
	Audio       uint64 `json:"audio"`
	Speaker     uint64 `json:"speaker"` // video of the dominant speaker
	Video       uint64 `json:"video"`
	Discardable uint64 `json:"discardable"` // video that nothing else refers to
}

// Drained is the answer of /api/v1/drain.
type Drained struct {
	Moved   int     `json:"moved"`   // participants whose media went on
	Invited int     `json:"invited"` // who began a new media session at another node
	Without int     `json:"without"` // who had no media, or lost it
	Left    int     `json:"left"`    // who were still here at the deadline
	Seconds float64 `json:"seconds"`
}

// Rooms is the answer of /api/v1/rooms: the rooms with somebody at the node.
type Rooms struct {
	Rooms []Room `json:"rooms"`
}

// Room is one room, with what the answering node knows of all of it.
type Room struct {
	Name         string        `json:"name"`  // bare JID
	Nodes        []string      `json:"nodes"` // with somebody in it
	Sequencer    string        `json:"sequencer"`
	Participants []Participant `json:"participants"`
	Sources      []Source      `json:"sources"`
}

// Participant is one occupant of a room.
type Participant struct {
	ID   string `json:"id"`   // endpoint id
	Node string `json:"node"` // that serves it
}

// Source is one microphone, camera or screen, and which way it comes to the answering node and leaves it.
type Source struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`                 // audio, video
	VideoType string   `json:"video_type,omitempty"` // camera, desktop
	Node      string   `json:"node"`                 // of its owner
	From      string   `json:"from"`                 // node that it is pulled from; the own one for local participants
	Upstream  string   `json:"upstream"`             // the same; "" when it is local, or not pulled because nobody here wants it
	Path      []string `json:"path"`                 // that it comes by, its owner's node first, the answering one last; none when it is not pulled
	Height    int      `json:"height"`               // that is pulled, or wanted of a local one; 0 when nobody wants it
	RelayedTo []string `json:"relayed_to"`           // nodes that pull it from this one
	Layers    []int    `json:"layers"`               // encodings that are received, 0 the lowest
}

// Nearest is the answer of /api/v1/nearest, to whoever asks, and is in /config.js as "nearest" when there is a choice.
type Nearest struct {
	Node       string      `json:"node"` // that answers
	Region     string      `json:"region"`
	Draining   bool        `json:"draining"`   // it takes nobody new: go to another
	Candidates []Candidate `json:"candidates"` // for the one who asks, the best guess first, at most three
}

// Candidate is a node that the one who asks could use.
type Candidate struct {
	Node   string `json:"node"`
	Region string `json:"region"`
	URL    string `json:"url"` // its own origin; "" when it has none
}

// Measured is what is posted to /api/v1/nearest: round trips that a page has measured, of at most eight nodes.
type Measured struct {
	Trips []Trip `json:"trips"`
}

// Trip is the round trip between a page and a node.
type Trip struct {
	Node  string  `json:"node"`
	RTTms float64 `json:"rtt_ms"`
}
