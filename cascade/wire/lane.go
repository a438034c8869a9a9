package wire

// Lanes is how many streams each direction of a link has.
const Lanes = 8

const (
	laneLink  = 0         // about the link itself
	laneRelay = Lanes - 1 // frames for others
)

// Lane returns the stream that a frame takes. Frames of one room stay in order, whatever they are about.
func Lane(f Frame) uint8 {
	var of string
	switch f := f.(type) {
	case Hello, LinkState:
		return laneLink
	case Relayed:
		return laneRelay
	default:
		of = RoomOf(f)
	}
	sum := uint32(2166136261) // FNV-1a
	for i := range len(of) {
		sum = (sum ^ uint32(of[i])) * 16777619
	}
	return uint8(1 + sum%(laneRelay-1))
}

// RoomOf returns the room that a frame is about, "" for those about the link.
func RoomOf(f Frame) string {
	switch f := f.(type) {
	case Claim:
		return f.Room
	case ClaimAnswer:
		return f.Room
	case Lease:
		return f.Room
	case Release:
		return f.Room
	case Holders:
		return f.Room
	case Replica:
		return f.Room
	case Command:
		return f.Room
	case Refused:
		return f.Room
	case Deliver:
		return f.Room
	case Directed:
		return f.Room
	case Note:
		return f.Room
	case Order:
		return f.Room
	case Dominant:
		return f.Room
	case Recall:
		return f.Room
	case Recalled:
		return f.Room
	case Subscribe:
		return f.Room
	case Update:
		return f.Room
	case Unsubscribe:
		return f.Room
	case Subscribed:
		return f.Room
	case Prepare:
		return f.Room
	case Prepared:
		return f.Room
	case Answered:
		return f.Room
	case PathState:
		return f.Room
	case Take:
		return f.Room
	case Taken:
		return f.Room
	case Drop:
		return f.Room
	}
	return ""
}
