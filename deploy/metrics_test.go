package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// expression is a query and where it stands.
type expression struct{ where, text string }

// rules are the alerts.
type rules struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

var templateLabel = regexp.MustCompile(`\{\{\s*\$labels\.([a-z_]+)`)

func alertExpressions(t *testing.T) (all []expression) {
	t.Helper()
	var file rules
	decodeYAML(t, "prometheus/alerts.yaml", &file)
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Annotations["summary"] == "" || r.Labels["severity"] != "page" && r.Labels["severity"] != "ticket" {
				t.Errorf("%s: summary %q, severity %q", r.Alert, r.Annotations["summary"], r.Labels["severity"])
			}
			all = append(all, expression{"alert " + r.Alert, r.Expr})
		}
	}
	return all
}

// dashboard is what of a Grafana dashboard is checked; its format has many more fields.
type dashboard struct {
	Title      string `json:"title"`
	Templating struct {
		List []struct{ Name, Type, Definition string }
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type panel struct {
	ID      int                                          `json:"id"`
	Type    string                                       `json:"type"`
	Title   string                                       `json:"title"`
	GridPos struct{ X, Y, W, H int }                     `json:"gridPos"`
	Targets []struct{ Expr, RefID, LegendFormat string } `json:"targets"`
}

func dashboardExpressions(t *testing.T) (all []expression) {
	t.Helper()
	text, err := os.ReadFile("grafana/atoll.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	variables := map[string]bool{"__rate_interval": true}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
		if inner, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			query, label, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ", ")
			all = append(all, expression{"variable " + v.Name, fmt.Sprintf("sum by (%s) (%s)", label, query)})
		} else if v.Type == "query" {
			t.Errorf("variable %s: %q", v.Name, v.Definition)
		}
	}
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: id %d is another's", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies over %q or outside", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			where := "panel " + p.Title
			for _, v := range regexp.MustCompile(`\$\{?([a-zA-Z_]+)`).FindAllStringSubmatch(target.Expr, -1) {
				if !variables[v[1]] {
					t.Errorf("%s: no variable %s", where, v[1])
				}
			}
			all = append(all, expression{where, target.Expr})
		}
	}
	return all
}

var (
	quoted     = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	duration   = regexp.MustCompile(`\[[^\]]*\]`)
	grouping   = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	matchers   = regexp.MustCompile(`([a-z_]+)\{([^}]*)\}`)
	identifier = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_:]*`)
	counted    = regexp.MustCompile(`\b(rate|increase|irate)\(([a-z_]+)`)
	word       = regexp.MustCompile(`[a-z_]+`)
)

// unknown says what of an expression a node does not show.
func unknown(query string, all map[string]metric) (problems []string) {
	for _, m := range counted.FindAllStringSubmatch(query, -1) {
		if all[m[2]].kind != "counter" {
			problems = append(problems, fmt.Sprintf("%s of %s, which is no counter", m[1], m[2]))
		}
	}
	query = duration.ReplaceAllString(quoted.ReplaceAllString(query, `""`), "")
	for _, m := range matchers.FindAllStringSubmatch(query, -1) {
		for _, label := range word.FindAllString(m[2], -1) {
			if known, ok := all[m[1]]; ok && !known.labels[label] {
				problems = append(problems, fmt.Sprintf("%s has no label %s", m[1], label))
			}
		}
	}
	groups := grouping.FindAllStringSubmatch(query, -1)
	query = grouping.ReplaceAllString(matchers.ReplaceAllString(query, "$1 "), "")
	labels := map[string]bool{}
	named := 0
	for _, at := range identifier.FindAllStringIndex(query, -1) {
		name, after := query[at[0]:at[1]], strings.TrimSpace(query[at[1]:])
		if strings.HasPrefix(after, "(") || slices.Contains([]string{"and", "or", "unless", "bool", "offset", "sum", "min", "max", "count"}, name) {
			continue
		}
		m, ok := all[name]
		if !ok {
			problems = append(problems, "no metric "+name)
		}
		maps.Copy(labels, m.labels)
		named++
	}
	if named == 0 {
		problems = append(problems, "no metric at all")
	}
	for _, g := range groups {
		for _, label := range word.FindAllString(g[1], -1) {
			if !labels[label] {
				problems = append(problems, "no label "+label)
			}
		}
	}
	return problems
}

// TestMetricsExist: whatever the dashboard and the alerts ask for, a running node shows.
func TestMetricsExist(t *testing.T) {
	all := shown(t)
	alerts, panels := alertExpressions(t), dashboardExpressions(t)
	if len(alerts) < 10 || len(panels) < 30 {
		t.Fatalf("%d alerts, %d queries of the dashboard", len(alerts), len(panels))
	}
	for _, e := range append(alerts, panels...) {
		for _, problem := range unknown(e.text, all) {
			t.Errorf("%s: %s in %s", e.where, problem, e.text)
		}
	}

	var file rules
	decodeYAML(t, "prometheus/alerts.yaml", &file)
	labels := map[string]bool{}
	for _, m := range all {
		maps.Copy(labels, m.labels)
	}
	for _, r := range file.Groups[0].Rules {
		for _, text := range r.Annotations {
			for _, m := range templateLabel.FindAllStringSubmatch(text, -1) {
				if !labels[m[1]] {
					t.Errorf("%s: no label %s", r.Alert, m[1])
				}
			}
		}
	}
}

// TestAlertsFire: the tests of the alerts, which promtool runs, see every one fire.
func TestAlertsFire(t *testing.T) {
	var file rules
	decodeYAML(t, "prometheus/alerts.yaml", &file)
	var cases struct {
		RuleFiles          []string `yaml:"rule_files"`
		EvaluationInterval string   `yaml:"evaluation_interval"`
		Tests              []struct {
			Name        string `yaml:"name"`
			Interval    string `yaml:"interval"`
			InputSeries []struct {
				Series string `yaml:"series"`
				Values string `yaml:"values"`
			} `yaml:"input_series"`
			Alerts []struct {
				EvalTime  string `yaml:"eval_time"`
				Alertname string `yaml:"alertname"`
				Expected  []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	decodeYAML(t, "prometheus/alerts_test.yaml", &cases)
	fired := map[string]bool{}
	for _, c := range cases.Tests {
		for _, a := range c.Alerts {
			fired[a.Alertname] = fired[a.Alertname] || len(a.Expected) > 0
		}
	}
	for _, r := range file.Groups[0].Rules {
		if !fired[r.Alert] {
			t.Errorf("no test sees %s fire", r.Alert)
		}
	}
}

// TestUnknownBites shows the check what it must find.
func TestUnknownBites(t *testing.T) {
	all := map[string]metric{
		"a_total": {"counter", map[string]bool{"x": true, "job": true}},
		"b":       {"gauge", map[string]bool{"job": true}},
	}
	for query, want := range map[string]string{
		`rate(a_total{job="j",x=~"$x"}[5m]) > 0.5 * b`:            "",
		`sum by (x) (increase(a_total[1h])) and on (job) b`:       "",
		`label_replace(a_total{job="c"}, "y", "$1", "x", "(.*)")`: "",
		`rate(b[5m])`:          "rate of b, which is no counter",
		`b + c_total`:          "no metric c_total",
		`a_total{y="1"}`:       "a_total has no label y",
		`sum by (y) (a_total)`: "no label y",
		`time() - 5`:           "no metric at all",
	} {
		got := strings.Join(unknown(query, all), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}
