package identity

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// memory is a folder in memory.
type memory struct {
	files map[string][]byte
	read  error
	write error
}

func (m memory) Read(name string) ([]byte, error) {
	if m.read != nil {
		return nil, m.read
	}
	contents, ok := m.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return contents, nil
}

func (m memory) Write(name string, contents []byte) error {
	if m.write != nil {
		return m.write
	}
	m.files[name] = contents
	return nil
}

func TestFirstStartMakesAndTheNextKeeps(t *testing.T) {
	folder := memory{files: map[string][]byte{}}
	key, err := LoadKey(folder)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := LoadSecret(folder)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := LoadKey(folder); err != nil || again.Name() != key.Name() {
		t.Errorf("second start: %v, %v; want %v", again, err, key)
	}
	if again, err := LoadSecret(folder); err != nil || again != secret {
		t.Errorf("second start has another secret (%v)", err)
	}
}

func TestWhatIsKeptIsNeverReplaced(t *testing.T) {
	folder := memory{files: map[string][]byte{keyFile: []byte("broken"), secretFile: []byte("broken")}}
	if _, err := LoadKey(folder); err == nil || !strings.Contains(err.Error(), "node.key in the data folder") {
		t.Errorf("broken key: %v", err)
	}
	if _, err := LoadSecret(folder); err == nil || !strings.Contains(err.Error(), "secret in the data folder") {
		t.Errorf("broken secret: %v", err)
	}
	if string(folder.files[keyFile]) != "broken" || string(folder.files[secretFile]) != "broken" {
		t.Error("a broken file was replaced")
	}
}

func TestFolderTroubleIsNamed(t *testing.T) {
	denied := errors.New("denied")
	for name, folder := range map[string]memory{
		"unreadable": {read: denied},
		"unwritable": {files: map[string][]byte{}, write: denied},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := LoadKey(folder); !errors.Is(err, denied) {
				t.Errorf("key: %v", err)
			}
			if _, err := LoadSecret(folder); !errors.Is(err, denied) {
				t.Errorf("secret: %v", err)
			}
		})
	}
}
