package focus

import (
	"fmt"
	"testing"

	"github.com/atoll-mesh/atoll/cascade/room"
)

func muteOf(media, jid, value string) string {
	return fmt.Sprintf(`<mute jid="%s" xmlns="http://jitsi.org/jitmeet/%s">%s</mute>`, jid, media, value)
}

func TestMuteRequests(t *testing.T) {
	other := testRoom + "/478dfae7"
	me := testRoom + "/05cf9031"
	want := func(kind room.Kind, desktop bool) Effect {
		return MuteRequest{Kind: kind, Desktop: desktop, Target: "478dfae7", Actor: me}
	}
	for _, c := range []struct {
		name, request string
		moderator     bool
		condition     string
		effect        Effect
	}{
		{"audio", muteOf("audio", other, "true"), true, "", want(room.Audio, false)},
		{"video", muteOf("video", other, "true"), true, "", want(room.Video, false)},
		{"desktop", muteOf("desktop", other, "true"), true, "", want(room.Video, true)},
		{"not a moderator", muteOf("audio", other, "true"), false, "not-allowed", nil},
		{"unmute", muteOf("audio", other, "false"), true, "not-allowed", nil},
		{"oneself", muteOf("audio", me, "true"), false, "", nil},
		{"unmute oneself", muteOf("video", me, "false"), false, "", nil},
		{"nobody", muteOf("audio", testRoom+"/ffffffff", "true"), true, "item-not-found", nil},
		{"the focus", muteOf("audio", testRoom+"/focus", "true"), true, "not-allowed", nil},
		{"other room", muteOf("audio", "room2@conference.meet.test/478dfae7", "true"), true, "bad-request", nil},
		{"no jid", muteOf("audio", "", "true"), true, "bad-request", nil},
		{"no value", muteOf("audio", other, "maybe"), true, "bad-request", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, func(cfg *Config) { cfg.Roster = table{"05cf9031": c.moderator, "478dfae7": false, "focus": true} })
			b.iq("set", "q1", c.request)
			switch {
			case c.condition != "":
				b.refused(c.condition)
			case c.effect != nil:
				b.ok(c.effect)
			default:
				b.ok()
			}
		})
	}
}

func TestMute(t *testing.T) {
	b := newBed(t)
	for _, c := range []struct {
		kind    room.Kind
		desktop bool
		space   string
	}{
		{room.Audio, false, "http://jitsi.org/jitmeet/audio"},
		{room.Video, false, "http://jitsi.org/jitmeet/video"},
		{room.Video, true, "http://jitsi.org/jitmeet/desktop"},
	} {
		b.take(b.p.Mute(c.kind, c.desktop, testRoom+"/478dfae7"))
		mute := b.sent[0].Child(c.space, "mute")
		if b.sent[0].Attr("type") != "set" || mute == nil || mute.Text != "true" || mute.Attr("actor") != testRoom+"/478dfae7" {
			t.Errorf("sent %s", b.texts())
		}
		if !b.p.Next().IsZero() {
			t.Error("waits for an answer that clients do not give")
		}
	}
}
