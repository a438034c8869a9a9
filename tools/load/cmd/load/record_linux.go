package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
	"github.com/atoll-mesh/atoll/tools/load/trace"
)

type recordCommand struct {
	Node   string        `help:"Binary of the node." default:"bin/atoll" type:"existingfile"`
	Codec  string        `help:"What the browser sends." enum:"vp8,av1" default:"vp8"`
	Length time.Duration `help:"How much is kept." default:"8s"`
	Warm   time.Duration `help:"How long the browser sends before: it begins small." default:"40s"`
	Out    string        `help:"File to write." required:""`
}

// Run lets Chromium meet a participant that wants its picture in full, and writes down when its packets come.
func (c *recordCommand) Run(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "atoll-record-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	camera := filepath.Join(folder, "camera.y4m")
	if err := film(camera); err != nil {
		return err
	}
	node, err := load.StartNode(ctx, c.Node)
	if err != nil {
		return err
	}
	defer func() { _ = node.Stop() }()
	base, _, _ := strings.Cut(strings.TrimPrefix(node.URL, "ws://"), "/")
	url := fmt.Sprintf("http://%s/record#config.prejoinConfig.enabled=false&config.videoQuality.codecPreferenceOrder=[%%22%s%%22]", base, strings.ToUpper(c.Codec))
	browser, err := load.Spawn("chromium", nil, "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--user-data-dir="+filepath.Join(folder, "profile"), "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
		"--use-file-for-fake-video-capture="+camera, "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding", url)
	if err != nil {
		return err
	}
	defer func() { _ = browser.Stop() }()
	p, err := participant.Join(ctx, participant.Config{URL: node.URL, Domain: node.Domain, Room: "record", Name: "camera man", Codecs: c.Codec})
	if err != nil {
		return err
	}
	defer p.Leave()
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := p.AwaitMedia(waiting); err != nil {
		return fmt.Errorf("%w\n%s", err, browser.Log())
	}
	select {
	case <-time.After(c.Warm):
	case <-ctx.Done():
		return ctx.Err()
	}
	packets, err := c.listen(ctx, node, p)
	if err != nil {
		return err
	}
	out, err := os.Create(c.Out)
	if err != nil {
		return err
	}
	version, _ := exec.CommandContext(ctx, "chromium", "--version").Output() // it says less without
	about := fmt.Sprintf("%s, %s, 1280x720 at 30 frames a second", strings.TrimSpace(string(version)), c.Codec)
	return errors.Join(trace.Write(out, about, packets), out.Close())
}

func (c *recordCommand) listen(ctx context.Context, node *load.Node, p *participant.Participant) ([]trace.Packet, error) {
	_, port, err := net.SplitHostPort(node.Media)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	r := trace.Recorder{PayloadType: 100}
	if c.Codec == "av1" {
		r = trace.Recorder{PayloadType: 41, Structure: 11}
	}
	ctx, cancel := context.WithTimeout(ctx, c.Length+3*time.Second)
	defer cancel()
	var sniffing sync.WaitGroup
	var failed error
	sniffing.Go(func() { failed = trace.Sniff(ctx, number, r.Take) })
	// Another participant makes the node ask for a key frame, with which the trace begins.
	late, err := participant.Join(ctx, participant.Config{URL: node.URL, Domain: node.Domain, Room: "record", Name: "late", Codecs: c.Codec})
	if err == nil {
		defer late.Leave()
		err = late.AwaitMedia(ctx)
	}
	sniffing.Wait()
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	packets := r.Trace()
	for i, k := range packets {
		if k.At > c.Length {
			return packets[:i], nil
		}
	}
	if len(packets) == 0 {
		return nil, fmt.Errorf("there was no key frame among %s", r.Seen())
	}
	return packets, nil
}

// film writes a picture that costs an encoder what a camera's does: texture that moves, and grain.
func film(path string) error {
	const width, height, frames = 1280, 720, 60
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	noise := rand.New(rand.NewPCG(1, 2))
	texture := make([]byte, (width+4*frames)*height)
	for y := range height {
		level := 128.0
		for x := range width + 4*frames {
			level += noise.NormFloat64()*9 - (level-128)*0.02
			texture[y*(width+4*frames)+x] = byte(min(235, max(16, level)))
			if y > 0 {
				above := texture[(y-1)*(width+4*frames)+x]
				texture[y*(width+4*frames)+x] = byte((7*int(above) + int(texture[y*(width+4*frames)+x])) / 8)
			}
		}
	}
	if _, err := fmt.Fprintf(f, "YUV4MPEG2 W%d H%d F30:1 Ip A1:1 C420mpeg2\n", width, height); err != nil {
		return errors.Join(err, f.Close())
	}
	picture := make([]byte, width*height*3/2)
	for i := range picture[width*height:] {
		picture[width*height+i] = 128
	}
	for k := range frames {
		shift := 4 * min(k, frames-k) // there and back
		for y := range height {
			row := texture[y*(width+4*frames)+shift:]
			for x := range width {
				picture[y*width+x] = byte(min(235, max(16, int(row[x])+noise.IntN(7)-3)))
			}
		}
		if _, err := f.WriteString("FRAME\n"); err != nil {
			return errors.Join(err, f.Close())
		}
		if _, err := f.Write(picture); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}
