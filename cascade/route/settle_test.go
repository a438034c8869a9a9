package route

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestMeshSettles: whatever happened to links, sources and wishes, in the end every wanted source that can be reached
// comes over one live path, and nothing else is sent.
func TestMeshSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.IntRange(2, 5).Draw(t, "nodes")
		delays := rapid.SliceOfN(rapid.IntRange(0, 300), 16, 16).Draw(t, "delays")
		turn := 0
		m := newMesh(nodes, nodes+1, func() time.Duration {
			turn++
			return time.Duration(delays[turn%len(delays)]) * time.Millisecond
		})
		m.run(500 * time.Millisecond)
		site := rapid.IntRange(0, nodes-1)
		ends := rapid.Custom(func(t *rapid.T) pair {
			i := rapid.IntRange(0, nodes-2).Draw(t, "i")
			return pair{i, rapid.IntRange(i+1, nodes-1).Draw(t, "j")}
		})
		which := rapid.IntRange(0, nodes)
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"want", "want", "want", "no", "cut", "kill", "mend", "mend", "mute", "move", "end", "slow"}).Draw(t, "what") {
			case "want":
				m.sites[site.Draw(t, "who")].local[source(which.Draw(t, "source"))] = rapid.SampledFrom([]int{180, 360, 720}).Draw(t, "height")
			case "no":
				m.sites[site.Draw(t, "who")].local[source(which.Draw(t, "source"))] = 0
			case "cut":
				e := ends.Draw(t, "link")
				m.cable(e[0], e[1]).cut = true
			case "kill":
				e := ends.Draw(t, "link")
				m.kill(e[0], e[1])
			case "mend":
				e := ends.Draw(t, "link")
				m.mend(e[0], e[1])
			case "mute":
				s := source(which.Draw(t, "source"))
				m.muted[s] = !m.muted[s]
			case "move":
				m.origin[source(which.Draw(t, "source"))] = site.Draw(t, "to")
			case "end":
				s := source(which.Draw(t, "source"))
				delete(m.origin, s)
				m.muted[s] = false // keeps its name known
			case "slow":
				e := ends.Draw(t, "link")
				m.cable(e[0], e[1]).delay = time.Duration(rapid.IntRange(1, 200).Draw(t, "delay")) * time.Millisecond
			}
			m.run(time.Duration(rapid.SampledFrom([]int{0, 20, 60, 120, 400, 1000, 3000, 7000}).Draw(t, "pause")) * time.Millisecond)
		}
		m.run(20 * time.Second)
		for _, fault := range m.settled() {
			t.Error(fault)
		}
	})
}
