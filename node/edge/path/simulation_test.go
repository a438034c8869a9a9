package path

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// world is two paths and the network between them, in virtual time.
type world struct {
	t       testing.TB
	now     time.Time
	random  *rand.Rand
	server  *Path
	client  *Path
	delay   time.Duration
	loss    float64
	nat     func(client netip.AddrPort) netip.AddrPort // how the server sees an address, the zero value: blocked
	flying  []flight
	events  []Event // of the server
	nominal int     // nominating checks of the server
	sent    int     // datagrams of the server
}

type flight struct {
	at       time.Time
	toServer bool
	pair     Pair // as the receiver sees it
	data     []byte
}

var (
	serverAddr  = netip.MustParseAddrPort("192.0.2.1:10000")
	clientAddr  = netip.MustParseAddrPort("198.51.100.7:50000")
	clientAddr2 = netip.MustParseAddrPort("203.0.113.9:50001")
	serverCreds = Credentials{"serverufrag", "serverpasswordserverpassword"}
	clientCreds = Credentials{"clientufrag", "clientpasswordclientpassword"}
)

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{t: t, now: time.Unix(1_700_000_000, 0), random: rand.New(rand.NewPCG(seed, 1)), delay: 20 * time.Millisecond}
	w.nat = func(a netip.AddrPort) netip.AddrPort { return a }
	w.server = New(Config{Local: serverCreds, Switches: Switches{true, true, true, true, false}, Random: w.random.Uint64})
	w.client = New(Config{Local: clientCreds, Switches: Switches{true, true, false, true, false}, Random: w.random.Uint64})
	w.client.controlled = true
	w.client.SetRemote(w.now, serverCreds)
	return w
}

// gather makes the client check the server from one of its addresses.
func (w *world) gather(from netip.AddrPort) {
	w.client.open(w.now, Pair{serverAddr, from.Addr()}, serverCreds.Ufrag)
	w.client.Take()
}

func (w *world) clientAddr(local netip.Addr) netip.AddrPort {
	if local == clientAddr2.Addr() {
		return clientAddr2
	}
	return clientAddr
}

// pump moves what the paths want to send into the network.
func (w *world) pump() {
	datagrams, events := w.server.Take()
	w.events = append(w.events, events...)
	for _, d := range datagrams {
		w.sent++
		if d.Data[1] == 1 && nominates(d.Data) {
			w.nominal++
		}
		for _, a := range []netip.AddrPort{clientAddr, clientAddr2} {
			if w.nat(a) == d.Pair.Remote {
				w.fly(false, Pair{serverAddr, a.Addr()}, d.Data)
			}
		}
	}
	datagrams, _ = w.client.Take()
	for _, d := range datagrams {
		if seen := w.nat(w.clientAddr(d.Pair.Local)); seen.IsValid() {
			w.fly(true, Pair{seen, serverAddr.Addr()}, d.Data)
		}
	}
}

func (w *world) fly(toServer bool, at Pair, data []byte) {
	if w.random.Float64() < w.loss {
		return
	}
	w.flying = append(w.flying, flight{w.now.Add(w.delay), toServer, at, slices.Clone(data)})
}

// run lets the world go on for d, or until done.
func (w *world) run(d time.Duration, done func() bool) bool {
	end := w.now.Add(d)
	for !w.now.After(end) {
		w.pump()
		if done != nil && done() {
			return true
		}
		next := end.Add(1)
		for _, t := range []time.Time{w.server.Next(), w.client.Next()} {
			if !t.IsZero() && t.Before(next) {
				next = t
			}
		}
		for _, f := range w.flying {
			if f.at.Before(next) {
				next = f.at
			}
		}
		if !next.After(w.now) {
			next = w.now.Add(time.Millisecond)
		}
		w.now = next
		var due []flight
		w.flying = slices.DeleteFunc(w.flying, func(f flight) bool {
			if f.at.After(w.now) {
				return false
			}
			due = append(due, f)
			return true
		})
		for _, f := range due {
			if f.toServer {
				w.server.Input(w.now, f.pair, f.data)
			} else {
				w.client.Input(w.now, f.pair, f.data)
			}
		}
		w.server.Tick(w.now)
		w.client.Tick(w.now)
	}
	return false
}

func (w *world) selected() netip.AddrPort {
	if w.server.selected == nil {
		return netip.AddrPort{}
	}
	return w.server.selected.Remote
}

func (w *world) count(k EventKind) int {
	n := 0
	for _, e := range w.events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

// connect brings up a path over clientAddr.
func (w *world) connect() {
	w.t.Helper()
	w.gather(clientAddr)
	w.server.SetRemote(w.now, clientCreds)
	if !w.run(5*time.Second, func() bool { return w.selected() == clientAddr }) {
		w.t.Fatal("no pair was selected")
	}
}
