package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (w Window) line(kind Kind, round int) string {
	s := fmt.Sprintf("round %2d %-17s %6.2f us  %5.1f %% of a core, %5.0f packets/s, p50/p99 %5.2f/%5.2f ms, waited %4.1f %%", round+1, kind, micros(w.PerPacket()),
		100*w.CPU.Seconds()/w.Elapsed.Seconds(), float64(w.Delivered)/w.Elapsed.Seconds(), millis(w.P50), millis(w.P99), 100*w.Waited.Seconds()/w.Elapsed.Seconds())
	if w.Thrown != "" {
		s += "  THROWN AWAY: " + w.Thrown
	}
	return s
}

func (o Outcome) print(out io.Writer) {
	for _, r := range o.Results {
		line := fmt.Sprintf("%-22s %-17s %5.2f/%5.2f/%5.2f us", o.Name, r.Server, micros(r.CPU.Min), micros(r.CPU.Median), micros(r.CPU.Max))
		if r.Ratio > 0 && r.Server != Plain {
			line += fmt.Sprintf("  x%4.2f", r.Ratio)
		} else {
			line += "       "
		}
		line += fmt.Sprintf("  latency %5.2f/%6.2f ms  join %3.0f/%4.0f ms, %2d trips  %4d KB each, %3.0f MB at start",
			millis(r.P50), millis(r.P99), millis(r.JoinP50), millis(r.JoinP95), r.Trips, r.PerPerson>>10, float64(r.Empty)/(1<<20))
		if r.Allocs > 0 {
			line += fmt.Sprintf("  %.3f allocs", r.Allocs)
		}
		if r.Relayed > 0 {
			line += fmt.Sprintf("  %.1f us at the first node per packet sent to it, above its %.1f ms a second for nothing", micros(r.Relayed), millis(r.Idle))
		}
		if thrown := len(r.Windows) - r.Counted; thrown > 0 {
			line += fmt.Sprintf("  %d windows thrown away", thrown)
		}
		if r.Unfinished != "" {
			line += "  " + r.Unfinished
		}
		_, _ = fmt.Fprintln(out, line)
	}
	for _, m := range o.Missed {
		_, _ = fmt.Fprintf(out, "%-22s MISSED: %s\n", o.Name, m)
	}
}

// machine names the processor and the kernel.
func machine() string {
	var name string
	raw, _ := os.ReadFile("/proc/cpuinfo") // it may be missing: then the name is
	for line := range strings.Lines(string(raw)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			name = strings.TrimSpace(value)
			break
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(name + ", Linux " + string(kernel))
}

func version(ctx context.Context, binary string) string {
	out, err := exec.CommandContext(ctx, binary, "version").Output()
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}
