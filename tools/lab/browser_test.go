//go:build lab && linux

package lab_test

import (
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
	"github.com/atoll-mesh/atoll/tools/lab/wan"
)

const self = 5

// loop opens the page that calls itself in region eu, served from us, with the media of participant 5.
func loop(t *testing.T, l *lab.Lab, engine string, clock bool) *lab.Page {
	t.Helper()
	listener, err := l.Node("us").Listen(net.JoinHostPort(l.Node("us").Addr().String(), "8080"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.FileServer(http.Dir("testdata")), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	origin := "http://" + listener.Addr().String()
	b, err := l.Browser(l.Client("eu"), lab.BrowserOptions{
		Engine: engine, Media: lab.Media{Participant: self, Clock: clock}, Secure: []string{origin},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("browser", b.Version)
	p, err := b.Open(origin + "/loop.html")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Arrived(1, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	return p
}

// judge returns what the page shows and plays of its far end.
func judge(t *testing.T, p *lab.Page) (lab.Video, lab.Sound) {
	t.Helper()
	r, err := p.Judge(4 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Videos) != 2 || len(r.Remote()) != 1 || len(r.Sounds) != 2 {
		t.Fatalf("judged %d videos, %d of them remote, %d sounds; want 2, 1, 2", len(r.Videos), len(r.Remote()), len(r.Sounds))
	}
	v := r.Remote()[0]
	if v.Label != "Far end" {
		t.Errorf("label %q, want the text of the tile", v.Label)
	}
	at := slices.IndexFunc(r.Sounds, func(s lab.Sound) bool { return s.Remote })
	if at < 0 || v.Endpoint != "0000000a" || r.Sounds[at].Endpoint != v.Endpoint {
		t.Fatalf("video of %q, sounds %+v: want endpoint 0000000a", v.Endpoint, r.Sounds)
	}
	return v, r.Sounds[at]
}

func TestJudgeOfAnIdentity(t *testing.T) {
	t.Run("chromium", func(t *testing.T) { judgeIdentity(t, "chromium") })
	t.Run("firefox", func(t *testing.T) { judgeIdentity(t, "firefox") })
}

func judgeIdentity(t *testing.T, engine string) {
	p := loop(t, lab.New(t, pair(wan.Impairment{Delay: 20 * ms})), engine, false)
	v, s := judge(t, p)
	id, share := v.Identity()
	t.Logf("%dx%d identity %d (%.2f of %d), %v fps, mean %v", v.Width, v.Height, id, share, len(v.Samples), v.Decoded, v.Mean)
	if id != self || share < 0.9 || len(v.Samples) < 30 {
		t.Errorf("identity %d in %.2f of %d samples, want %d", id, share, len(v.Samples), self)
	}
	if who, ok := v.Colour(1, 2, 3, 4, 5, 6, 7, 8); !ok || who != self {
		t.Errorf("colour %v is that of %d, %v; want %d", v.Mean, who, ok, self)
	}
	if v.FPS() < 20 || v.FPS() > 33 {
		t.Errorf("%v frames a second, want about 30", v.FPS())
	}
	if !s.Hears(self) || s.Hears(self+1) || s.Hears(self-1) || !s.Playing {
		t.Errorf("hears 4, 5, 6: %v %v %v, playing %v; reads %v", s.Hears(self-1), s.Hears(self), s.Hears(self+1), s.Playing, s.Reads)
	}

	// What the judge says when nothing is sent any more.
	if err := p.Eval("local.getTracks().forEach((t) => t.stop())", nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait("new Promise((r) => setTimeout(r, 1000, true))", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if v, s = judge(t, p); v.FPS() > 1 || s.Hears(self) {
		t.Errorf("after the end: %v frames a second, hears %v", v.FPS(), s.Hears(self))
	}
}

// TestPageWithAClock judges a page whose picture tells the time, and then does on it what a person does.
func TestPageWithAClock(t *testing.T) {
	for _, engine := range []string{"chromium", "firefox"} {
		t.Run(engine, func(t *testing.T) {
			p := loop(t, lab.New(t, pair(wan.Impairment{Delay: 20 * ms})), engine, true)
			t.Run("judge", func(t *testing.T) { judgeClock(t, p) })
			t.Run("steps", func(t *testing.T) { pageSteps(t, p) })
		})
	}
}

func judgeClock(t *testing.T, p *lab.Page) {
	v, s := judge(t, p)
	direct, ok := v.Latency()
	t.Logf("%dx%d median %v, %v fps, mean %v, hears %v", v.Width, v.Height, direct, v.Decoded, v.Mean, s.Hears(self))
	if !ok || direct <= 0 || direct > 200*ms {
		t.Errorf("latency %v, %v; want more than nothing, at most 200 ms", direct, ok)
	}
	if who, ok := v.Colour(1, 2, 3, 4, 5, 6, 7, 8); !ok || who != self {
		t.Errorf("colour %v is that of %d, %v; want %d", v.Mean, who, ok, self)
	}
	if v.FPS() < 20 || !s.Hears(self) {
		t.Errorf("%v frames a second, hears %v", v.FPS(), s.Hears(self))
	}

	// A receiver told to hold every picture for 400 ms: the judge has to see it.
	if err := p.Eval("b.getReceivers().forEach((r) => (r.jitterBufferTarget = 400))", nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait("new Promise((r) => setTimeout(r, 3000, true))", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	v, _ = judge(t, p)
	held, ok := v.Latency()
	t.Logf("held back: median %v", held)
	if !ok || held < direct+250*ms || held > direct+600*ms {
		t.Errorf("latency %v when held back for 400 ms, %v before", held, direct)
	}
}

func pageSteps(t *testing.T, p *lab.Page) {
	for _, err := range []error{p.Fill("[data-testid=field]", "hello"), p.Click(`role=button[name="Again"]`)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, err := p.Texts(".said"); err != nil || !slices.Equal(got, []string{"hello", "second"}) {
		t.Errorf("texts %q, %v", got, err)
	}
	if err := p.Wait("document.querySelector('.said').textContent === 'hello'", time.Second); err != nil {
		t.Error(err)
	}
	if err := p.Wait("false", 300*ms); err == nil {
		t.Error("waited for something false without an error")
	}
	if err := p.Eval("nothing.here", nil); err == nil {
		t.Error("a broken expression gave no error")
	}
	if err := p.Screenshot(t.TempDir() + "/page.png"); err != nil {
		t.Error(err)
	}
	if !slices.Contains(p.Console(), lab.Line{Type: "warning", Text: "clicked"}) {
		t.Errorf("console %v lacks the warning", p.Console())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
