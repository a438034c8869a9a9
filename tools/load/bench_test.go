//go:build load

package load_test

import (
	"os"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/tools/load"
)

// A node may not cost more than plain pion, within what one run can tell.
func TestForwardingCostsNoMoreThanPlainPion(t *testing.T) {
	const limit = 1.1
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	report, err := load.Bench{
		Node: binary(t), Control: []string{self, "plain"}, Receivers: 20, Windows: 5, Window: 4 * time.Second, Out: t.Output(),
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Ratio > limit {
		t.Errorf("the node spends %.3f times plain pion per forwarded packet, the limit is %.1f", report.Ratio, limit)
	}
}
