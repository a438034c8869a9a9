package conference

import (
	"testing"
	"time"
)

func TestNobodyIsInvitedAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		a.join()
		wait(time.Minute)
		if n := a.jingles("session-initiate"); n != 0 {
			t.Errorf("alone: %d offers", n)
		}
		b.join()
		if a.jingles("session-initiate") != 1 || b.jingles("session-initiate") != 1 || r.openLegs() != 2 {
			t.Errorf("together: %d and %d offers, %d legs", a.jingles("session-initiate"), b.jingles("session-initiate"), r.openLegs())
		}
	})
}

// TestLeftAlone: the session of somebody left alone ends after 20 s, and a new one begins when somebody comes.
func TestLeftAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		a.join()
		b.join()
		b.say(`<presence type="unavailable" to="` + testRoom + `/` + string(b.id) + `" xmlns="jabber:client"/>`)
		wait(aloneGrace - time.Millisecond)
		if n := a.jingles("session-terminate"); n != 0 {
			t.Errorf("before 20 s: %d ends", n)
		}
		wait(time.Millisecond)
		if n := a.jingles("session-terminate"); n != 1 || r.openLegs() != 0 {
			t.Errorf("after 20 s: %d ends, %d legs", n, r.openLegs())
		}
		c := r.client()
		c.join()
		if n := a.jingles("session-initiate"); n != 2 || a.sids[0] == a.sids[1] {
			t.Errorf("with somebody new: %d offers, sids %v", n, a.sids)
		}
	})
}

// TestCompanyComesBackInTime: who comes within the grace finds the session as it was.
func TestCompanyComesBackInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b, c := r.client(), r.client(), r.client()
		a.join()
		b.join()
		b.say(`<presence type="unavailable" to="` + testRoom + `/` + string(b.id) + `" xmlns="jabber:client"/>`)
		wait(10 * time.Second)
		c.join()
		wait(time.Minute)
		if a.jingles("session-terminate") != 0 || a.jingles("session-initiate") != 1 {
			t.Errorf("%d ends, %d offers", a.jingles("session-terminate"), a.jingles("session-initiate"))
		}
	})
}

// TestRestart: a client that asks for a restart gets a fresh session, one that just ends it does not.
func TestRestart(t *testing.T) {
	for name, want := range map[string]int{`<bridge-session restart="true" xmlns="http://jitsi.org/protocol/focus"/>`: 2, ``: 1} {
		inBubble(t, func(t *testing.T, r *rig) {
			a, b := r.client(), r.client()
			a.join()
			b.join()
			a.say(`<iq type="set" id="t" to="` + testFocus + `" xmlns="jabber:client"><jingle action="session-terminate" sid="` + a.sids[0] +
				`" xmlns="urn:xmpp:jingle:1"><reason><success/></reason>` + name + `</jingle></iq>`)
			wait(time.Minute)
			if n := a.jingles("session-initiate"); n != want || r.openLegs() != want {
				t.Errorf("%q: %d offers, %d legs, want %d of each", name, n, r.openLegs(), want)
			}
		})
	}
}

// TestLegDies: a participant whose leg died gets a fresh session.
func TestLegDies(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		a, b := r.client(), r.client()
		a.join()
		b.join()
		r.leg(a).to.Closed(errNoPorts)
		wait(afterLeg - time.Millisecond)
		if n := a.jingles("session-initiate"); n != 1 {
			t.Errorf("%d offers to a client that may be leaving", n)
		}
		wait(time.Millisecond)
		if n := a.jingles("session-initiate") + b.jingles("session-initiate"); n != 3 || r.openLegs() != 2 {
			t.Errorf("%d offers, %d legs; want 3 and 2", n, r.openLegs())
		}
	})
}

func TestNoLegToBeHad(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.fail = errNoPorts
		a, b := r.client(), r.client()
		a.join()
		b.join()
		if n := a.jingles("session-initiate"); n != 0 {
			t.Errorf("%d offers without a leg", n)
		}
	})
}
