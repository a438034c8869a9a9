package packet

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
)

func read(t *testing.T, b []byte) []rtcp.Packet {
	t.Helper()
	ps, err := rtcp.Unmarshal(b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return ps
}

func TestPionReadsWhatIsWritten(t *testing.T) {
	for _, cname := range []string{"", "a", "ab", "abc", "478dfae7"} {
		ps := read(t, AppendSR(nil, 7, 0x0102030405060708, 9, 10, 11, cname))
		want := []rtcp.Packet{
			&rtcp.SenderReport{SSRC: 7, NTPTime: 0x0102030405060708, RTPTime: 9, PacketCount: 10, OctetCount: 11},
			&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 7, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: cname}}}}},
		}
		if diff := cmp.Diff(want, ps, cmp.Comparer(func(a, b rtcp.SenderReport) bool { return a.String() == b.String() })); diff != "" {
			t.Errorf("cname %q: %s", cname, diff)
		}
	}
	b := AppendRR(nil, 7, []ReportBlock{{1, 2, 3, 4, 5, 6, 7}, {8, 9, 10, 11, 12, 13, 14}})
	b = AppendPLI(b, 7, 8)
	b = AppendNACK(b, 7, 9, []uint16{65530, 65531, 10, 11, 27})
	ps := read(t, b)
	rr := ps[0].(*rtcp.ReceiverReport)
	if diff := cmp.Diff([]rtcp.ReceptionReport{
		{SSRC: 1, FractionLost: 2, TotalLost: 3, LastSequenceNumber: 4, Jitter: 5, LastSenderReport: 6, Delay: 7},
		{SSRC: 8, FractionLost: 9, TotalLost: 10, LastSequenceNumber: 11, Jitter: 12, LastSenderReport: 13, Delay: 14},
	}, rr.Reports); rr.SSRC != 7 || diff != "" {
		t.Errorf("receiver report: %s", diff)
	}
	if diff := cmp.Diff(&rtcp.PictureLossIndication{SenderSSRC: 7, MediaSSRC: 8}, ps[1]); diff != "" {
		t.Error(diff)
	}
	nack := ps[2].(*rtcp.TransportLayerNack)
	var lost []uint16
	for _, n := range nack.Nacks {
		lost = append(lost, n.PacketList()...)
	}
	if !slices.Equal(lost, []uint16{65530, 65531, 10, 11, 27}) || nack.MediaSSRC != 9 || nack.SenderSSRC != 7 {
		t.Errorf("nack %+v", nack)
	}
}

func TestReadsWhatPionWrites(t *testing.T) {
	b, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: 7, NTPTime: 8, RTPTime: 9, Reports: []rtcp.ReceptionReport{{SSRC: 1, LastSenderReport: 2, Delay: 3}}},
		&rtcp.TransportLayerNack{MediaSSRC: 5, Nacks: []rtcp.NackPair{{PacketID: 3, LostPackets: 4}, {PacketID: 5}}},
		&rtcp.FullIntraRequest{MediaSSRC: 0, FIR: []rtcp.FIREntry{{SSRC: 11, SequenceNumber: 1}, {SSRC: 12}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, b, err := NextRTCP(b)
	if err != nil {
		t.Fatal(err)
	}
	if ssrc, ntp, ts, ok := p.SenderInfo(); !ok || ssrc != 7 || ntp != 8 || ts != 9 {
		t.Error("sender report is wrong")
	}
	if block, ok := p.Block(0); !ok || block != (Block{1, 2, 3}) {
		t.Errorf("block %+v", block)
	}
	if _, ok := p.Block(1); ok {
		t.Error("a second block")
	}
	p, b, _ = NextRTCP(b)
	media, _ := p.Media()
	first, more, ok1 := p.Lost(0)
	second, _, ok2 := p.Lost(1)
	_, _, ok3 := p.Lost(2)
	if p.Type != TypeTransport || p.Count != FormatNACK || media != 5 || first != 3 || more != 4 || second != 5 || !ok1 || !ok2 || ok3 {
		t.Errorf("nack about %d: %d, %d, %d", media, first, more, second)
	}
	p, b, _ = NextRTCP(b)
	a, _ := p.Refresh(0)
	c, _ := p.Refresh(1)
	_, more3 := p.Refresh(2)
	if p.Type != TypePayload || p.Count != FormatFIR || a != 11 || c != 12 || more3 || len(b) != 0 {
		t.Errorf("full intra request about %d, %d", a, c)
	}
}

func TestNTP(t *testing.T) {
	at := time.Date(2026, 8, 20, 12, 0, 0, 250_000_000, time.UTC)
	if d := FromNTP(NTP(at)).Sub(at); d < -time.Microsecond || d > time.Microsecond {
		t.Errorf("off by %v", d)
	}
	if a, b := ShortNTP(NTP(at)), ShortNTP(NTP(at.Add(time.Second))); b-a != 65536 {
		t.Errorf("a second is %d", b-a)
	}
	if a, b := SendTime(at), SendTime(at.Add(time.Second)); (b-a)&0xffffff != 1<<18 {
		t.Errorf("a second of abs-send-time is %d", b-a)
	}
}

func FuzzRTCP(f *testing.F) {
	f.Add(AppendNACK(AppendPLI(AppendRR(nil, 7, []ReportBlock{{SSRC: 1}}), 7, 8), 7, 9, []uint16{1, 2, 99}))
	f.Add(AppendSR(nil, 7, 1, 2, 3, 4, "name"))
	f.Add([]byte{0xa1, 201, 0, 1, 0, 0, 0, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			p, rest, err := NextRTCP(b)
			if err != nil {
				return
			}
			if len(rest) >= len(b) {
				t.Fatal("no progress")
			}
			b = rest
			p.SenderInfo()
			p.Media()
			for i := range 32 {
				p.Block(i)
				p.Lost(i)
				p.Refresh(i)
			}
		}
	})
}
