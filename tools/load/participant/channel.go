package participant

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/coder/websocket"
)

// Mapping is one entry of a VideoSourcesMap or AudioSourcesMap.
type Mapping struct {
	Source    string `json:"source"`
	Owner     string `json:"owner"`
	SSRC      uint32 `json:"ssrc"`
	RTX       uint32 `json:"rtx"`
	VideoType string `json:"videoType"`
}

// How often and how soon a bridge channel is opened again.
const (
	channelTries = 20
	channelAgain = 200 * time.Millisecond
)

// openChannel opens the bridge channel of the session whose transport is session. It is read until the session ends.
func (p *Participant) openChannel(ctx context.Context, url string, session *Transport) error {
	client, over := dialer(p.cfg.Network)
	defer over()
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client})
	for tries := 0; err != nil && tries < channelTries && ctx.Err() == nil; tries++ { // as clients do: its node may be about to change
		time.Sleep(channelAgain)
		ws, _, err = websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client})
	}
	if err != nil {
		return fmt.Errorf("open bridge channel %s: %w", url, err)
	}
	ws.SetReadLimit(1 << 20)
	p.mu.Lock()
	ended := p.transport != session
	if !ended {
		p.channel = ws
	}
	asked := p.asked
	p.mu.Unlock()
	if ended {
		_ = ws.CloseNow()
		return nil
	}
	p.done.Go(func() {
		for {
			_, raw, err := ws.Read(p.life)
			if err != nil {
				return
			}
			p.bridgeMessage(raw)
		}
	})
	if asked == nil {
		asked = map[string]any{
			"colibriClass": receiverConstraints, "lastN": -1, "defaultConstraints": map[string]any{"maxHeight": 720},
		}
	}
	if p.cfg.Muted && len(p.cfg.SSRCs.Video) > 0 {
		if err := p.Bridge(map[string]any{
			"colibriClass": "SourceVideoTypeMessage", "sourceName": p.Endpoint() + "-v0", "videoType": "none",
		}); err != nil {
			return err
		}
	}
	return p.Bridge(asked)
}

const receiverConstraints = "ReceiverVideoConstraints"

// Bridge sends one JSON message over the bridge channel. What it asks for as a receiver is asked for again when the channel is opened
// anew, as clients do.
func (p *Participant) Bridge(message any) error {
	raw, err := json.Marshal(message)
	if err != nil {
		return err
	}
	p.mu.Lock()
	ws := p.channel
	if m, ok := message.(map[string]any); ok && m["colibriClass"] == receiverConstraints {
		p.asked = m
	}
	p.mu.Unlock()
	if ws == nil {
		return fmt.Errorf("send on the bridge channel: it is not open")
	}
	return ws.Write(p.life, websocket.MessageText, raw)
}

func (p *Participant) bridgeMessage(raw []byte) {
	var m struct {
		Class  string    `json:"colibriClass"`
		Mapped []Mapping `json:"mappedSources"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return
	}
	p.mu.Lock()
	switch m.Class {
	case "VideoSourcesMap", "AudioSourcesMap":
		for _, x := range m.Mapped {
			p.maps[x.SSRC] = x
		}
	}
	p.mu.Unlock()
	if p.cfg.OnBridge != nil {
		p.cfg.OnBridge(raw)
	}
	p.tell()
}
