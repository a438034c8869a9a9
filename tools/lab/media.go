//go:build linux

package lab

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/atoll-mesh/atoll/tools/lab/picture"
)

// Media is what the camera and the microphone of a browser give. The product knows nothing of it: getUserMedia is replaced
// before any of the page's own scripts run.
type Media struct {
	// Participant says whose picture and tone it is, 1 to 31; 0 leaves the browser's own fake devices.
	Participant uint8
	// Clock paints the wall clock into the picture, for Video.Latency; else the picture comes from a file, for
	// Video.Identity.
	Clock bool
	// Format of the picture; the zero value is picture.Standard.
	Format picture.Format
}

// fileFrames is the length of a picture file: 4.3 s at 30 frames a second.
const fileFrames = 128

var (
	//go:embed browser/scripts/connections.js
	connectionsScript string
	//go:embed browser/scripts/media.js
	mediaScript string
	//go:embed browser/scripts/judge.js
	judgeScript string
)

// prepare returns the browser arguments and the scripts for the media, and writes the file if there is one.
func (m Media) prepare(l *Lab) (args, scripts []string, err error) {
	scripts = []string{script(connectionsScript, nil), script(judgeScript, nil)}
	if m.Participant == 0 {
		return nil, scripts, nil
	}
	if m.Participant >= picture.Tones {
		return nil, nil, fmt.Errorf("participant %d: want less than %d", m.Participant, picture.Tones)
	}
	if m.Format == (picture.Format{}) {
		m.Format = picture.Standard
	}
	c := picture.Colour(m.Participant)
	scripts = append(scripts, script(mediaScript, map[string]any{
		"hertz": picture.Tone(m.Participant), "clock": m.Clock, "colour": fmt.Sprintf("rgb(%d,%d,%d)", c.R, c.G, c.B),
		"width": m.Format.Width, "height": m.Format.Height, "fps": m.Format.FPS,
		"blocks": picture.Blocks, "stripHeight": picture.StripHeight,
	}))
	if m.Clock {
		return nil, scripts, nil
	}
	path, err := l.pictureFile(m)
	if err != nil {
		return nil, nil, err
	}
	return []string{"--use-file-for-fake-video-capture=" + path}, scripts, nil
}

// pictureFile writes a participant's file, once.
func (l *Lab) pictureFile(m Media) (string, error) {
	f := m.Format
	path := filepath.Join(l.Folder("media"), fmt.Sprintf("%d-%dx%d-%d.y4m", m.Participant, f.Width, f.Height, f.FPS))
	l.writing.Lock()
	defer l.writing.Unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("write picture file: %w", err)
	}
	defer file.Close()
	if err := picture.WriteY4M(file, f, m.Participant, fileFrames); err != nil {
		return "", err
	}
	return path, file.Close()
}

// script is a call of a file's function with its argument.
func script(function string, argument any) string {
	config, err := json.Marshal(argument)
	if err != nil {
		panic(fmt.Sprintf("marshal script argument: %v", err)) // only maps of numbers and strings come here
	}
	return "(" + function + "\n)(" + string(config) + ");"
}
