package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/web"
)

const (
	// answerTime is how long a node may take to answer.
	answerTime = 5 * time.Second
	// examinationTime is how long it may take to examine itself: it asks others.
	examinationTime = 20 * time.Second
	// largestAnswer bounds an answer: some thousand rooms take a few megabytes.
	largestAnswer = 64 << 20
)

type statusCommand struct {
	Admin string `default:"${admin}" env:"ATOLL_ADMIN" help:"Address of the node's admin API."`
	JSON  bool   `name:"json" help:"For machines."`
}

// status is what --json prints: the answers of the admin API together.
type status struct {
	Cluster web.Cluster `json:"cluster"`
	Rooms   []web.Room  `json:"rooms"`
}

// Run asks a node and shows what it says.
func (c statusCommand) Run(s streams) error {
	base, err := adminURL(c.Admin)
	if err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	var all status
	var rooms web.Rooms
	if err := errors.Join(get(base+"/api/v1/cluster", &all.Cluster), get(base+"/api/v1/rooms", &rooms)); err != nil {
		return fmt.Errorf("no node answers at %s: %w", c.Admin, first(err))
	}
	all.Rooms = rooms.Rooms
	if c.JSON {
		encoder := json.NewEncoder(s.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	return show(s.out, all)
}

// first returns the first of joined errors: the second one says the same.
func first(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()[0]
	}
	return err
}

// adminURL returns where to ask: a listener for every address is asked on loopback.
func adminURL(text string) (string, error) {
	addr, err := config.ParseAddr(text)
	if err != nil {
		return "", err
	}
	if addr.Off || addr.Port == 0 {
		return "", fmt.Errorf("%q is no address to connect to", text)
	}
	if ip, err := netip.ParseAddr(addr.Host); addr.Host == "" || err == nil && ip.IsUnspecified() {
		addr.Host = "127.0.0.1"
		if err == nil && ip.Is6() {
			addr.Host = "::1"
		}
	}
	return "http://" + addr.String(), nil
}

// get asks for JSON, directly: an HTTP proxy of the environment has no business between a node and its operator.
func get(url string, to any) error { return getWithin(answerTime, url, to) }

func getWithin(patience time.Duration, url string, to any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DialContext: (&net.Dialer{}).DialContext, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body := io.LimitReader(response.Body, largestAnswer)
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(body, 200))
		return fmt.Errorf("%s: %s: %s", url, response.Status, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(body).Decode(to); err != nil {
		return fmt.Errorf("%s: not the answer of a node: %w", url, err)
	}
	return nil
}

// show writes tables for people.
func show(w io.Writer, s status) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				_, _ = fmt.Fprint(t, "\t")
			}
			_, _ = fmt.Fprint(t, printable(fmt.Sprint(c)))
		}
		_, _ = fmt.Fprintln(t)
	}
	row("NODE", "REGION", "STATE", "VERSION")
	for _, m := range s.Cluster.Members {
		name := m.Name
		if name == s.Cluster.Self {
			name += " (this one)"
		}
		state := m.State
		if m.Drain {
			state += ", draining"
		}
		row(name, or(m.Region, "-"), state, m.Version)
	}
	if len(s.Cluster.Links) > 0 {
		row()
		row("LINK TO", "RTT", "LOSS")
		for _, l := range s.Cluster.Links {
			row(l.To, fmt.Sprintf("%.1f ms", l.RTTms), fmt.Sprintf("%.1f %%", 100*l.Loss))
		}
	}
	row()
	if len(s.Rooms) == 0 {
		row("no rooms")
		return t.Flush()
	}
	row("ROOM", "PARTICIPANTS", "SOURCES", "NODES")
	for _, r := range s.Rooms {
		row(r.Name, len(r.Participants), len(r.Sources), strings.Join(r.Nodes, " "))
	}
	return t.Flush()
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// printable keeps what others chose, such as the names of rooms, from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}
