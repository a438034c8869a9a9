package plain

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// Config says who joins which server.
type Config struct {
	URL     string
	SSRCs   *participant.SSRCs  // nil for a subscriber; the last of Video is what others get
	Both    bool                // a publisher gets what the others send
	Seat    int                 // of a publisher
	Of      int                 // seats in the room, 0 for 1
	Mute    bool                // there is no video
	Network participant.Network // nil for this machine's own
	OnRTP   func(*rtp.Header, []byte, time.Time)
	OnRTCP  func([]byte)
}

// Join connects with the transport that participants of a node use. It returns once media is connected.
func Join(ctx context.Context, cfg Config) (*participant.Transport, error) {
	offer, id, err := post(ctx, cfg.URL+"/offer?"+cfg.ask().Encode(), "")
	if err != nil {
		return nil, fmt.Errorf("ask for an offer: %w", err)
	}
	transport, err := participant.NewTransportOn(cfg.Network, cfg.OnRTP, cfg.OnRTCP)
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

func (cfg *Config) ask() url.Values {
	q := url.Values{"role": {"subscribe"}, "seat": {strconv.Itoa(cfg.Seat)}, "of": {strconv.Itoa(max(1, cfg.Of))}, "video": {"1"}}
	switch {
	case cfg.SSRCs == nil:
	case cfg.Both:
		q.Set("role", "both")
	default:
		q.Set("role", "publish")
	}
	if cfg.Mute {
		q.Set("video", "0")
	} else if cfg.SSRCs != nil {
		q.Set("video", strconv.Itoa(len(cfg.SSRCs.Video)))
	}
	return q
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
	var numbers []uint32 // of what we send, in the order of the m-lines
	if ssrcs != nil {
		numbers = append([]uint32{ssrcs.Audio}, ssrcs.Video...)
	}
	session, sections, _ := strings.Cut(offer, "\r\nm=")
	readRemote(&remote, session)
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
	for line := range strings.SplitSeq(session, "\r\n") {
		if strings.HasPrefix(line, "a=group:BUNDLE") {
			b.WriteString(line + "\r\n")
		}
	}
	for section := range strings.SplitSeq(sections, "\r\nm=") {
		section = "m=" + section
		readRemote(&remote, section)
		head, _, _ := strings.Cut(section, "\r\n")
		direction, number := "recvonly", uint32(0)
		if strings.Contains(section, "\r\na=recvonly") && len(numbers) > 0 {
			direction, number, numbers = "sendonly", numbers[0], numbers[1:]
		}
		fmt.Fprintf(&b, "%s\r\nc=IN IP4 0.0.0.0\r\na=%s\r\na=rtcp-mux\r\na=setup:active\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\n",
			head, direction, ufrag, pwd, fingerprint)
		for _, c := range candidates {
			fmt.Fprintf(&b, "a=candidate:%s\r\n", c)
		}
		if number != 0 {
			fmt.Fprintf(&b, "a=ssrc:%d cname:load\r\na=msid:s %d\r\n", number, number)
		}
		for line := range strings.SplitSeq(section, "\r\n") {
			switch key, _, _ := strings.Cut(line, ":"); key {
			case "a=mid", "a=rtpmap", "a=fmtp", "a=rtcp-fb", "a=extmap":
				b.WriteString(line + "\r\n")
			}
		}
	}
	return b.String(), remote, nil
}

func readRemote(r *participant.Remote, section string) {
	for line := range strings.SplitSeq(section, "\r\n") {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "a=ice-ufrag":
			r.Ufrag = value
		case "a=ice-pwd":
			r.Pwd = value
		case "a=fingerprint":
			r.Fingerprint = strings.TrimPrefix(value, "sha-256 ")
		case "a=candidate":
			if !strings.Contains(value, " 2 udp") && !slices.Contains(r.Candidates, value) {
				r.Candidates = append(r.Candidates, value)
			}
		}
	}
}
