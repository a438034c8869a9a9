package stanza

import (
	"strings"
	"testing"
)

const chat = `<message xmlns="jabber:client" id="9f3b" to="room@conference.example.org" type="groupchat">` +
	`<body>hello everybody, this is a line of chat as people write them</body>` +
	`<nick xmlns="http://jabber.org/protocol/nick">alice</nick><active xmlns="http://jabber.org/protocol/chatstates"/></message>`

func BenchmarkParse(b *testing.B) {
	presence := `<presence xmlns="jabber:client" to="room1@conference.meet.test/5ab269e7"><x xmlns="http://jabber.org/protocol/muc"/>` +
		`<stats-id>Orie-dnL</stats-id><c hash="sha-1" node="https://jitsi.org/jitsi-meet" ver="dtzK/3xhISaXUMVg59IpXxdvKyQ=" ` +
		`xmlns="http://jabber.org/protocol/caps"/><SourceInfo>{"478dfae7-a0":{"muted":false}}</SourceInfo>` +
		`<jitsi_participant_codecList>av1,vp9,vp8,h264</jitsi_participant_codecList>` +
		`<nick xmlns="http://jabber.org/protocol/nick">alice</nick></presence>`
	for name, s := range map[string]string{"chat": chat, "presence": presence, "long": strings.Replace(chat, "hello", strings.Repeat("hello ", 2000), 1)} {
		b.Run(name, func(b *testing.B) {
			in := []byte(s)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(in, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSplice(b *testing.B) {
	st, err := Parse([]byte(chat), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	v := st.Envelope()
	v.From, v.To = "room@conference.example.org/478dfae7", "5ab269e7-0000-0000-0000-000000000000@example.org/r"
	b.ReportAllocs()
	for b.Loop() {
		_ = v.Append(make([]byte, 0, 512), st.Inner())
	}
}
