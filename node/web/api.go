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
	State   string `json:"state"` // alive, draining, dead
	Version string `json:"version"`
}

// Link is one connection of the answering node to another.
type Link struct {
	To    string  `json:"to"`
	RTTms float64 `json:"rtt_ms"`
	Loss  float64 `json:"loss"` // 0 to 1
}

// Rooms is the answer of /api/v1/rooms: the rooms with somebody at the node.
type Rooms struct {
	Rooms []Room `json:"rooms"`
}

// Room is one room.
type Room struct {
	Name         string        `json:"name"` // bare JID
	Nodes        []string      `json:"nodes"`
	Participants []Participant `json:"participants"`
	Sources      []Source      `json:"sources"`
}

// Participant is one occupant of a room.
type Participant struct {
	ID   string `json:"id"`   // endpoint id
	Node string `json:"node"` // that serves it
}

// Source is one microphone, camera or screen.
type Source struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`                 // audio, video
	VideoType string `json:"video_type,omitempty"` // camera, desktop
	From      string `json:"from"`                 // node that it is pulled from; the own one for local participants
	Layers    []int  `json:"layers"`               // encodings that are received, 0 the lowest
}
