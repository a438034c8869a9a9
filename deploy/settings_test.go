package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/atoll-mesh/atoll/cascade/identity"
	"github.com/atoll-mesh/atoll/node/config"
)

// etc copies a text into a folder where the files that it names are: what is below from is below the folder.
func etc(t *testing.T, from string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range map[string]string{
		"secret": identity.NewSecret().Reveal(), "tls/fullchain.pem": "certificate", "tls/privkey.pem": "key", "atoll.yaml": "",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if name == "atoll.yaml" && from != "" {
			yaml, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			text = strings.ReplaceAll(string(yaml), "/etc/atoll", folder)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// load reads a configuration as a node would and does not forgive a warning.
func load(t *testing.T, where string, args, environ []string) config.Config {
	t.Helper()
	cfg, err := config.Load(args, append(environ, "HOME=/nonexistent"))
	if err != nil || len(cfg.Warnings) > 0 {
		t.Errorf("%s: %v; warnings %q", where, err, cfg.Warnings)
	}
	return cfg
}

// TestCommentedSettingsWork: what an operator gets by taking a comment sign away is right too.
func TestCommentedSettingsWork(t *testing.T) {
	text, err := os.ReadFile("systemd/atoll.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := etc(t, "")
	all := regexp.MustCompile(`(?m)^#([a-z-]+: )`).ReplaceAllString(strings.ReplaceAll(string(text), "/etc/atoll", folder), "$1")
	if all == string(text) {
		t.Fatal("nothing is commented out")
	}
	path := filepath.Join(folder, "atoll.yaml")
	if err := os.WriteFile(path, []byte(all), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := load(t, "atoll.yaml", []string{"--config", path, "--secret-file", filepath.Join(folder, "secret")}, nil)
	if !cfg.Given("join") || !cfg.Given("advertise") || !cfg.Given("location") || !cfg.Given("dns") {
		t.Errorf("%+v", cfg)
	}
}

var (
	codeFlag = regexp.MustCompile("`(--[a-z][a-z-]*)")
	lineFlag = regexp.MustCompile(`(?:^|\s)(--[a-z][a-z-]*)`)
	ours     = regexp.MustCompile(`\batoll (run|check|status|drain|doctor|secret|version)\b`)
	variable = regexp.MustCompile(`\bATOLL_[A-Z_]+\b`)
)

// TestDocumentsNameWhatExists: every flag, variable and command in these texts is one of the program.
func TestDocumentsNameWhatExists(t *testing.T) {
	usage := run(t, 0, "run", "--help")
	known := map[string]bool{"ATOLL_BIN": true, "ATOLL_LAB_KILLS": true, "ATOLL_LAB_ARTIFACTS": true}
	for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(usage, -1) {
		known[flag] = true
		known["ATOLL_"+strings.ToUpper(strings.ReplaceAll(flag[2:], "-", "_"))] = true
	}
	commands := map[string]string{}
	for _, name := range []string{"run", "check", "status", "drain", "doctor", "secret", "version"} {
		commands[name] = run(t, 0, name, "--help")
	}
	texts, err := filepath.Glob("*/*")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range append(texts, "README.md", "../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// A command goes on over lines that end with a backslash.
		for _, line := range strings.Split(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
			flags := codeFlag.FindAllStringSubmatch(line, -1)
			help := usage
			if command := ours.FindStringSubmatch(line); command != nil {
				found++
				flags = append(flags, lineFlag.FindAllStringSubmatch(line[strings.Index(line, command[0]):], -1)...)
				help += commands[command[1]]
			}
			for _, flag := range flags {
				if !regexp.MustCompile(regexp.QuoteMeta(flag[1])+`\b`).MatchString(help) && !slices.Contains(foreign, flag[1]) {
					t.Errorf("%s: no flag %s: %s", path, flag[1], line)
				}
			}
			for _, name := range variable.FindAllString(line, -1) {
				if !known[name] {
					t.Errorf("%s: no variable %s: %s", path, name, line)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d commands found", found)
	}
}

// foreign are flags of other programs in our texts, on lines that name our program too.
var foreign = []string{"--help", "--from-literal", "--build-arg"}

var built string

// TestMain builds the command for the tests that ask it.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "atoll-deploy-")
	if err != nil {
		panic(err)
	}
	built = filepath.Join(folder, "atoll")
	build := exec.Command("go", "build", "-trimpath", "-o", built, "../node/cmd/atoll") // as make does, so that all is there but the linking
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// run runs the command and returns what it printed.
func run(t *testing.T, code int, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), built, args...)
	command.Env = []string{"HOME=" + t.TempDir()}
	out, err := command.CombinedOutput()
	if command.ProcessState == nil || command.ProcessState.ExitCode() != code {
		t.Errorf("atoll %q: %v: %s", args, err, out)
	}
	return string(out)
}
