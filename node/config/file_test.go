package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestYAMLProblemsHaveALine(t *testing.T) {
	cases := map[string]struct {
		text string
		want []string
	}{
		"broken":           {"http: :8080\nhttps: 'x\n", []string{"f.yaml:2: no YAML: could not find end character of single-quoted text"}},
		"a colon too many": {"http: a: b\n", []string{"f.yaml:1: no YAML: mapping value is not allowed in this context"}},
		"a tab":            {"http: :1\n\tmedia: :2\n", []string{"f.yaml:2: no YAML: "}},
		"a key twice":      {"http: :1\nhttp: :2\n", []string{`f.yaml:2: no YAML: mapping key "http" already defined at [1:1]`}},
		"two documents":    {"http: :1\n---\nhttp: :2\n", []string{"f.yaml:3: http: given twice; want one of them"}},
		"a sequence":       {"- http\n", []string{"f.yaml:1: no list of settings; want lines such as http: :8080"}},
		"a scalar":         {"http\n", []string{"f.yaml:1: no list of settings; want lines such as http: :8080"}},
		"a mapping inside": {"http:\n  port: 80\n", []string{"f.yaml:1: http: the value is no text; want ADDR"}},
		"a deep list":      {"origins:\n- a\n- [b]\n", []string{"f.yaml:3: origins: an element is no text; want URL"}},
		"an alias":         {"http: &a :1\nhttps: *a\n", []string{"f.yaml:1: http: the value is no text; want ADDR", "f.yaml:2: https: the value is no text; want ADDR"}},
		"a merge":          {"<<: {http: :1}\n", []string{"f.yaml:1: the key is no name; want the name of a flag without its --"}},
		"--config itself":  {"config: x\n", []string{`f.yaml:1: there is no setting "config"; want the name of a flag without its --`}},
		"nothing":          {"", nil},
		"a comment":        {"# http: 1\n", nil},
		"a key alone":      {"http:\nmedia: ~\n", nil},
		"an empty list":    {"origins: []\n", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, problems := readYAML("f.yaml", []byte(c.text))
			var got []string
			for _, p := range problems {
				got = append(got, p.Error())
			}
			if len(c.want) == 1 && len(got) == 1 && strings.HasPrefix(got[0], c.want[0]) {
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestYAMLScalarsMeanWhatTheySay(t *testing.T) {
	keys, problems := readYAML("f", []byte("http: off\nmedia: \":1\" # why\nregion: 'eu'\nlog: 5\nlocation: 1.5,2\nadmin: [::1]\njoin: [a, 'b:1']\n"))
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "f:6: admin: a list") {
		t.Errorf("problems %v", problems)
	}
	want := map[string][]string{"http": {"off"}, "media": {":1"}, "region": {"eu"}, "log": {"5"}, "location": {"1.5,2"}, "join": {"a", "b:1"}}
	got := map[string][]string{}
	for key, a := range keys {
		got[key] = a.values
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestALargeFileIsRefused(t *testing.T) {
	if _, problems := readYAML("f", make([]byte, largestFile+1)); len(problems) != 1 {
		t.Errorf("problems %v", problems)
	}
}

func FuzzReadYAML(f *testing.F) {
	for _, seed := range []string{"http: :8080\n", "origins:\n- a\n- b\n", "a: &x y\nb: *x", "? a\n: b", "<<: {a: b}", "http: |\n  x\n", "a: !!str 5", "%YAML 1.2\n---\n", "\xff", "{a: [b, {c: d}]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, _ := readYAML("f", text)
		for key, a := range keys {
			if !known(key) || len(a.values) == 0 || !strings.Contains(a.where, key) {
				t.Errorf("read %q from %+v", key, a)
			}
		}
	})
}
