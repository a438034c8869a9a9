package plain

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// Config says who joins which server.
type Config struct {
	URL    string
	SSRCs  *participant.SSRCs // nil for a subscriber
	OnRTP  func(*rtp.Header, []byte, time.Time)
	OnRTCP func([]byte)
}

// Join connects with the transport that participants of a node use. It returns once media is connected.
func Join(ctx context.Context, cfg Config) (*participant.Transport, error) {
	role := "subscribe"
	if cfg.SSRCs != nil {
		role = "publish"
	}
	offer, id, err := post(ctx, cfg.URL+"/offer?role="+role, "")
	if err != nil {
		return nil, fmt.Errorf("ask for an offer: %w", err)
	}
	transport, err := participant.NewTransport(cfg.OnRTP, cfg.OnRTCP)
	if err != nil {
		return nil, err
	}
	answer, remote, err := answerTo(offer, transport, cfg.SSRCs)
	if err == nil {
		_, _, err = post(ctx, cfg.URL+"/answer?id="+id, answer)
	}
	if err == nil {
		err = transport.Connect(ctx, remote)
	}
	if err != nil {
		transport.Close(false)
		return nil, err
	}
	return transport, nil
}

func post(ctx context.Context, url, body string) (answer, id string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return "", "", err
	}
	req.Close = true // no idle connection stays behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, raw)
	}
	return string(raw), resp.Header.Get("X-Id"), err
}

// answerTo mirrors the m-lines of the offer.
func answerTo(offer string, t *participant.Transport, ssrcs *participant.SSRCs) (string, participant.Remote, error) {
	var remote participant.Remote
	ufrag, pwd, fingerprint, err := t.Local()
	if err != nil {
		return "", remote, err
	}
	candidates, err := t.LocalCandidates()
	if err != nil {
		return "", remote, err
	}
	direction := "recvonly"
	if ssrcs != nil {
		direction = "sendonly"
	}
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n")
	for line := range strings.SplitSeq(offer, "\r\n") {
		key, value, _ := strings.Cut(line, ":")
		switch {
		case key == "a=ice-ufrag":
			remote.Ufrag = value
		case key == "a=ice-pwd":
			remote.Pwd = value
		case key == "a=fingerprint":
			remote.Fingerprint = strings.TrimPrefix(value, "sha-256 ")
		case key == "a=candidate" && !strings.Contains(value, " 2 udp"):
			if !slices.Contains(remote.Candidates, value) {
				remote.Candidates = append(remote.Candidates, value)
			}
		case strings.HasPrefix(line, "m="):
			fmt.Fprintf(&b, "%s\r\nc=IN IP4 0.0.0.0\r\na=%s\r\na=rtcp-mux\r\na=setup:active\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\n",
				line, direction, ufrag, pwd, fingerprint)
			for _, c := range candidates {
				fmt.Fprintf(&b, "a=candidate:%s\r\n", c)
			}
			if ssrcs != nil {
				ssrc := ssrcs.Audio
				if strings.HasPrefix(line, "m=video") {
					ssrc = ssrcs.Video[0]
				}
				fmt.Fprintf(&b, "a=ssrc:%d cname:load\r\na=msid:s %d\r\n", ssrc, ssrc)
			}
		case key == "a=mid" || key == "a=rtpmap" || key == "a=fmtp":
			b.WriteString(line + "\r\n")
		}
	}
	return b.String(), remote, nil
}
