package standby

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/atoll-mesh/atoll/cascade/room"
	"github.com/atoll-mesh/atoll/cascade/wire"
	"github.com/atoll-mesh/atoll/node/session"
)

// give brings frames to a keeper and returns its answer, if there is one.
func give(t interface{ Fatal(...any) }, k *Keeper, now time.Time, frames []wire.Frame) (answer wire.Kept, due bool) {
	for _, f := range frames {
		switch f := f.(type) {
		case wire.Keep:
			f.Value = append([]byte(nil), f.Value...)
			answer, due, _ = k.Keep(now, nodeA, f)
		case wire.Amend:
			var err error
			if answer, err = k.Amend(now, nodeA, f); err != nil {
				t.Fatal(err)
			}
			due = true
		}
	}
	return answer, due
}

// TestCopyIsWhatTheKeeperHas after any frames and answers were lost, and after the keeper has forgotten: at the latest with the third
// push that nothing happens to.
func TestCopyIsWhatTheKeeperHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, token := NewKeeper(Limits{}), tokenOf(nodeA, 1)
		c := NewCopy(token.String())
		now, undisturbed := start, 0
		value := ""
		for range rapid.IntRange(1, 30).Draw(t, "seconds") {
			now = now.Add(time.Second)
			if rapid.Bool().Draw(t, "changed") {
				value = fmt.Sprintf("%s of %v", value, now)
			}
			frames := c.Push(now, []byte("value "+value))
			undisturbed++
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0: // frames lost
				undisturbed = 0
				continue
			case 1: // forgotten
				k.Wipe(nodeA, wire.Wipe{Token: token.String()})
				undisturbed = 0
			}
			answer, due := give(t, k, now, frames)
			if due && rapid.IntRange(0, 4).Draw(t, "answered") > 0 {
				if c.Kept(answer.Sum) != (answer.Sum == Sum([]byte("value "+value))) {
					t.Fatal("the copy is sure of another value")
				}
			}
		}
		for range 4 { // one of these is more than unsure away
			now = now.Add(unsure)
			if answer, due := give(t, k, now, c.Push(now, []byte("value "+value+" end"))); due {
				c.Kept(answer.Sum)
			}
		}
		if got := k.Take(token); string(got) != "value "+value+" end" {
			t.Fatalf("the keeper has %q, want %q", got, value)
		}
	})
}

// TestChangesAreAmended once the keeper has said that it has the value, and are whole again when it has it no more.
func TestChangesAreAmended(t *testing.T) {
	k, token := NewKeeper(Limits{}), tokenOf(nodeA, 1)
	c := NewCopy(token.String())
	long := func(n int) []byte { return fmt.Appendf(nil, "%0100d %d", 0, n) }
	for n, want := range []string{"Keep", "Amend", "Amend", "", "Keep", "Amend"} {
		now := start.Add(time.Duration(n) * time.Second)
		value := long(n)
		switch n {
		case 3: // it begins anew
			k.Close()
			value = long(2)
		case 4:
			if got := c.Push(now, value); fmt.Sprintf("%T", got[0]) != "wire.Amend" {
				t.Fatalf("%T", got[0])
			}
			c.Kept(0)
			now = now.Add(time.Second)
			value = long(4)
		}
		frames := c.Push(now, value)
		got := ""
		if len(frames) > 0 {
			got = fmt.Sprintf("%T", frames[0])[len("wire."):]
		}
		if got != want || len(frames) > 1 {
			t.Fatalf("second %d: %q, want %q", n, got, want)
		}
		if answer, due := give(t, k, now, frames); due && !c.Kept(answer.Sum) {
			t.Fatalf("second %d: the keeper does not have it", n)
		}
	}
	if frames := c.Push(start.Add(Repeat+5*time.Second), long(5)); len(frames) != 1 {
		t.Error("what does not change is not repeated")
	}
}

// TestRefusedRecordIsNotPushedEverySecond.
func TestRefusedRecordIsNotPushedEverySecond(t *testing.T) {
	k := NewKeeper(Limits{All: 1})
	give(t, k, start, NewCopy(tokenOf(nodeA, 1).String()).Push(start, []byte("first")))
	c := NewCopy(tokenOf(nodeA, 2).String())
	pushes := 0
	for n := range 60 {
		now := start.Add(time.Duration(n) * time.Second)
		frames := c.Push(now, fmt.Appendf(nil, "value %d", n))
		pushes += len(frames)
		if answer, due := give(t, k, now, frames); due && c.Kept(answer.Sum) {
			t.Fatal("it was kept")
		}
	}
	if pushes != 6 {
		t.Errorf("%d pushes in a minute, want 6", pushes)
	}
	if !c.Overdue(start.Add(time.Minute)) {
		t.Error("what is refused is waited for")
	}
}

// TestSilentStandby is of a build that does not answer: it is sent all of it, and not waited for.
func TestSilentStandby(t *testing.T) {
	c := NewCopy(tokenOf(nodeA, 1).String())
	for n := range 10 {
		now := start.Add(time.Duration(n) * time.Second)
		for _, f := range c.Push(now, fmt.Appendf(nil, "%0100d", n)) {
			if _, whole := f.(wire.Keep); !whole {
				t.Fatalf("%T", f)
			}
		}
		if c.Overdue(now) != (n >= 3) {
			t.Errorf("after %d s: overdue %v", n, c.Overdue(now))
		}
	}
}

// TestUnansweredValueIsSentAgain, although it has not changed, before it would be repeated.
func TestUnansweredValueIsSentAgain(t *testing.T) {
	c := NewCopy(tokenOf(nodeA, 1).String())
	for after, want := range map[time.Duration]int{unsure - time.Second: 0, unsure: 1} {
		c.Wipe()
		c.Push(start, []byte("value"))
		if got := len(c.Push(start.Add(after), []byte("value"))); got != want {
			t.Errorf("%d frames after %v, want %d", got, after, want)
		}
	}
}

// TestSecondOfAMeeting: what a second changes of a participant who talks with nine others is told in less than 100 bytes and 50 for
// each stream.
func TestSecondOfAMeeting(t *testing.T) {
	p := &session.Participant{Room: "room@conference.example.org", Endpoint: "0123abcd"}
	p.Media.DTLS = make([]byte, 800)
	p.Occupancy.Presence = make([]byte, 2000)
	const others = 9
	for n := range 2 * others {
		ssrc := uint32(1000 + n)
		p.Media.Sent = append(p.Media.Sent, session.SentRTP{SSRC: ssrc, Index: 70_000})
		p.Media.SentRTCP = append(p.Media.SentRTCP, session.SentRTCP{SSRC: ssrc, Next: 1000})
		p.Forwarding.Slots = append(p.Forwarding.Slots, session.Slot{Kind: room.Video, SSRC: ssrc, RTX: ssrc + 100, Source: room.SourceName(fmt.Sprintf("%08x-v0", n)), Rewrite: session.Rewrite{Started: true, InSSRC: ssrc + 1, LastSeq: 100, LastTS: 5_000_000, LastPicture: 200, LastTL0: 9, LastSent: start, Packets: 70_000, Octets: 70_000_000}})
	}
	for n := range 4 {
		p.Media.Received = append(p.Media.Received, session.ReceivedRTP{SSRC: uint32(n), Index: 80_000, Window: [8]uint64{1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1}})
		p.Media.ReceivedRTCP = append(p.Media.ReceivedRTCP, session.ReceivedRTCP{SSRC: uint32(n), Index: 900, Window: 1<<64 - 1})
	}
	k, c := NewKeeper(Limits{}), NewCopy(tokenOf(nodeA, 1).String())
	size := 0
	for n := range 5 {
		now := start.Add(time.Duration(n) * time.Second)
		p.Thin()
		value := session.Encode(p)
		all := len(value)
		frames := c.Push(now, value)
		if len(frames) != 1 {
			t.Fatalf("%d frames", len(frames))
		}
		size = len(wire.Append(nil, frames[0], wire.Version))
		answer, _ := give(t, k, now, frames)
		c.Kept(answer.Sum)
		t.Logf("second %d: %d bytes of %d", n, size, all)
		for i := range p.Media.Sent {
			p.Media.Sent[i].Index += 170
			p.Media.SentRTCP[i].Next++
			r := &p.Forwarding.Slots[i].Rewrite
			r.LastSeq += 170
			r.LastTS += 90_000
			r.LastPicture += 30
			r.LastTL0 += 8
			r.LastSent = now.Add(time.Second)
			r.Packets += 170
			r.Octets += 170_000
		}
		for i := range p.Media.Received {
			p.Media.Received[i].Index += 170
			p.Media.ReceivedRTCP[i].Index += 5
		}
	}
	if most := 100 + 50*len(p.Media.Sent); size > most {
		t.Errorf("a second takes %d bytes, want at most %d", size, most)
	}
}

// TestLateRefusalOfAChange: a standby that had lost the record says so when all of it is already on its way. It has it then, and is
// told of what changes after that.
func TestLateRefusalOfAChange(t *testing.T) {
	k, token := NewKeeper(Limits{}), tokenOf(nodeA, 1)
	c := NewCopy(token.String())
	second := func(n int) (time.Time, []byte) {
		return start.Add(time.Duration(n) * time.Second), fmt.Appendf(nil, "%0100d", n)
	}
	push := func(n int) (wire.Kept, bool) {
		now, value := second(n)
		return give(t, k, now, c.Push(now, value))
	}
	answer, _ := push(0)
	c.Kept(answer.Sum)
	k.Wipe(nodeA, wire.Wipe{Token: token.String()})
	refusal, _ := push(1) // a change
	answer, _ = push(2)   // the answer is not there yet: all of it
	if refusal.Sum != 0 || answer.Sum == 0 {
		t.Fatalf("answers %v, %v", refusal, answer)
	}
	c.Kept(refusal.Sum)
	if !c.Kept(answer.Sum) {
		t.Fatal("the keeper does not have it")
	}
	push(3)
	if _, want := second(3); string(k.Take(token)) != string(want) {
		t.Error("what changed is not pushed")
	}
}
