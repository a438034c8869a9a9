package link

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	noteEvery = time.Minute
	maxNoted  = 4096
)

// trouble writes what goes wrong with others to the log, once a minute for each peer and kind.
type trouble struct {
	log *slog.Logger

	mu    sync.Mutex
	noted map[noted]time.Time
}

type noted struct {
	kind string
	peer identity.Name // "": strangers, all together
}

func (t *trouble) note(kind string, peer identity.Name, addr net.Addr, err error) {
	now := time.Now()
	key := noted{kind, peer}
	t.mu.Lock()
	if last, ok := t.noted[key]; ok && now.Sub(last) < noteEvery {
		t.mu.Unlock()
		return
	}
	if len(t.noted) >= maxNoted {
		clear(t.noted)
	}
	if t.noted == nil {
		t.noted = make(map[noted]time.Time)
	}
	t.noted[key] = now
	t.mu.Unlock()
	args := []slog.Attr{slog.String("kind", kind)}
	if peer != "" {
		args = append(args, slog.String("peer", string(peer)))
	}
	if addr != nil {
		args = append(args, slog.String("address", addr.String()))
	}
	t.log.LogAttrs(context.Background(), slog.LevelWarn, "link trouble", append(args, slog.Any("error", err))...)
}
