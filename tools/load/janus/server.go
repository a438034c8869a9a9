// Package janus is Janus as Debian ships it, as a peer that nodes are measured beside: the video room plugin over WebSockets.
//
// A client has one session with a handle for what it sends and one for all that it gets (a subscription of many streams on one
// PeerConnection). What others begin to send later is added to the subscription by an offer of Janus. Janus gathers no
// candidates on loopback: its media goes to another address of this machine, which the kernel takes the same way.
package janus

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
)

const (
	program    = "janus"
	roomNumber = 1234
	startTime  = 20 * time.Second
)

// Server is Janus as a child process, with one room.
type Server struct {
	*load.Process
	URL    string // of the WebSocket
	folder string
}

// Where Debian's package has its modules.
var libraries = []string{"/usr/lib/*/janus", "/usr/lib/janus"}

// Start runs Janus on a free port of loopback for signalling.
func Start(ctx context.Context) (*Server, error) {
	var modules string
	for _, pattern := range libraries {
		if found, err := filepath.Glob(pattern + "/plugins"); err == nil && len(found) > 0 {
			modules = filepath.Dir(found[0])
		}
	}
	if modules == "" {
		return nil, fmt.Errorf("start janus: there are no plugins at %s; tools/lab/install.sh installs it", strings.Join(libraries, ", "))
	}
	folder, err := os.MkdirTemp("", "atoll-janus-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for janus: %w", err)
	}
	s := &Server{folder: folder}
	port, err := freePort()
	if err == nil {
		err = s.configure(modules, port)
	}
	if err == nil {
		s.Process, err = load.Spawn(program, nil, program, "--configs-folder", folder, "--disable-colors")
	}
	if err != nil {
		_ = os.RemoveAll(folder)
		return nil, err
	}
	s.URL = fmt.Sprintf("ws://127.0.0.1:%d", port)
	if err := s.listening(ctx, port); err != nil {
		_ = s.Stop()
		return nil, err
	}
	return s, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// configure writes what differs from the defaults: no other plugins and transports, and no limit of bitrate or people.
func (s *Server) configure(modules string, port int) error {
	disable := func(kind, but string) string {
		files, _ := filepath.Glob(filepath.Join(modules, kind, "*.so")) // the pattern is ours
		var names []string
		for _, f := range files {
			if !strings.Contains(f, but) {
				names = append(names, filepath.Base(f))
			}
		}
		return strings.Join(names, ",")
	}
	for name, text := range map[string]string{
		"janus.jcfg": fmt.Sprintf(`general: {
	configs_folder = %q
	plugins_folder = "%s/plugins"
	transports_folder = "%[2]s/transports"
	events_folder = "%[2]s/events"
	loggers_folder = "%[2]s/loggers"
	debug_level = 2
	session_timeout = 0
}
nat: { nice_debug = false }
plugins: { disable = %[3]q }
transports: { disable = %[4]q }
events: { broadcast = false }
`, s.folder, modules, disable("plugins", "videoroom"), disable("transports", "websockets")),
		"janus.transport.websockets.jcfg": fmt.Sprintf(`general: {
	json = "compact"
	ws = true
	ws_port = %d
	ws_ip = "127.0.0.1"
	wss = false
}
`, port),
		"janus.plugin.videoroom.jcfg": fmt.Sprintf(`general: { events = false }
room-%d: {
	description = "load"
	publishers = 1000
	bitrate = 0
	fir_freq = 0
	audiocodec = "opus"
	videocodec = "vp8,av1"
	transport_wide_cc_ext = true
	record = false
}
`, roomNumber),
	} {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("configure janus: %w", err)
		}
	}
	return nil
}

func (s *Server) listening(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.Ended():
			return s.Failure()
		case <-ctx.Done():
			return fmt.Errorf("wait for janus: %w\n%s", err, s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends Janus and removes its configuration.
func (s *Server) Stop() error {
	err := s.Process.Stop()
	_ = os.RemoveAll(s.folder)
	return err
}
