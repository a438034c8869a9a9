//go:build linux

package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// BrowserOptions says which browser starts and what its user does.
type BrowserOptions struct {
	Engine string   // "chromium", also when empty, or "firefox"
	Media  Media    // what its camera and microphone give
	Secure []string // origins that count as secure though they are http, such as http://10.1.1.10:8080
	Window Window   // the zero value is 1280x720
	Args   []string // more command line arguments
}

// Window is the size of a browser's pages in pixels. A page asks for pictures as large as it shows them.
type Window struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// engines are the programs by their engine.
var engines = map[string]string{"chromium": "chromium", "firefox": "firefox-esr"}

// Browser is a browser inside a namespace, with the Node process that drives it.
type Browser struct {
	Version   string
	namespace *Namespace
	process   *Process
	requests  *os.File

	mu      sync.Mutex
	last    int
	waiting map[int]chan answer
	pages   []*Page
}

type answer struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`

	Event string `json:"event"`
	Page  string `json:"page"`
	Type  string `json:"type"`
	Text  string `json:"text"`
}

// patience is how long a browser may take for one step. Two shared cores can be slow.
const patience = 30 * time.Second

// Browser starts a browser inside a namespace, with a new profile. It ends with the lab, or with its Close.
func (l *Lab) Browser(n *Namespace, o BrowserOptions) (*Browser, error) {
	b, err := l.browser(n, o)
	if err != nil {
		return nil, fmt.Errorf("start browser in %s: %w", n.Name, err)
	}
	return b, nil
}

func (l *Lab) browser(n *Namespace, o BrowserOptions) (*Browser, error) {
	if o.Engine == "" {
		o.Engine = "chromium"
	}
	if o.Window == (Window{}) {
		o.Window = Window{1280, 720}
	}
	if engines[o.Engine] == "" {
		return nil, fmt.Errorf("no engine %q: want chromium or firefox", o.Engine)
	}
	program, err := exec.LookPath(engines[o.Engine])
	if err != nil {
		return nil, fmt.Errorf("%w; tools/lab/install.sh installs it", err)
	}
	driver, err := driverFolder()
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp(l.Folder("browsers"), "home-")
	if err != nil {
		return nil, fmt.Errorf("make profile: %w", err)
	}
	camera, scripts, err := o.Media.prepare(l, o.Engine)
	if err != nil {
		return nil, err
	}
	b := &Browser{namespace: n, waiting: map[int]chan answer{}}
	if err := b.connect(l, driver, home); err != nil {
		return nil, err
	}
	var launched struct{ Version string }
	err = b.call("launch", map[string]any{
		"engine": o.Engine, "executable": program, "profile": filepath.Join(home, "profile"), "scripts": scripts,
		"secure": append([]string{}, o.Secure...), "camera": camera, "viewport": o.Window, "args": append([]string{}, o.Args...),
	}, &launched)
	if err != nil {
		log := tail(b.process.Log(), 20)
		b.Close()
		return nil, fmt.Errorf("%w\n%s", err, log)
	}
	b.Version = launched.Version
	l.mu.Lock()
	l.browsers = append(l.browsers, b)
	l.mu.Unlock()
	return b, nil
}

// connect starts the driver, whose standard input and output are for its messages alone. It runs in the namespace, because it
// reaches Firefox through a socket. When the cores are full nodes and wires, which would be machines of their own, do not wait for it,
// nor one browser for another: where they may, Chromium puts its threads above all others and Firefox does not.
func (b *Browser) connect(l *Lab, driver, home string) error {
	in, requests, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make pipe: %w", err)
	}
	answers, out, err := os.Pipe()
	if err != nil {
		return errors.Join(fmt.Errorf("make pipe: %w", err), in.Close(), requests.Close())
	}
	b.requests = requests
	b.process, err = l.start(b.namespace.Name+".browser", func(c *exec.Cmd) {
		c.Stdin, c.Stdout = in, out
		c.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+home)
	}, "ip", "netns", "exec", b.namespace.Name, "setpriv", "--inh-caps", "-sys_nice", "--bounding-set", "-sys_nice",
		"nice", "-n", "5", "node", filepath.Join(driver, "driver.mjs"))
	err = errors.Join(err, in.Close(), out.Close())
	if err != nil {
		return errors.Join(err, requests.Close(), answers.Close())
	}
	go b.listen(answers)
	return nil
}

// listen hands out what the driver says until it ends.
func (b *Browser) listen(answers *os.File) {
	defer answers.Close()
	reader := bufio.NewReaderSize(answers, 1<<20)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			break
		}
		var a answer
		if json.Unmarshal(line, &a) != nil {
			continue // a library's chatter
		}
		b.mu.Lock()
		if a.Event != "" {
			b.page(a.Page).say(a.Type, a.Text)
		} else if reply := b.waiting[a.ID]; reply != nil {
			delete(b.waiting, a.ID)
			reply <- a
		}
		b.mu.Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, reply := range b.waiting {
		reply <- answer{Error: "the browser's driver has ended"}
	}
	b.waiting = nil
}

// call makes one request and waits for its answer.
func (b *Browser) call(method string, params, result any) error {
	b.mu.Lock()
	if b.waiting == nil {
		b.mu.Unlock()
		return fmt.Errorf("%s: the browser's driver has ended", method)
	}
	b.last++
	id, reply := b.last, make(chan answer, 1)
	b.waiting[id] = reply
	line, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	if err == nil {
		_, err = b.requests.Write(append(line, '\n'))
	}
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: ask the browser's driver: %w", method, err)
	}
	select {
	case a := <-reply:
		if a.Error != "" {
			return fmt.Errorf("%s: %s", method, a.Error)
		}
		if result == nil {
			return nil
		}
		if err := json.Unmarshal(a.Result, result); err != nil {
			return fmt.Errorf("%s: read answer: %w", method, err)
		}
		return nil
	case <-time.After(4 * patience):
		return fmt.Errorf("%s: no answer from the browser's driver within %v", method, 4*patience)
	}
}

// Open opens a page in a tab of its own and waits until it is loaded.
func (b *Browser) Open(url string) (*Page, error) {
	var opened struct{ Page string }
	err := b.call("open", map[string]any{"url": url, "timeout": patience.Milliseconds()}, &opened)
	if err != nil {
		return nil, fmt.Errorf("browser in %s: %w", b.namespace.Name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.page(opened.Page), nil
}

// page finds or makes the page of an id; its console may speak before it is open. The caller holds mu.
func (b *Browser) page(id string) *Page {
	for _, p := range b.pages {
		if p.id == id {
			return p
		}
	}
	p := &Page{id: id, browser: b}
	b.pages = append(b.pages, p)
	return p
}

// Pages returns the pages that were opened, also those that did not load.
func (b *Browser) Pages() []*Page {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*Page(nil), b.pages...)
}

// Close ends the browser.
func (b *Browser) Close() {
	_ = b.requests.Close() // the driver ends the browser when its input ends
	select {
	case <-b.process.exited:
	case <-time.After(10 * time.Second):
	}
	b.process.Kill()
}

// Kill ends the browser as a crash would, without a word to anyone, and everything else in its namespace with it.
func (b *Browser) Kill() error {
	err := killInside(b.namespace.Name)
	b.process.Kill()
	return err
}

// driverFolder finds the browser folder of this package from anywhere inside the module.
func driverFolder() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find driver: %w", err)
	}
	for ; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			break
		}
		if folder == filepath.Dir(folder) {
			return "", errors.New("find driver: no go.mod above the current folder")
		}
	}
	driver := filepath.Join(folder, "tools", "lab", "browser")
	if _, err := os.Stat(filepath.Join(driver, "node_modules", "playwright-core")); err != nil {
		return "", fmt.Errorf("find driver: %w; tools/lab/install.sh installs it", err)
	}
	return driver, nil
}
