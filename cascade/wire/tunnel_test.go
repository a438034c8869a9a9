package wire

import (
	"testing"

	"pgregory.net/rapid"
)

func TestTunnelRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Tunnel{drawMove(t), rapid.Bool().Draw(t, "theirs"), rapid.Bool().Draw(t, "uplink")}
		f, _, err := ParseFlow(append(AppendFlow(nil, want.Flow()), 0))
		if got, ok := f.Tunnel(); err != nil || !ok || got != want {
			t.Fatalf("%+v is %+v, %v, %v", want, got, ok, err)
		}
	})
}

func TestSubscriptionsAreNoTunnels(t *testing.T) {
	for _, f := range []Flow{{}, {Sub: FirstTunnel - 1, Encoding: 1}, {Sub: FirstTunnel}, {Sub: FirstTunnel + 1, Encoding: 2}} {
		if got, ok := f.Tunnel(); ok {
			t.Errorf("%+v is %+v", f, got)
		}
	}
}
