package node

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atoll-mesh/atoll/signaling/stanza"
	"github.com/atoll-mesh/atoll/tools/load"
	"github.com/atoll-mesh/atoll/tools/load/participant"
)

// told is what a participant learned of sources by stanzas: name and whether these are retransmissions, by SSRC.
type told struct {
	mu      sync.Mutex
	sources map[uint32]string
	forms   map[string]bool
	gone    int
	maps    int // of the bridge channel
	problem error
}

const retransmissions = " again"

// stanza takes sources from source-add and source-remove in either form.
func (k *told) stanza(raw []byte, st *stanza.Element) {
	jingle := st.Child("urn:xmpp:jingle:1", "jingle")
	if jingle == nil {
		return
	}
	action := jingle.Attr("action")
	if action != "source-add" && action != "source-remove" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	list := make(map[uint32]string)
	if compact := jingle.Child("http://jitsi.org/jitmeet", "json-message"); compact != nil {
		k.forms["compact"] = true
		k.problem = readCompact(compact.Text, list)
	} else {
		k.forms["elements"] = true
		k.problem = readElements(jingle, list)
	}
	if len(list) == 0 && k.problem == nil {
		k.problem = fmt.Errorf("no sources in %s", raw)
	}
	for ssrc, name := range list {
		if action == "source-add" {
			k.sources[ssrc] = name
			continue
		}
		if k.sources[ssrc] != "" {
			k.gone++
		}
		delete(k.sources, ssrc)
	}
}

func readCompact(text string, list map[uint32]string) error {
	var m struct {
		Sources map[string][]json.RawMessage `json:"sources"`
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return err
	}
	for _, parts := range m.Sources {
		for i, part := range parts {
			if i%2 == 1 {
				var groups [][3]any
				if err := json.Unmarshal(part, &groups); err != nil {
					return err
				}
				for _, g := range groups {
					list[uint32(g[2].(float64))] += retransmissions
				}
				continue
			}
			var sources []struct {
				SSRC uint32 `json:"s"`
				Name string `json:"n"`
			}
			if err := json.Unmarshal(part, &sources); err != nil {
				return err
			}
			for _, s := range sources {
				list[s.SSRC] = s.Name
			}
		}
	}
	return nil
}

func readElements(jingle *stanza.Element, list map[uint32]string) error {
	const ns = "urn:xmpp:jingle:apps:rtp:ssma:0"
	var again []uint32
	for _, content := range jingle.Children {
		for _, e := range content.Child("urn:xmpp:jingle:apps:rtp:1", "description").Children {
			var ssrc uint32
			switch {
			case e.Is(ns, "source"):
				if _, err := fmt.Sscan(e.Attr("ssrc"), &ssrc); err != nil {
					return err
				}
				list[ssrc] = e.Attr("name")
			case e.Is(ns, "ssrc-group") && e.Attr("semantics") == "FID":
				if _, err := fmt.Sscan(e.Children[1].Attr("ssrc"), &ssrc); err != nil {
					return err
				}
				again = append(again, ssrc)
			}
		}
	}
	for _, ssrc := range again {
		list[ssrc] += retransmissions
	}
	return nil
}

func (k *told) bridge(raw []byte) {
	if strings.Contains(string(raw), "SourcesMap") {
		k.mu.Lock()
		k.maps++
		k.mu.Unlock()
	}
}

// check checks how the participant was told.
func (k *told) check(t *testing.T, compact bool) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.problem != nil || k.maps != 0 || k.forms["compact"] != compact || k.forms["elements"] == compact {
		t.Errorf("told in forms %v and by %d maps: %v", k.forms, k.maps, k.problem)
	}
}

// names returns the names by SSRC, without those of retransmissions.
func (k *told) names() map[uint32]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make(map[uint32]string)
	for ssrc, name := range k.sources {
		if !strings.HasSuffix(name, retransmissions) {
			out[ssrc] = name
		}
	}
	return out
}

// joinPlain joins a participant that does not rewrite SSRCs, and leaves out the other features named.
func joinPlain(ctx context.Context, t *testing.T, url, name string, ssrc uint32, without ...string) (*guest, *told) {
	t.Helper()
	without = append(without, "http://jitsi.org/ssrc-rewriting-1")
	k := &told{sources: make(map[uint32]string), forms: make(map[string]bool)}
	g := &guest{ear: newEar(), source: load.NewPublisher(ssrc, ssrc+1, 100)}
	p, err := participant.Join(ctx, participant.Config{
		URL: url, Domain: "localhost", Room: "plain", Name: name,
		SSRCs:    participant.SSRCs{Audio: ssrc, Video: []uint32{ssrc + 1}, RTX: []uint32{ssrc + 2}},
		Features: slices.DeleteFunc(slices.Clone(participant.Features), func(f string) bool { return slices.Contains(without, f) }),
		OnRTP:    g.ear.hear, OnStanza: k.stanza, OnBridge: k.bridge,
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Participant = p
	return g, k
}

// TestPlainSignalling: two participants that learn sources by source-add, one of them in the compact form, who send the
// same SSRCs. Each is told of SSRCs that are its leg's own, media arrives on exactly these, and they are taken back when
// the other leaves.
func TestPlainSignalling(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, url := startNode(t)
	a, toldA := joinPlain(ctx, t, url, "a", 1000)
	b, toldB := joinPlain(ctx, t, url, "b", 1000, "http://jitsi.org/json-encoded-sources")
	for _, g := range []*guest{a, b} {
		g.talk(ctx, t)
	}
	for g, k := range map[*guest]*told{a: toldA, b: toldB} {
		eventually(ctx, t, "media", g.received(2, 30))
		other := a.Endpoint()
		if g == a {
			other = b.Endpoint()
		}
		names := k.names()
		heard := make(map[uint32]string)
		for ssrc := range g.ear.streams() {
			if heard[ssrc] = names[ssrc]; ssrc >= 1000 && ssrc <= 1002 {
				t.Errorf("SSRC %d is the receiver's own", ssrc)
			}
		}
		if diff := cmp.Diff(names, heard); diff != "" || len(names) != 2 {
			t.Errorf("announced and received: %s", diff)
		}
		for ssrc, name := range names {
			if name != other+"-a0" && name != other+"-v0" {
				t.Errorf("SSRC %d is %q, the other is %s", ssrc, name, other)
			}
		}
		k.check(t, g == a)
		if err := g.Err(); err != nil {
			t.Error(err)
		}
	}
	a.stop()
	a.done.Wait()
	a.Leave()
	eventually(ctx, t, "the sources are taken back", func() bool {
		toldB.mu.Lock()
		defer toldB.mu.Unlock()
		return len(toldB.sources) == 0 && toldB.gone == 3
	})
	b.stop()
	b.done.Wait()
	b.Leave()
}
