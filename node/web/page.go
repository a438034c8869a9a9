package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/atoll-mesh/atoll/node/config"
)

// built is the page as `make build` leaves it in client/dist. client/dist.txt stands in for a page that is not built.
//
//go:embed all:client/dist*
var built embed.FS

func builtPage() *page {
	dist, err := fs.Sub(built, "client/dist")
	if err != nil {
		panic("web: " + err.Error()) // the path is valid
	}
	return newPage(dist)
}

// page serves the files of the built page: a file where there is one, index.html for "/" and for the name of a room.
type page struct {
	files fs.FS
	index []byte // nil: not built
	tag   string // entity tag of index

	homing  Homing // nil: there is nothing to measure
	sockets string // origins that it may open sockets to, each after a space
}

// among returns the page as one that may open sockets to some origins.
func (p *page) among(origins []config.Origin) *page {
	one := *p
	for _, o := range origins {
		if rest, named := strings.CutPrefix(o.String(), "http"); named { // "*" is not
			one.sockets += " ws" + rest
		}
	}
	return &one
}

// with returns the page as one that may measure what is near.
func (p *page) with(homing Homing) *page {
	measuring := *p
	measuring.homing = homing
	return &measuring
}

func newPage(files fs.FS) *page {
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return &page{files: files}
	}
	sum := sha256.Sum256(index)
	return &page{files: files, index: index, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// ServeHTTP answers GET and HEAD.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name != "index.html" && p.file(w, r, name) {
		return
	}
	if strings.Contains(name, "/") {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	protect(header, r.Host, p.sockets+p.measures(r))
	if p.index == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<!doctype html><title>Atoll</title><p>This binary holds no page. Build it with <code>make build</code>.\n")
		return
	}
	header.Set("ETag", p.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.index))
}

// file serves a file of the built page and reports whether there is one.
func (p *page) file(w http.ResponseWriter, r *http.Request, name string) bool {
	if !fs.ValidPath(name) || name == "." {
		return false
	}
	info, err := fs.Stat(p.files, name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	contents, err := fs.ReadFile(p.files, name)
	if err != nil {
		return false
	}
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		header.Set("Cache-Control", "public, max-age=31536000, immutable") // their names change with their contents
	}
	if kind := kinds[path.Ext(name)]; kind != "" {
		header.Set("Content-Type", kind)
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(contents))
	return true
}

// kinds are the content types of what a built page holds; the machine's own table is not asked, for it may be wrong.
var kinds = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".ico":   "image/x-icon",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".mp3":   "audio/mpeg",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".wasm":  "application/wasm",
	".woff2": "font/woff2",
}

// measures returns the origins that the page may ask for how far they are, and those of their sockets: its session can be resumed there.
func (p *page) measures(r *http.Request) string {
	if p.homing == nil {
		return ""
	}
	var all strings.Builder
	for _, c := range near(p.homing, r).Candidates {
		if c.URL != "" {
			all.WriteString(" " + c.URL + " ws" + strings.TrimPrefix(c.URL, "http"))
		}
	}
	return all.String()
}

// protect sets what a browser must not let the page do: load or run anything of another host, or be shown in frames of
// others. Sockets to the same host are named because not every browser takes them for 'self'; also are the origins to connect to,
// each after a space.
func protect(header http.Header, host, also string) {
	header.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'self'",
		"connect-src 'self' ws://" + host + " wss://" + host + also,
		"img-src 'self' data: blob:",
		"media-src 'self' blob: mediastream:",
		"worker-src 'self' blob:",
		"object-src 'none'",
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'self'",
	}, "; "))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer") // room names are nobody else's business
	header.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), geolocation=()")
}
