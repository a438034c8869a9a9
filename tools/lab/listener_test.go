//go:build lab && linux

package lab_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// listener is a client without a browser, in a home of the lab: it sends a few sounds that say whose they are, and writes down
// whose it gets and who leaves.
type listener struct {
	*participant.Participant
	region string
	roll   *load.Roll
	quiet  context.CancelFunc
	done   sync.WaitGroup

	mu   sync.Mutex
	left []departure
}

// departure is an occupant's going, or our own.
type departure struct {
	endpoint string
	statuses []string // codes of XEP-0045
	at       time.Time
}

// listen brings a listener into a room at the node of its region. Its departures begin with its joining.
func (m *mesh) listen(region, room, password string) (*listener, error) {
	l := &listener{region: region, roll: load.NewRoll()}
	home := m.lab.Client(lab.Home(region))
	var err error
	ctx, cancel := context.WithTimeout(m.Context(), 20*time.Second)
	defer cancel()
	l.Participant, err = participant.Join(ctx, participant.Config{
		URL:    fmt.Sprintf("ws://%s/xmpp-websocket?room=%s", strings.TrimPrefix(lab.Origin(m.lab.Node(region)), "http://"), room),
		Domain: "localhost", Room: room, Name: "listener of " + region, Password: password, Network: home,
		SSRCs: participant.SSRCs{Audio: 1}, OnRTP: l.roll.RTP, OnStanza: l.stanza,
	})
	if err != nil {
		return nil, fmt.Errorf("listener of %s: %w", region, err)
	}
	speaking, quiet := context.WithCancel(context.Background())
	l.quiet = quiet
	l.done.Go(func() { l.speak(speaking) })
	return l, nil
}

// speak sends over every media session that there is, one after the other.
func (l *listener) speak(ctx context.Context) {
	for ctx.Err() == nil {
		if err := l.AwaitMedia(ctx); err != nil {
			return
		}
		_ = l.Bridge(map[string]any{
			"colibriClass": "ReceiverVideoConstraints", "lastN": -1, "defaultConstraints": map[string]any{"maxHeight": 0}, // no pictures
		})
		if t := l.Transport(); t != nil {
			_ = load.NewBeacon(l.Endpoint(), 1, 0).Send(ctx, t) // until the session ends
		}
		select {
		case <-time.After(100 * ms):
		case <-ctx.Done():
		}
	}
}

// leave ends a listener.
func (l *listener) leave() {
	l.quiet()
	l.done.Wait()
	l.Leave()
}

func (l *listener) stanza(_ []byte, st *stanza.Element) {
	if st.Local != "presence" || st.Attr("type") != "unavailable" {
		return
	}
	_, nick, _ := strings.Cut(st.Attr("from"), "/")
	d := departure{endpoint: nick, at: time.Now()}
	for _, x := range st.Children {
		for _, s := range x.Children {
			if x.Local == "x" && s.Local == "status" {
				d.statuses = append(d.statuses, s.Attr("code"))
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = append(l.left, d)
}

// departures returns who left since a moment.
func (l *listener) departures(since time.Time) []departure {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.left), func(d departure) bool { return d.at.Before(since) })
}

// roster returns the endpoints that a listener knows to be in the room, itself and the focus included, sorted.
func (l *listener) roster() (endpoints []string) {
	for nick := range l.State().Occupants {
		endpoints = append(endpoints, nick)
	}
	slices.Sort(endpoints)
	return endpoints
}

// says sends a line and checks that all listeners of a list, the sender too, read it exactly once.
func (l *listener) says(t *testing.T, line string, readers ...*listener) {
	t.Helper()
	l.Chat(line)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	count := func(s participant.State) (n int) {
		for _, c := range s.Chats {
			if c.From == l.Endpoint() && c.Body == line {
				n++
			}
		}
		return n
	}
	for _, r := range readers {
		if err := r.Await(ctx, fmt.Sprintf("%q of %s", line, l.region), func(s participant.State) bool { return count(s) > 0 }); err != nil {
			t.Error(err)
		}
	}
	for _, r := range readers {
		if n := count(r.State()); n > 1 {
			t.Errorf("the listener of %s reads %q %d times", r.region, line, n)
		}
	}
}
