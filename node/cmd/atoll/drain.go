package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/node/web"
)

type drainCommand struct {
	Admin    string        `default:"${admin}" env:"ATOLL_ADMIN" help:"Address of the node's admin API."`
	Deadline time.Duration `default:"60s" help:"When to stop whether or not everybody has moved."`
}

// Run has a node move everybody to other nodes and stop, and returns when nobody is left or the deadline is over.
func (c drainCommand) Run(s streams) error {
	base, err := adminURL(c.Admin)
	if err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	if c.Deadline < 0 {
		return fmt.Errorf("--deadline: %v is in the past", c.Deadline)
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Deadline+answerTime)
	defer cancel()
	query := url.Values{"deadline": {c.Deadline.String()}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/drain?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DialContext: (&net.Dialer{}).DialContext, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("no node answers at %s: %w", c.Admin, err)
	}
	defer func() { _ = response.Body.Close() }()
	body := io.LimitReader(response.Body, largestAnswer)
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(body, 200))
		return fmt.Errorf("drain: %s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	var d web.Drained
	if err := json.NewDecoder(body).Decode(&d); err != nil {
		return fmt.Errorf("drain: not the answer of a node: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "drained in %.1f s: %d moved, %d invited anew, %d without media, %d left\n",
		d.Seconds, d.Moved, d.Invited, d.Without, d.Left)
	return err
}
