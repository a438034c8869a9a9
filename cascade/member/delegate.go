package member

import (
	"encoding/binary"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	greetingVersion = 1
	mostDomain      = 253
	greetingHeader  = 9
	greetingName    = greetingHeader + 10 // the domain follows
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
	return append(append(b, d.list.self...), d.list.cfg.Domain...)
}

func (d delegate) MergeRemoteState(b []byte, _ bool) {
	if len(b) < greetingName || b[0] != greetingVersion {
		return
	}
	now := time.Now()
	theirs := time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:])))
	name, err := identity.ParseName(string(b[greetingHeader:greetingName]))
	if off := theirs.Sub(now); err == nil && off.Abs() > ahead {
		d.list.gripes.say(otherClock, "peer", string(name), "ahead", off.Round(time.Second))
	}
	domain := string(b[greetingName:])
	if own := d.list.cfg.Domain; err == nil && own != "" && domain != "" && domain != own && len(domain) <= mostDomain {
		d.list.gripes.say(otherDomain, "peer", string(name), "theirs", domain, "ours", own)
	}
}
