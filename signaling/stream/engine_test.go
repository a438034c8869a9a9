package stream

import (
	"bytes"
	"testing"
	"time"

	"github.com/atoll-mesh/atoll/signaling/stanza/stanzatest"
)

// FuzzEngine plays messages, separated by zero bytes, to one stream.
func FuzzEngine(f *testing.F) {
	for _, play := range [][]string{
		{openXML, authXML, openXML, bindXML, `<enable resume="true" xmlns="urn:xmpp:sm:3"/>`, message("1"), rXML, ackXML(1), closeXML},
		{openXML, authXML, openXML, resumeXML("n1-token", 3)},
		{openXML, authXML, openXML, bindXML, bindXML, `<iq type="get" id="" xmlns="jabber:client"/>`},
		{message("1")},
		{openXML, `<auth mechanism="PLAIN" xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>`, `<?xml?>`},
	} {
		var b []byte
		for _, m := range play {
			b = append(append(b, m...), 0)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		now := time.Unix(0, 0)
		e := newEngine(now, "meet.test", "id", Limits{}.orDefault())
		over := false
		for m := range bytes.SplitSeq(b, []byte{0}) {
			was := e.phase
			s := e.receive(now, bytes.Clone(m))
			for _, xml := range s.write {
				if err := stanzatest.CheckNamespaces(xml); err != nil {
					t.Fatal(err)
				}
			}
			if over && (s.kind != nothing || len(s.write) != 0) {
				t.Fatalf("the stream goes on after its end: %+v", s)
			}
			switch s.kind {
			case bind:
				if was != binding {
					t.Fatalf("bind in phase %d", was)
				}
				if err := stanzatest.CheckNamespaces(e.bound(s.id, "u@meet.test/r")); err != nil {
					t.Fatal(err)
				}
			case resume:
				e.establish("u@meet.test/r")
			case routed:
				if was != established || s.stanza.Attr("from") != "u@meet.test/r" {
					t.Fatalf("%s routed in phase %d", s.stanza.Bytes(), was)
				}
			case enable, ack, acked, answered:
				if was != established {
					t.Fatalf("kind %d in phase %d", s.kind, was)
				}
			case failed, clientDone:
				over = true
			case nothing:
			}
		}
	})
}
