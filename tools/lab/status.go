//go:build linux

package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ClusterStatus is what a node says of its cluster, as an operator's script reads it.
type ClusterStatus struct {
	Self    string `json:"self"`
	Members []struct {
		Name    string `json:"name"`
		Region  string `json:"region"`
		State   string `json:"state"`
		Address string `json:"address"` // of its gossip
		Self    bool   `json:"self"`
	} `json:"members"`
	Links []LinkStatus `json:"links"`
}

// LinkStatus is what a node says of its link to another.
type LinkStatus struct {
	To      string  `json:"to"`
	Up      bool    `json:"up"`
	Control bool    `json:"control"`
	Media   bool    `json:"media"`
	RTT     float64 `json:"rtt_ms"`
	Loss    float64 `json:"loss"`
	Sent    uint64  `json:"sent_bytes"`
	Dropped struct {
		Audio, Speaker, Video, Discardable uint64
	} `json:"dropped"`
}

// RoomStatus is what a node says of a room.
type RoomStatus struct {
	Name         string   `json:"name"`
	Nodes        []string `json:"nodes"`
	Sequencer    string   `json:"sequencer"`
	Participants []struct {
		ID   string `json:"id"`
		Node string `json:"node"`
	} `json:"participants"`
	Sources []SourceStatus `json:"sources"`
}

// SourceStatus is what a node says of a source.
type SourceStatus struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Node      string   `json:"node"`
	Upstream  string   `json:"upstream"`
	Path      []string `json:"path"`
	Height    int      `json:"height"`
	RelayedTo []string `json:"relayed_to"`
}

// Cluster asks a node of its cluster.
func (m *Member) Cluster(ctx context.Context) (status ClusterStatus, err error) {
	err = m.ask(ctx, "/api/v1/cluster", &status)
	return status, err
}

// Link asks a node of its link to another.
func (m *Member) Link(ctx context.Context, to *Member) (LinkStatus, error) {
	status, err := m.Cluster(ctx)
	if err != nil {
		return LinkStatus{}, err
	}
	for _, l := range status.Links {
		if l.To == to.Name {
			return l, nil
		}
	}
	return LinkStatus{}, fmt.Errorf("%s has no link to %s", m.Region, to.Region)
}

// Room asks a node of a room, given by the part of its address before the @.
func (m *Member) Room(ctx context.Context, name string) (RoomStatus, error) {
	var answer struct {
		Rooms []RoomStatus `json:"rooms"`
	}
	if err := m.ask(ctx, "/api/v1/rooms", &answer); err != nil {
		return RoomStatus{}, err
	}
	for _, r := range answer.Rooms {
		if strings.HasPrefix(r.Name, name+"@") {
			return r, nil
		}
	}
	return RoomStatus{}, fmt.Errorf("%s knows no room %s", m.Region, name)
}

// Source returns a source of a room.
func (r RoomStatus) Source(name string) (SourceStatus, error) {
	at := slices.IndexFunc(r.Sources, func(s SourceStatus) bool { return s.Name == name })
	if at < 0 {
		return SourceStatus{}, fmt.Errorf("no source %s in %s", name, r.Name)
	}
	return r.Sources[at], nil
}

func (m *Member) ask(ctx context.Context, path string, answer any) error {
	body, err := m.host.Get(ctx, "http://127.0.0.1:9090"+path)
	if err != nil {
		return fmt.Errorf("node in %s: %w", m.Region, err)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("node in %s: %s: %w", m.Region, path, err)
	}
	return nil
}
