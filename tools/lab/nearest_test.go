//go:build lab && linux

package lab_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/lab"
)

// TestNearest opens the page at the farthest of three nodes: it goes to the nearest by itself, keeps what the link said, tells it, and stays.
func TestNearest(t *testing.T) {
	m := newMesh(t, fourRegions())
	for _, region := range []string{"eu", "us", "ap"} {
		// The map is wrong on purpose: only measuring can tell.
		if _, err := m.cluster.Start(region, "--node-url", lab.Origin(m.lab.Node(region)), "--location", "0,0"); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.cluster.Await(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	v := m.visitor(1, "eu", lab.Media{})
	eu, ap := m.cluster.Member("eu"), m.cluster.Member("ap")
	var err error
	const link = `/Files?x=1#userInfo.displayName=%22Ann%20A.%22&config.subject=%22a%26b%22`
	if v.page, err = v.browser.Open(ap.Origin() + link); err != nil {
		t.Fatal(err)
	}
	arrived := fmt.Sprintf("location.origin === %q && document.querySelector('[data-testid=arrived]')", eu.Origin())
	if err := v.page.Wait(arrived, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	var href, name string
	if err := v.page.Eval("location.href", &href); err != nil || href != eu.Origin()+link {
		t.Errorf("the page is at %s, want %s (%v)", href, eu.Origin()+link, err)
	}
	if err := v.page.Eval("document.querySelector('[data-testid=name]').value", &name); err != nil || name != "Ann A." {
		t.Errorf("the name is %q, %v", name, err)
	}
	said := m.says(v, "arrived")
	var is, was float64
	if _, err := fmt.Sscanf(said, "You were brought to eu, %f ms away; ap is %f ms away.", &is, &was); err != nil || is < 2 || was < 222 || is > was/2 {
		t.Errorf("the page says %q, want 2 ms and 222 ms or somewhat more", said)
	}

	if err := v.page.Click("[data-testid=join]"); err != nil {
		t.Fatal(err)
	}
	if err := v.page.Wait("document.querySelector('[data-phase=joined]')", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if status, err := eu.Room(t.Context(), "files"); err != nil || len(status.Participants) != 1 || status.Participants[0].Node != eu.Name {
		t.Errorf("the room is %+v, %v", status, err)
	}
	if err := v.page.Click("[data-testid=network]"); err != nil {
		t.Fatal(err)
	}
	if panel := m.says(v, "network-home"); panel != said {
		t.Errorf("the panel says %q, want %q", panel, said)
	}

	// Loaded anew it neither goes away nor measures.
	if err := v.page.Goto(eu.Origin() + link + "&again=1"); err != nil {
		t.Fatal(err)
	}
	if err := v.page.Eval("location.reload()", nil); err != nil {
		t.Fatal(err)
	}
	if err := v.page.Wait(arrived, 20*time.Second); err != nil {
		t.Errorf("loaded anew: %v", err)
	}
	if err := v.page.Close(); err != nil {
		t.Fatal(err)
	}

	// Who is right from the start is told so in the panel.
	if v.page, err = v.browser.Open(eu.Origin() + "/other#config.prejoinConfig.enabled=false"); err != nil {
		t.Fatal(err)
	}
	if err := v.page.Wait("document.querySelector('[data-phase=joined]')", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := v.page.Click("[data-testid=network]"); err != nil {
		t.Fatal(err)
	}
	if panel := m.says(v, "network-home"); !strings.HasPrefix(panel, "Nodes near you: eu (yours) ") {
		t.Errorf("the panel of who was right from the start says %q", panel)
	}

	// What was measured is known: the node that was wrong would name the right one first now.
	var first struct {
		Node       string `json:"node"`
		Candidates []struct {
			Node string `json:"node"`
			URL  string `json:"url"`
		} `json:"candidates"`
	}
	answer, err := v.browser.Open(ap.Origin() + "/api/v1/nearest")
	if err != nil {
		t.Fatal(err)
	}
	var text string
	if err := answer.Eval("document.body.textContent", &text); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &first); err != nil || first.Node != ap.Name || len(first.Candidates) != 3 || first.Candidates[0].Node != eu.Name || first.Candidates[0].URL != eu.Origin() || first.Candidates[2].Node != ap.Name {
		t.Errorf("the node in ap answers %s, %v", text, err)
	}
}

// says returns the text of what has a test id.
func (m *mesh) says(v *visitor, id string) string {
	m.Helper()
	texts, err := v.page.Texts("[data-testid=" + id + "]")
	if err != nil || len(texts) != 1 {
		m.Fatalf("%v: %s: %q, %v", v, id, texts, err)
	}
	m.Logf("%s: %s", id, texts[0])
	return texts[0]
}
