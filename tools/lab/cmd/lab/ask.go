//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/emulator"
)

var errNotUp = errors.New("no lab is up")

// ask makes one request to the lab that is up.
func ask(method, path string, body []byte) ([]byte, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", control)
		},
	}}
	request, err := http.NewRequest(method, "http://lab"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) {
		return nil, errNotUp
	} else if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(answer)))
	}
	return answer, err
}

func status() error {
	answer, err := ask(http.MethodGet, "/links", nil)
	if err != nil {
		return err
	}
	var links map[string]emulator.State
	if err := json.Unmarshal(answer, &links); err != nil {
		return fmt.Errorf("read status: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(links)) {
		i, s := links[name].Impairment, links[name].Stats
		state := fmt.Sprintf("%v +%v, loss %g, rate %d, queue %d", i.Delay, i.Jitter, i.Loss, i.Rate, i.Queue)
		if i.Down {
			state += ", down"
		}
		fmt.Printf("%-8s  %s; %d packets offered, %d delivered, %d lost, %d overflowed, %d cut\n",
			name, state, s.Offered, s.Delivered, s.Lost, s.Overflow, s.Cut)
	}
	return nil
}

func set(from, to string, pairs []string) error {
	change := map[string]any{}
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		parsed, err := parse(key, value)
		if err != nil {
			return fmt.Errorf("%s: %w", pair, err)
		}
		change[key] = parsed
	}
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	_, err = ask(http.MethodPost, "/links/"+from+"/"+to, body)
	return err
}

func parse(key, value string) (any, error) {
	switch key {
	case "delay", "jitter":
		d, err := time.ParseDuration(value)
		return d, err
	case "loss":
		return strconv.ParseFloat(value, 64)
	case "rate", "queue":
		return strconv.ParseInt(value, 10, 64)
	case "down":
		return strconv.ParseBool(value)
	}
	return nil, errors.New("want delay, jitter, loss, rate, queue or down")
}

// down ends the lab that is up, if one is, and removes the leftovers of others.
func down() error {
	_, err := ask(http.MethodPost, "/stop", nil)
	for deadline := time.Now().Add(15 * time.Second); err == nil; {
		if time.Now().After(deadline) {
			return errors.New("the lab that is up does not end")
		}
		time.Sleep(100 * time.Millisecond)
		_, err = os.Stat(control)
	}
	if !errors.Is(err, errNotUp) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	removed, err := lab.Sweep()
	for _, prefix := range removed {
		fmt.Println("removed", prefix)
	}
	if gone := os.Remove(control); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
