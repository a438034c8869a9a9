package hostile

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/node"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/tools/freeport"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// patience is how long something expected may take. A test that passes does not wait for it.
const patience = 10 * time.Second

// served is a running node.
type served struct {
	t                         *testing.T
	http, https, admin, media string // addresses
}

// serve runs a node on loopback, with further flags, until the test ends.
func serve(t *testing.T, flags ...string) *served {
	t.Helper()
	n := &served{t: t, http: freeport.Get(t), https: freeport.Get(t), admin: freeport.Get(t), media: freeport.Get(t)}
	stop := run(t, append([]string{
		"--http", n.http, "--https", n.https, "--admin", n.admin, "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--media", n.media, "--data", t.TempDir(),
	}, flags...)...)
	t.Cleanup(stop)
	return n
}

// run runs a node with flags until the function that it returns is called.
func run(t *testing.T, flags ...string) (stop func()) {
	t.Helper()
	cfg, err := config.Load(flags, nil)
	if err != nil {
		t.Fatal(err)
	}
	running, err := node.Start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := running.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
}

// get returns the answer of the admin listener.
func (n *served) get(path string) string {
	n.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + n.admin + path)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		n.t.Fatalf("GET %s: %d, %v", path, resp.StatusCode, err)
	}
	return string(body)
}

// metric returns the value of a metric, named as it is shown: with its labels.
func (n *served) metric(name string) float64 {
	n.t.Helper()
	lines := bufio.NewScanner(strings.NewReader(n.get("/metrics")))
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				n.t.Fatal(err)
			}
			return v
		}
	}
	n.t.Fatalf("no metric %s", name)
	return 0
}

// reaches waits until a metric has grown to at least want.
func (n *served) reaches(name string, want float64) {
	n.t.Helper()
	eventually(n.t, fmt.Sprintf("%s of %v", name, want), func() bool { return n.metric(name) >= want })
}

// occupants returns the endpoint ids in a room and the names of its sources.
func (n *served) occupants(room string) (endpoints, sources []string) {
	n.t.Helper()
	var answer struct {
		Rooms []struct {
			Name         string
			Participants []struct{ ID string }
			Sources      []struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(n.get("/api/v1/rooms")), &answer); err != nil {
		n.t.Fatal(err)
	}
	for _, r := range answer.Rooms {
		if r.Name != room+"@conference.localhost" {
			continue
		}
		for _, p := range r.Participants {
			endpoints = append(endpoints, p.ID)
		}
		for _, s := range r.Sources {
			sources = append(sources, s.Name)
		}
	}
	return endpoints, sources
}

// eventually waits for what becomes true by itself.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s", what)
		}
	}
}

// guest joins a room as a participant that behaves. With media it connects it once somebody else is there.
func (n *served) guest(room string, media bool) *participant.Participant {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	p, err := participant.Join(ctx, participant.Config{
		URL: "ws://" + n.http + "/xmpp-websocket", Domain: "localhost", Room: room, Name: room,
		SSRCs: participant.SSRCs{Audio: 1, Video: []uint32{2}, RTX: []uint32{3}}, SignallingOnly: !media,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(p.Vanish)
	return p
}

// works checks that two newcomers can hold a call: media connects and chat arrives.
func (n *served) works() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	a, b := n.guest("afterwards", true), n.guest("afterwards", true)
	for _, p := range []*participant.Participant{a, b} {
		if err := p.AwaitMedia(ctx); err != nil {
			n.t.Fatal(err)
		}
	}
	a.Chat("still here")
	if err := b.Await(ctx, "chat", said("still here")); err != nil {
		n.t.Fatal(err)
	}
	a.Leave()
	b.Leave()
}

func said(body string) func(participant.State) bool {
	return func(s participant.State) bool {
		return len(s.Chats) > 0 && s.Chats[len(s.Chats)-1].Body == body
	}
}
