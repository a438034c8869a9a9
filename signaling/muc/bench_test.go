package muc

import (
	"fmt"
	"testing"
)

func crowd(b *testing.B, n int) (*fixture, []string) {
	f := newFixture(b)
	jids := make([]string, n)
	for i := range jids {
		jids[i] = fmt.Sprintf("%08x-1111-4222-8333-444444444444@meet.test/resource", i)
		f.room.Handle(f.now, jids[i], f.parse(jids[i], fmt.Sprintf(`<presence to="%s/%08x"><x xmlns="http://jabber.org/protocol/muc"/></presence>`, roomJID, i)))
	}
	return f, jids
}

func benchmark(b *testing.B, text string) {
	const n = 50
	f, jids := crowd(b, n)
	st := f.parse(jids[0], fmt.Sprintf(text, roomJID))
	b.ReportAllocs()
	for b.Loop() {
		f.room.Handle(f.now, jids[0], st)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/delivery")
}

// BenchmarkGroupchat delivers one message to 50 occupants, parsing left out.
func BenchmarkGroupchat(b *testing.B) {
	benchmark(b, `<message to="%s" type="groupchat" id="m1"><body>Somebody says something of a hundred bytes or so, as people do when they talk.</body></message>`)
}

// BenchmarkPresence does the same with a presence as clients send it.
func BenchmarkPresence(b *testing.B) {
	benchmark(b, `<presence to="%s/00000000"><stats-id>Orie-dnL</stats-id><c hash="sha-1" node="https://jitsi.org/jitsi-meet" ver="dtzK" xmlns="http://jabber.org/protocol/caps"/>`+
		`<SourceInfo>{"00000000-a0":{"muted":false},"00000000-v0":{"muted":false}}</SourceInfo><jitsi_participant_codecList>av1,vp9,vp8,h264</jitsi_participant_codecList>`+
		`<nick xmlns="http://jabber.org/protocol/nick">alice</nick></presence>`)
}
