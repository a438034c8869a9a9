package data

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, path string) *Folder {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	f := open(t, path)
	for _, contents := range []string{"first", "second, longer", ""} {
		if err := f.Write("node.key", []byte(contents)); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Read("node.key"); err != nil || string(got) != contents {
			t.Errorf("read %q, %v; want %q", got, err, contents)
		}
	}
	if _, err := f.Read("other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestOnlyTheOwnerCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new")
	f := open(t, path)
	if err := f.Write("node.key", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{path: 0o700, filepath.Join(path, "node.key"): 0o600, filepath.Join(path, "lock"): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v; want %v", name, info.Mode().Perm(), err, want)
		}
	}
	if err := os.Chmod(filepath.Join(path, "node.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read("node.key"); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read: %v", err)
	}
}

func TestAFolderHasOneNode(t *testing.T) {
	path := t.TempDir()
	f := open(t, path)
	if second, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Fatalf("second open: %v, %v", second, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestNothingIsLeftBeside(t *testing.T) {
	path := t.TempDir()
	f := open(t, path)
	if err := f.Write("node.key", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(path, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Write("folder", []byte("x")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 { // folder, lock, node.key
		t.Errorf("left behind: %v", entries)
	}
}

func TestNamesStayInsideTheFolder(t *testing.T) {
	f := open(t, t.TempDir())
	for _, name := range []string{"", ".", "..", "../x", "/etc/passwd", "a/b", "lock"} {
		if err := f.Write(name, []byte("x")); err == nil {
			t.Errorf("wrote %q", name)
		}
		if _, err := f.Read(name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read %q: %v", name, err)
		}
	}
}

func TestAFileInPlaceOfTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names %s", err, path)
	}
}
