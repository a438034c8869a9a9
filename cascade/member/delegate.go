package member

import (
	"encoding/binary"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	greetingVersion = 1
	greetingHeader  = 9
)

// delegate gives memberlist the node's metadata and compares clocks.
type delegate struct{ list *List }

var _ memberlist.Delegate = delegate{}

func (d delegate) NodeMeta(int) []byte { return d.list.table.metadata() }

// NotifyMsg is given what a node that leaves tells everybody itself.
func (d delegate) NotifyMsg(b []byte) { d.list.table.farewell(b) }

func (delegate) GetBroadcasts(int, int) [][]byte { return nil }

func (d delegate) LocalState(bool) []byte {
	b := binary.BigEndian.AppendUint64([]byte{greetingVersion}, uint64(time.Now().UnixMilli()))
	return append(b, d.list.self...)
}

func (d delegate) MergeRemoteState(b []byte, _ bool) {
	if len(b) < greetingHeader || b[0] != greetingVersion {
		return
	}
	now := time.Now()
	theirs := time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:])))
	name, err := identity.ParseName(string(b[greetingHeader:]))
	if off := theirs.Sub(now); err == nil && off.Abs() > ahead {
		d.list.gripes.say(otherClock, "peer", string(name), "ahead", off.Round(time.Second))
	}
}
