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
	// Device leaves the browser's own fake camera: its pictures do not say whose they are, and do not wait for the page's thread.
	Device bool
	// Clock paints the wall clock into the picture, for Video.Latency; else the picture is for Video.Identity, from a file
	// in Chromium and painted by the page in Firefox.
	Clock bool
	// Format of the picture; the zero value is picture.Standard.
	Format picture.Format
	// Screen says whose picture a shared screen is, painted by the page at 1280x720 and 15 frames a second, without a sound
	// of its own. 0 leaves the browser's own getDisplayMedia, which waits for somebody to choose.
	Screen uint8
}

// screen is what a shared screen gives.
var screen = picture.Format{Width: 1280, Height: 720, FPS: 15}

// fileSize bounds a picture file; at 640x360 and 30 frames a second that is 4.3 s.
const (
	fileFrames = 128
	fileSize   = 64 << 20
)

var (
	//go:embed browser/scripts/connections.js
	connectionsScript string
	//go:embed browser/scripts/media.js
	mediaScript string
	//go:embed browser/scripts/judge.js
	judgeScript string
)

// prepare returns the camera's picture file, empty when there is none, and the scripts for the media.
func (m Media) prepare(l *Lab, engine string) (camera string, scripts []string, err error) {
	scripts = []string{script(connectionsScript, nil), script(judgeScript, nil)}
	if m.Participant == 0 && m.Screen == 0 {
		return "", scripts, nil
	}
	if max(m.Participant, m.Screen) >= picture.Tones {
		return "", nil, fmt.Errorf("participant %d, screen %d: want less than %d", m.Participant, m.Screen, picture.Tones)
	}
	if m.Format == (picture.Format{}) {
		m.Format = picture.Standard
	}
	config := map[string]any{"blocks": picture.Blocks, "stripHeight": picture.StripHeight}
	if m.Participant > 0 {
		config["hertz"] = picture.Tone(m.Participant)
		switch {
		case m.Device:
		case m.Clock:
			config["camera"] = canvas(m.Participant, m.Format, true)
		case engine == "firefox": // takes no files
			config["camera"] = canvas(m.Participant, m.Format, false)
		default:
			camera, err = l.pictureFile(m)
		}
	}
	if m.Screen > 0 {
		config["screen"] = canvas(m.Screen, screen, false)
	}
	return camera, append(scripts, script(mediaScript, config)), err
}

// canvas describes a picture that the page paints.
func canvas(participant uint8, f picture.Format, clock bool) map[string]any {
	c := picture.Colour(participant)
	return map[string]any{
		"participant": participant, "clock": clock, "colour": fmt.Sprintf("rgb(%d,%d,%d)", c.R, c.G, c.B),
		"width": f.Width, "height": f.Height, "fps": f.FPS,
	}
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
	frames := min(fileFrames, fileSize/(f.Width*f.Height*3/2))
	if err := picture.WriteY4M(file, f, m.Participant, frames); err != nil {
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
