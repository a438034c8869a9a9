package load_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/tools/load"
)

func hear(r *load.Receiver, seq ...uint16) {
	for _, s := range seq {
		h := &rtp.Header{Version: 2, PayloadType: 100, SSRC: 7, SequenceNumber: s}
		r.RTP(h, make([]byte, 100), time.Now())
	}
}

func TestReceiverCountsHolesAndLatecomersAcrossWrap(t *testing.T) {
	r := load.NewReceiver()
	hear(r, 65533, 65534, 0, 65535, 3, 4)
	r.RTP(&rtp.Header{Version: 2, PayloadType: 96, SSRC: 8}, make([]byte, 100), time.Now())
	want := load.Tally{Packets: 6, Lost: 2, Late: 1, Foreign: 1, Streams: 1}
	if diff := cmp.Diff(want, r.Tally()); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}

func TestReportSaysWhatIsMissing(t *testing.T) {
	r := load.NewReceiver()
	if raw := r.Report(); raw != nil {
		t.Fatalf("a report before the first packet: %x", raw)
	}
	hear(r, 65534, 65535, 0, 3)
	for i, want := range []rtcp.ReceptionReport{
		{SSRC: 7, LastSequenceNumber: 1<<16 | 3, TotalLost: 2, FractionLost: 2 * 256 / 6},
		{SSRC: 7, LastSequenceNumber: 1<<16 | 5, TotalLost: 2},
	} {
		var rr rtcp.ReceiverReport
		if err := rr.Unmarshal(r.Report()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]rtcp.ReceptionReport{want}, rr.Reports); diff != "" {
			t.Errorf("report %d (-want +got):\n%s", i, diff)
		}
		hear(r, 4, 5)
	}
}
