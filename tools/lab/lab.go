// Package lab runs real nodes and real browsers on a network of its own inside this machine.
//
// A [Topology] names regions and the links between them. Each region R (1, 2, ... in the order given) is a router, node
// places and client places, every one a network namespace:
//
//	10.R.1.10    fd00:R:1::10    node        10.R.2.10    fd00:R:2::10    client
//	10.R.11.10   fd00:R:11::10   node 2 ...  10.R.21.10   fd00:R:21::10   client 2 ...
//	10.R.3.10    fd00:R:3::10    the outside of a NAT, 192.168.77.10 and fd77::10 the client behind it
//
// Between regions package emulator carries the packets and package wan decides when they arrive and whether. Inside a region
// nothing is delayed: a client that shall be far from a node gets a region of its own. Nothing reaches the machine's own
// network.
//
//	l := lab.New(t, lab.Topology{
//		Regions: []lab.Region{{Name: "eu"}, {Name: "us"}},
//		Links:   []lab.Link{{A: "eu", B: "us", Impairment: wan.Impairment{Delay: 40 * time.Millisecond}}},
//	})
//	node, err := l.Node("eu").Start("node", "bin/atoll", "run")
//	browser, err := l.Browser(l.Client("us"), lab.BrowserOptions{...})
//
// A [Cluster] is nodes in several regions that share a secret. People then live in homes of their own, near a node
// ([Topology.WithHomes]), so that cutting nodes from each other leaves people and nodes together, and somebody whose node died can
// reach another.
//
// Everything a lab makes carries the prefix atl<pid>-<n> and is removed by Close, which New arranges for the end of the test.
// What a killed process left behind is removed by the next lab, or by [Sweep]. Whose leftovers are stale is told by a lock
// that a living owner holds in /run/atoll-lab, not by the pid alone.
//
// The lab needs root, Linux, iproute2, and for browsers chromium, Node and the packages in the browser folder;
// install.sh installs them. Tests that use it carry the build tag lab, and fail where it cannot run. Run one at a time.
package lab
