// Package atoll_test holds the architecture of the module as tests: who may import what and why, what an engine may do,
// and what every package and folder has.
package atoll_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/atoll-mesh/atoll/"

// engines decide and touch nothing: no sockets, files, goroutines or clocks. A name with "/..." covers what is below.
var engines = map[string]string{
	"cascade/directory":     "leases run out in virtual time",
	"cascade/identity":      "what the secret becomes depends on the secret alone",
	"cascade/link/liveness": "when a peer is dead is tested to the millisecond",
	"cascade/room":          "everyone may import the nouns of a room, so they pull nothing in",
	"cascade/route":         "which way a source takes is tested over links that come and go in virtual time",
	"cascade/standby":       "who is asked for a lost session, and when it is forgotten, is tested in virtual time",
	"cascade/wire":          "a frame is bytes",
	"geo/dns/zone":          "what the zone says is tested without a message",
	"geo/place":             "the same nodes and the same client give the same order everywhere",
	"node/doctor":           "what is wrong follows from what is known",
	"node/edge/path":        "when to check, answer and nominate is tested in virtual time",
	"node/edge/counter":     "a counter that repeats gives keys away; every case is tested without sockets",
	"node/prefetch":         "a hint to the processor changes nothing",
	"node/session":          "what is handed over is a value",
	"node/handover/plan":    "who waits for what how long is tested in virtual time",
	"node/sfu/...":          "who gets what is decided by arguments alone, so that every decision can be replayed",
	"signaling/domain":      "answers depend on the question alone",
	"signaling/focus":       "a Jingle session is tested with the time as an argument",
	"signaling/muc":         "the conference's loop orders what a room does; a room that had its own would order it again",
	"signaling/stanza":      "parsing depends on the bytes alone",
	"turn/credential":       "a credential depends on key and time alone",
	"turn/frame":            "a frame is bytes",
	"turn/offer":            "which servers a client is told of is a table of tests",
	"turn/peer":             "what is relayed to is tested against every spelling of every range",
	"turn/quota":            "bounds are tested in virtual time",
}

// engineImports are the packages that an engine may import besides the standard library's pure ones and other engines.
var engineImports = map[string]string{
	"github.com/google/uuid":  "a value",
	"github.com/pion/rtp":     "header codec",
	"github.com/pion/rtcp":    "packet codec",
	"github.com/pion/stun/v4": "packet codec",
	"golang.org/x/text/...":   "string preparation",
	"mellium.im/xmpp/jid":     "address codec",
}

// engineNever are the packages of the standard library that touch the world.
var engineNever = map[string]string{
	"net":      "sockets belong to drivers; net/netip and net/url are values",
	"net/http": "sockets belong to drivers",
	"os":       "files belong to drivers",
	"os/...":   "processes and signals belong to drivers",
	"syscall":  "the system belongs to drivers",
	"runtime":  "what an engine does must not depend on the scheduler",
	"log":      "the log is passed in as a *slog.Logger",
	"sync":     "one loop owns an engine; see engineMay",
}

// engineMay are exceptions from engineNever: the locks of receivers, the one cache of client features that all sessions of a
// node share, and the buckets (atomics) that all allocations of a user share.
var engineMay = map[string][]string{
	"sync": {"node/sfu/...", "signaling/focus", "turn/quota"},
}

// clocks are the functions of package time that read the clock or wait for it.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

// libraries belong to the drivers that own what they touch. Tests and tools may use any.
var libraries = map[string]struct {
	owners []string
	why    string
}{
	"github.com/alecthomas/kong":              {[]string{"node/cmd/atoll"}, "only the command reads the command line"},
	"github.com/coder/websocket":              {[]string{"signaling/stream", "signaling/bridge"}, "sockets of clients: XMPP and the bridge channel"},
	"github.com/goccy/go-yaml":                {[]string{"node/config"}, "only the configuration is YAML"},
	"github.com/hashicorp/memberlist":         {[]string{"cascade/member"}, "gossip has one driver"},
	"github.com/miekg/dns":                    {[]string{"geo/dns"}, "DNS has one driver"},
	"github.com/pion/dtls/v3":                 {[]string{"node/edge/..."}, "the edge owns keys"},
	"github.com/pion/ice/v4":                  {[]string{"node/edge/..."}, "the edge owns paths"},
	"github.com/pion/srtp/v3":                 {[]string{"node/edge/..."}, "the edge owns counters"},
	"github.com/pion/turn/v5":                 {[]string{"turn/..."}, "TURN has one driver"},
	"github.com/pion/webrtc/v4":               {nil, "clients are signalled by SSRC, without SDP: webrtc is the client in tests and tools"},
	"github.com/prometheus":                   {[]string{"node", "node/web"}, "metrics are read from the parts; no part knows how they are shown"},
	"github.com/quic-go/quic-go":              {[]string{"cascade/link"}, "QUIC has one driver"},
	"github.com/stretchr/testify":             {nil, "tests use the standard library and go-cmp"},
	"google.golang.org/protobuf":              {nil, "frames between nodes are our own (cascade/wire)"},
	"github.com/oschwald/maxminddb-golang/v2": {[]string{"geo/country"}, "the table of countries has one reader"},
}

// domains know nothing of each other's drivers; what one needs of another is an interface that node satisfies.
var domains = []string{"cascade", "signaling", "turn", "geo", "node/sfu"}

// shared are the packages of a domain that every domain may import although they are no engines.
var shared = map[string]string{}

// nameless are folder names that say nothing of what is inside.
var nameless = []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "base", "shared", "lib", "pkg", "internal"}

// top are the folders of the top level; each has a README.md.
var top = []string{"cascade", "deploy", "geo", "node", "signaling", "tools", "turn"}

const longest = 800 // lines of a source file

func TestArchitecture(t *testing.T) {
	code := read(t, os.DirFS("."))
	if len(code.packages) < 10 {
		t.Fatalf("only %d packages found", len(code.packages))
	}
	for _, violation := range code.violations() {
		t.Error(violation)
	}
	for name := range engines {
		if dir := strings.TrimSuffix(name, "/..."); len(code.packages[dir]) == 0 {
			t.Errorf("%s is listed as an engine and is not there", dir)
		}
	}
	for _, dir := range top {
		if _, err := os.Stat(path.Join(dir, "README.md")); err != nil {
			t.Errorf("a folder of the top level without a picture of itself: %v", err)
		}
	}
}

// TestRulesBite shows every rule a violation.
func TestRulesBite(t *testing.T) {
	const doc = "// Package p is a package.\n"
	cases := map[string]struct{ path, text, want string }{
		"a socket":           {"signaling/muc/x.go", doc + `package p; import _ "net"`, "engine imports net"},
		"HTTP":               {"signaling/muc/x.go", doc + `package p; import _ "net/http"`, "engine imports net/http"},
		"a file":             {"node/sfu/cache/x.go", doc + `package p; import _ "os/signal"`, "engine imports os/signal"},
		"a lock":             {"signaling/muc/x.go", doc + `package p; import _ "sync/atomic"`, "engine imports sync/atomic"},
		"a clock":            {"signaling/focus/x.go", doc + `package p; import "time"; var _ = time.Now()`, "reads the clock: time.Now"},
		"a renamed clock":    {"signaling/focus/x.go", doc + `package p; import tm "time"; var _ = tm.AfterFunc`, "reads the clock: time.AfterFunc"},
		"a dot clock":        {"signaling/focus/x.go", doc + `package p; import . "time"; var _ = Now()`, "dot import"},
		"a goroutine":        {"cascade/room/x.go", doc + `package p; func f() { go f() }`, "starts a goroutine"},
		"a driver":           {"signaling/muc/x.go", doc + `package p; import _ "github.com/atoll-mesh/atoll/signaling/stream"`, "engine imports signaling/stream"},
		"a library":          {"node/sfu/x.go", doc + `package p; import _ "github.com/pion/ice/v4"`, "engine imports github.com/pion/ice/v4"},
		"another's library":  {"signaling/bridge/x.go", doc + `package p; import _ "github.com/pion/srtp/v3"`, "belongs to node/edge/..."},
		"nobody's library":   {"node/edge/x.go", doc + `package p; import _ "github.com/pion/webrtc/v4/pkg/media"`, "belongs to nobody"},
		"another's driver":   {"signaling/bridge/x.go", doc + `package p; import _ "github.com/atoll-mesh/atoll/cascade/link"`, "imports cascade/link, a driver of cascade"},
		"the house":          {"turn/x.go", doc + `package p; import _ "github.com/atoll-mesh/atoll/node/edge"`, "imports node/edge, a driver of node"},
		"the node":           {"node/conference/x.go", doc + `package p; import _ "github.com/atoll-mesh/atoll/node"`, "imports package node"},
		"a tool":             {"node/edge/x.go", doc + `package p; import _ "github.com/atoll-mesh/atoll/tools/simnet"`, "imports tools/simnet"},
		"no comment":         {"node/edge/x.go", `package p`, "says nothing of itself"},
		"a comment aside":    {"node/edge/x.go", "// Package p.\n\npackage p", "says nothing of itself"},
		"a nameless folder":  {"node/util/x.go", doc + `package p`, "says nothing of what is inside"},
		"an unknown folder":  {"pkg/x.go", doc + `package p`, "the top level is fixed"},
		"a long file":        {"node/edge/x.go", doc + "package p\n" + strings.Repeat("\n", longest), "lines"},
		"a long page file":   {"node/web/client/src/x.tsx", strings.Repeat("\n", longest+1), "lines"},
		"a file not parsed":  {"node/edge/x.go", `pack p`, "expected 'package'"},
		"fine: values":       {"signaling/muc/x.go", doc + `package p; import ("net/netip"; "time"; _ "github.com/atoll-mesh/atoll/cascade/room"); var _ netip.Addr; var _ = time.Second`, ""},
		"fine: sfu locks":    {"node/sfu/cache/x.go", doc + `package p; import _ "sync"`, ""},
		"fine: a test":       {"signaling/muc/x_test.go", doc + `package p; import ("os"; "time"; _ "github.com/atoll-mesh/atoll/tools/simnet"); var _, _ = time.Now(), os.Args`, ""},
		"fine: a tool":       {"tools/load/x.go", doc + `package p; import (_ "github.com/pion/webrtc/v4"; _ "github.com/atoll-mesh/atoll/node")`, ""},
		"fine: the command":  {"node/cmd/atoll/x.go", doc + `package p; import _ "github.com/atoll-mesh/atoll/node"`, ""},
		"fine: own engine":   {"cascade/link/x.go", doc + `package p; import _ "github.com/atoll-mesh/atoll/signaling/stanza"`, ""},
		"fine: own driver":   {"signaling/stream/x.go", doc + `package p; import _ "github.com/coder/websocket"`, ""},
		"fine: a time field": {"signaling/muc/x.go", doc + `package p; type s struct{ Now int }; func f(time s) int { return time.Now }`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := read(t, fstest.MapFS{c.path: {Data: []byte(c.text)}}).violations()
			if c.want == "" && len(got) > 0 {
				t.Errorf("violations %q", got)
			}
			if c.want != "" && !slices.ContainsFunc(got, func(v string) bool {
				return strings.Contains(v, c.want) && strings.Contains(v, path.Dir(c.path)) || strings.Contains(v, c.want) && strings.Contains(v, "top level")
			}) {
				t.Errorf("violations %q, want one with %q", got, c.want)
			}
		})
	}
}

// code is the source of the module.
type code struct {
	packages map[string][]source // by folder
	folders  []string
	broken   []string
}

// source is one Go file.
type source struct {
	path string
	test bool
	tree *ast.File
	set  *token.FileSet
}

func read(t *testing.T, tree fs.FS) code {
	t.Helper()
	c := code{packages: map[string][]source{}}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := path.Base(name); name != "." && base[0] == '.' || base == "node_modules" || base == "testdata" || name == "bin" || name == "data" || name == "node/web/client/dist" {
				return fs.SkipDir
			}
			c.folders = append(c.folders, name)
			return nil
		}
		switch path.Ext(name) {
		case ".go", ".ts", ".tsx", ".mjs":
		default:
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if lines := strings.Count(string(text), "\n"); lines > longest {
			c.broken = append(c.broken, fmt.Sprintf("%s has %d lines, at most %d: is it one concept?", name, lines, longest))
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		s := source{path: name, test: strings.HasSuffix(name, "_test.go"), set: token.NewFileSet()}
		if s.tree, err = parser.ParseFile(s.set, name, text, parser.ParseComments); err != nil {
			c.broken = append(c.broken, err.Error())
			return nil
		}
		c.packages[path.Dir(name)] = append(c.packages[path.Dir(name)], s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c code) violations() []string {
	all := slices.Clone(c.broken)
	for _, dir := range c.folders {
		if slices.Contains(nameless, path.Base(dir)) {
			all = append(all, dir+": the name says nothing of what is inside")
		}
		if !strings.Contains(dir, "/") && dir != "." && !slices.Contains(top, dir) {
			all = append(all, dir+": the top level is fixed")
		}
	}
	for dir, sources := range c.packages {
		if !slices.ContainsFunc(sources, func(s source) bool { return s.tree.Doc != nil }) {
			all = append(all, dir+": the package says nothing of itself; its comment is its specification")
		}
		for _, s := range sources {
			if !s.test && !under(dir, "tools/...") {
				all = append(all, imports(dir, s)...)
			}
			if !s.test && is(dir, engines) != "" {
				all = append(all, purity(s)...)
			}
		}
	}
	slices.Sort(all)
	return all
}

// imports checks what a file of the product imports.
func imports(dir string, s source) []string {
	var all []string
	for _, spec := range s.tree.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		if why := engineMustNot(dir, imported); why != "" {
			all = append(all, fmt.Sprintf("%s: engine imports %s: %s", s.path, strings.TrimPrefix(imported, module), why))
		}
		own, inside := strings.CutPrefix(imported, module)
		if !inside {
			all = append(all, foreign(dir, s, imported)...)
			continue
		}
		switch {
		case own == "node" && dir != "node/cmd/atoll":
			all = append(all, s.path+": imports package node, which wires everything and is nobody's part")
		case under(own, "tools/..."):
			all = append(all, fmt.Sprintf("%s: imports %s: tools are for tests and tools", s.path, own))
		case domain(dir) != "" && domain(own) != domain(dir) && is(own, engines) == "" && shared[own] == "":
			all = append(all, fmt.Sprintf("%s: imports %s, a driver of %s: declare an interface, node satisfies it", s.path, own, strings.Split(own, "/")[0]))
		}
	}
	return all
}

func foreign(dir string, s source, imported string) []string {
	var all []string
	for library, l := range libraries {
		if imported != library && !strings.HasPrefix(imported, library+"/") {
			continue
		}
		if !slices.ContainsFunc(l.owners, func(owner string) bool { return under(dir, owner) }) {
			owners := "nobody"
			if len(l.owners) > 0 {
				owners = strings.Join(l.owners, ", ")
			}
			all = append(all, fmt.Sprintf("%s: %s belongs to %s: %s", s.path, imported, owners, l.why))
		}
	}
	return all
}

// engineMustNot returns why a package must not import another because it is an engine, or "".
func engineMustNot(dir, imported string) string {
	why := is(dir, engines)
	if why == "" {
		return ""
	}
	if own, ok := strings.CutPrefix(imported, module); ok {
		if is(own, engines) != "" {
			return ""
		}
		return "it is no engine, and " + why
	}
	if strings.Contains(strings.Split(imported, "/")[0], ".") {
		if is(imported, engineImports) != "" {
			return ""
		}
		return "its libraries are listed, for " + why
	}
	for never, because := range engineNever {
		if imported != never && !(never == "sync" && strings.HasPrefix(imported, "sync/")) && !under(imported, never) {
			continue
		}
		if !slices.ContainsFunc(engineMay[never], func(may string) bool { return under(dir, may) }) {
			return because
		}
	}
	return ""
}

// purity checks that an engine reads no clock and starts nothing.
func purity(s source) []string {
	var all []string
	at := func(n ast.Node) string { return s.set.Position(n.Pos()).String() }
	clock := "time"
	for _, spec := range s.tree.Imports {
		if spec.Path.Value == `"time"` && spec.Name != nil {
			clock = spec.Name.Name
			if clock == "." {
				all = append(all, at(spec)+": dot import of time hides the clock")
			}
		}
	}
	ast.Inspect(s.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			all = append(all, at(n)+": engine starts a goroutine: its owner's loop runs it")
		case *ast.SelectorExpr:
			// An identifier without an object of this file is the package.
			if x, ok := n.X.(*ast.Ident); ok && x.Name == clock && x.Obj == nil && slices.Contains(clocks, n.Sel.Name) {
				all = append(all, fmt.Sprintf("%s: engine reads the clock: time.%s; time is an argument", at(n), n.Sel.Name))
			}
		}
		return true
	})
	return all
}

// under reports whether dir is pattern, or is below it when pattern ends in "/...".
func under(dir, pattern string) bool {
	parent, deep := strings.CutSuffix(pattern, "/...")
	return dir == parent || deep && strings.HasPrefix(dir, parent+"/")
}

// is returns the reason of the entry that covers dir, or "".
func is(dir string, list map[string]string) string {
	for pattern, why := range list {
		if under(dir, pattern) {
			return why
		}
	}
	return ""
}

// domain returns the domain that a package belongs to, or "".
func domain(dir string) string {
	for _, d := range domains {
		if under(dir, d+"/...") {
			return d
		}
	}
	return ""
}
