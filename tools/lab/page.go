//go:build linux

package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab/picture"
)

// Page is a tab of a browser. Selectors are Playwright's: CSS, text=..., role=button[name="Join"]; the first match is meant.
type Page struct {
	id      string
	browser *Browser

	mu      sync.Mutex
	console []Line
}

// Line is one line of a page's console.
type Line struct {
	Type string // log, warning, error, ...; exception for what nobody caught, crash
	Text string
}

// consoleLimit bounds the lines kept of one page; the oldest go first.
const consoleLimit = 5000

// call makes one request about this page.
func (p *Page) call(method string, params map[string]any, result any) error {
	params["page"] = p.id
	params["timeout"] = patience.Milliseconds()
	if err := p.browser.call(method, params, result); err != nil {
		return fmt.Errorf("page %s in %s: %w", p.id, p.browser.namespace.Name, err)
	}
	return nil
}

// Eval runs a JavaScript expression in the page and stores its value, or what its promise gives, in result, which may be nil.
func (p *Page) Eval(expression string, result any) error {
	var raw json.RawMessage
	if err := p.call("eval", map[string]any{"expression": expression}, &raw); err != nil {
		return err
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(raw, result); err != nil {
		return fmt.Errorf("page %s: read value: %w", p.id, err)
	}
	return nil
}

// Wait waits until a JavaScript expression is true.
func (p *Page) Wait(expression string, patience time.Duration) error {
	return Eventually(context.Background(), patience, func(context.Context) error {
		var yes bool
		if err := p.Eval("!!("+expression+")", &yes); err != nil {
			return err
		}
		if !yes {
			return fmt.Errorf("page %s in %s: %s is not true", p.id, p.browser.namespace.Name, expression)
		}
		return nil
	})
}

// Goto loads another URL.
func (p *Page) Goto(url string) error { return p.call("goto", map[string]any{"url": url}, nil) }

// Click clicks.
func (p *Page) Click(selector string) error {
	return p.call("click", map[string]any{"selector": selector}, nil)
}

// Fill replaces the text of an input.
func (p *Page) Fill(selector, text string) error {
	return p.call("fill", map[string]any{"selector": selector, "text": text}, nil)
}

// Press presses a key, such as Enter or Control+A.
func (p *Page) Press(selector, key string) error {
	return p.call("press", map[string]any{"selector": selector, "key": key}, nil)
}

// Texts returns the visible text of every match.
func (p *Page) Texts(selector string) (texts []string, err error) {
	err = p.call("texts", map[string]any{"selector": selector}, &texts)
	return texts, err
}

// Screenshot writes what the page looks like to a PNG file.
func (p *Page) Screenshot(path string) error {
	return p.call("screenshot", map[string]any{"path": path}, nil)
}

// Close closes the tab.
func (p *Page) Close() error { return p.call("closePage", map[string]any{}, nil) }

// Console returns what the page logged so far.
func (p *Page) Console() []Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Line(nil), p.console...)
}

func (p *Page) say(kind, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.console) == consoleLimit {
		p.console = append(p.console[:0], p.console[consoleLimit/10:]...)
	}
	p.console = append(p.console, Line{kind, text})
}

func (p *Page) consoleText() string {
	var text strings.Builder
	for _, l := range p.Console() {
		fmt.Fprintf(&text, "%s: %s\n", l.Type, l.Text)
	}
	return text.String()
}

// Arrived waits until n videos show pictures that were received.
func (p *Page) Arrived(n int, patience time.Duration) error {
	return p.Wait(fmt.Sprintf("atollLab.arrived() >= %d", n), patience)
}

// layout tells the judge how a picture is laid out.
var layout = fmt.Sprintf("{blocks: %d, stripHeight: %d}", picture.Blocks, picture.StripHeight)

// Shows reports whether a received picture of a participant is shown at this moment.
func (p *Page) Shows(participant uint8) (bool, error) {
	var strips []int
	if err := p.Eval("atollLab.look("+layout+")", &strips); err != nil {
		return false, err
	}
	return slices.ContainsFunc(strips, func(s int) bool {
		of, _ := picture.Participant(uint16(max(s, 0)))
		return s >= 0 && of == participant
	}), nil
}

// Judge watches and listens to a page for a window of time, of two seconds or more.
func (p *Page) Judge(window time.Duration) (Report, error) {
	var r Report
	err := p.Eval(fmt.Sprintf("atollLab.judge(%d, %s)", window.Milliseconds(), layout), &r)
	r.link()
	return r, err
}
