package hostile

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// program builds the program once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "atoll")
	if err != nil {
		return "", err
	}
	built = dir
	file := filepath.Join(dir, "atoll")
	out, err := exec.Command("go", "build", "-o", file, "github.com/atoll-mesh/atoll/node/cmd/atoll").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return file, nil
})

// built is the folder of the program, when there is one.
var built string

// TestMain takes the program away.
func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// TestStartIsRefused: the program names every problem, one a line on standard error, says nothing on standard output, and its
// exit code tells whose fault it is.
func TestStartIsRefused(t *testing.T) {
	t.Parallel()
	atoll, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var tcp []string // taken
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		tcp = append(tcp, l.Addr().String())
	}
	media, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = media.Close() }()
	udp := media.LocalAddr().String()
	running := t.TempDir()
	free := []string{"--http", "127.0.0.1:0", "--admin", "off", "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--media", "127.0.0.1:0"}

	for name, c := range map[string]struct {
		args []string
		env  []string
		code int
		want []string // one line each
	}{
		"flags": {
			[]string{"--http", "nowhere", "--media=99999", "--log", "loud", "--location", "1000,0", "--handover", "maybe", "--nope", "x"},
			nil, 2,
			[]string{"--http", "--media", "--log", "--location", "--handover", "--nope"},
		},
		"environment": {
			free,
			[]string{"ATOLL_LOG=loud", "ATOLL_DOMAIN=-bad-"},
			1,
			[]string{"ATOLL_LOG", "ATOLL_DOMAIN"},
		},
		"values in the file": {
			[]string{"--config", write("values.yaml", "http: nowhere\nlog: [a, b]\nnope: 1\nadmin: {a: b}\n")},
			nil, 1,
			[]string{"values.yaml:1", "values.yaml:2", "values.yaml:3", "values.yaml:4"},
		},
		"no YAML":         {[]string{"--config", write("broken.yaml", "http: [\n\t}: :")}, nil, 1, []string{"broken.yaml"}},
		"YAML bomb":       {[]string{"--config", write("bomb.yaml", bomb())}, nil, 1, []string{"bomb.yaml:1:", "bomb.yaml:9:", "bomb.yaml:10:", "bomb.yaml:11:", "bomb.yaml:2:", "bomb.yaml:3:", "bomb.yaml:4:", "bomb.yaml:5:", "bomb.yaml:6:", "bomb.yaml:7:", "bomb.yaml:8:"}},
		"binary as YAML":  {[]string{"--config", atoll}, nil, 1, []string{"atoll"}},
		"no file":         {[]string{"--config", filepath.Join(dir, "absent.yaml")}, nil, 2, []string{"absent.yaml"}},
		"file and flags":  {[]string{"--config", write("both.yaml", "http: nowhere\n"), "--log", "loud"}, nil, 2, []string{"both.yaml:1", "--log"}},
		"ports":           {[]string{"--http", tcp[0], "--https", tcp[1], "--admin", tcp[2], "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--media", udp, "--data", t.TempDir()}, nil, 1, []string{"--http", "--https", "--admin", "--media"}},
		"data is a file":  {append([]string{"--data", write("file", "")}, free...), nil, 1, []string{"--data"}},
		"data in a file":  {append([]string{"--data", filepath.Join(write("file2", ""), "below")}, free...), nil, 1, []string{"--data"}},
		"data and ports":  {[]string{"--http", tcp[0], "--admin", "off", "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--media", udp, "--data", write("file3", "")}, nil, 1, []string{"--data", "--http", "--media"}},
		"key is garbage":  {append([]string{"--data", garbled(t)}, free...), nil, 1, []string{"key"}},
		"folder in use":   {append([]string{"--data", running}, free...), nil, 1, []string{"--data"}},
		"foreign address": {[]string{"--http", "192.0.2.1:8080", "--admin", "192.0.2.1:9090", "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--media", "192.0.2.1:10000", "--data", t.TempDir()}, nil, 1, []string{"--http", "--admin", "--media"}},
		"certificate": {
			append([]string{"--https", "127.0.0.1:0", "--tls-cert", write("c.pem", "x"), "--tls-key", write("k.pem", "x"), "--data", t.TempDir()}, free...), nil, 1,
			[]string{"c.pem"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "folder in use" {
				first := run(t, append([]string{"--data", running}, free...)...)
				defer first()
			}
			cmd := exec.CommandContext(t.Context(), atoll, append([]string{"run"}, c.args...)...)
			cmd.Dir = t.TempDir()
			cmd.Env = append([]string{"HOME=" + cmd.Dir, "XDG_STATE_HOME=" + cmd.Dir}, c.env...)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			_ = cmd.Run()
			var lines []string
			for line := range strings.Lines(errs.String()) {
				if strings.HasPrefix(line, "atoll: ") {
					lines = append(lines, line)
				}
			}
			if got := cmd.ProcessState.ExitCode(); got != c.code || out.Len() > 0 {
				t.Errorf("exit code %d, want %d; out %q, err %q", got, c.code, &out, &errs)
			}
			for _, want := range c.want {
				n := 0
				for _, line := range lines {
					if strings.Contains(line, want) {
						n++
					}
				}
				if n == 0 {
					t.Errorf("no line names %s: %q", want, lines)
				}
			}
			if len(lines) > len(c.want)+1 {
				t.Errorf("%d problems in %d lines: %q", len(c.want), len(lines), lines)
			}
			if strings.Contains(errs.String(), "goroutine ") || errs.Len() > 4000 {
				t.Errorf("err %.4000q", &errs)
			}
		})
	}
}

// bomb is YAML that grows to 10^9 nodes when its aliases are followed.
func bomb() string {
	text := "a0: &a0 [x]\n"
	for i := 1; i < 10; i++ {
		prev := "*a" + string(rune('0'+i-1))
		text += "a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.TrimSuffix(strings.Repeat(prev+",", 10), ",") + "]\n"
	}
	return text + "http: *a9\n"
}

// garbled returns a data folder whose key is none.
func garbled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	stop := run(t, "--data", dir, "--http", "127.0.0.1:0", "--admin", "off", "--mesh", "127.0.0.1:0", "--turn", "127.0.0.1:0", "--media", "127.0.0.1:0")
	stop()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && strings.Contains(file, "key") {
			if err := os.WriteFile(file, []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}
