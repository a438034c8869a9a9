package bench

import (
	"fmt"
	"html"
	"io"
	"strings"
	"time"
)

// What the chart is drawn with, in pixels.
const (
	chartWidth = 900
	chartLabel = 210
	chartBar   = 14
	chartGap   = 16
)

var colours = map[Kind]string{Node: "#1b7f5c", Plain: "#8a8f98", Interceptors: "#c2a878", Janus: "#b5534c"}

// Chart draws CPU per forwarded packet as SVG: a bar to the median, a line from the least to the greatest.
func (r Report) Chart(out io.Writer) error {
	longest, rows := time.Duration(1), 0
	for _, o := range r.Outcomes {
		rows++
		for _, s := range o.Results {
			longest = max(longest, s.CPU.Max)
			rows++
		}
	}
	scale := float64(chartWidth-chartLabel-150) / float64(longest)
	at := func(d time.Duration) float64 { return chartLabel + float64(d)*scale }
	var b strings.Builder
	height := 70 + rows*chartBar + len(r.Outcomes)*chartGap
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="11">`+"\n", chartWidth, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="10" y="20" font-size="15">CPU per forwarded packet, µs: least, median, greatest of the windows</text>`+"\n")
	fmt.Fprintf(&b, `<text x="10" y="38" fill="#555">%s; %s, %d cores; %s</text>`+"\n",
		html.EscapeString(r.Version), html.EscapeString(r.Machine), r.Cores, r.Begun.UTC().Format("2006-01-02"))
	y := 60
	for _, o := range r.Outcomes {
		fmt.Fprintf(&b, `<text x="10" y="%d" font-weight="bold">%s</text>`+"\n", y+chartBar-3, html.EscapeString(o.Name))
		for _, s := range o.Results {
			middle := float64(y) + chartBar/2
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, chartLabel-6, y+chartBar-3, html.EscapeString(string(s.Server)))
			if s.CPU.Max == 0 {
				fmt.Fprintf(&b, `<text x="%d" y="%d" fill="#a00">too few windows</text>`+"\n", chartLabel+4, y+chartBar-3)
				y += chartBar
				continue
			}
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, chartLabel, y+2, at(s.CPU.Median)-chartLabel, chartBar-4, colours[s.Server])
			fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1[3]f" stroke="#222"/>`, at(s.CPU.Min), at(s.CPU.Max), middle)
			text := fmt.Sprintf("%.2f", micros(s.CPU.Median))
			if s.Ratio > 0 && s.Server != Plain {
				text += fmt.Sprintf(" (×%.2f)", s.Ratio)
			}
			fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s; p99 %.1f ms</text>`+"\n", at(s.CPU.Max)+6, y+chartBar-3, text, millis(s.P99))
			y += chartBar
		}
		y += chartBar + chartGap
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(out, b.String())
	return err
}
