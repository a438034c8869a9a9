package plan

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Unix(1_700_000_000, 0)

// step is an event, or with none that time passes.
type step struct {
	event Event
	wait  time.Duration
	want  []Effect
}

func TestMoves(t *testing.T) {
	for name, c := range map[string]struct {
		way     Way
		steps   []step
		outcome Outcome
	}{
		"restarted": {Restart, []step{
			{Prepared, 0, []Effect{Duplicate, TellRestart}},
			{0, AnswerTime - 1, nil},
			{Answered, 0, []Effect{PassAnswer}},
			{0, CheckTime - 1, nil},
			{Valid, 0, []Effect{Hand}},
			{Handed, 0, []Effect{GiveAway}},
			{Taken, 0, []Effect{Done}},
		}, Moved},
		"a client that does not know": {Restart, []step{
			{Prepared, 0, []Effect{Duplicate, TellRestart}},
			{0, AnswerTime, []Effect{TellInvite}},
			{Answered, 0, []Effect{PassAnswer, Hand}},
			{Handed, 0, []Effect{GiveAway}},
			{Taken, 0, []Effect{Done}},
		}, Anew},
		"a client that does not get through": {Restart, []step{
			{Prepared, 0, []Effect{Duplicate, TellRestart}},
			{Answered, 0, []Effect{PassAnswer}},
			{0, CheckTime, []Effect{TellInvite}},
			{0, AcceptTime, []Effect{Hand}},
			{Handed, 0, []Effect{GiveAway}},
			{Taken, 0, []Effect{Done}},
		}, Without},
		"no media":           {Bare, []step{{Prepared, 0, []Effect{Hand}}, {Handed, 0, []Effect{GiveAway}}, {Taken, 0, []Effect{Done}}}, Without},
		"only by invitation": {Invite, []step{{Prepared, 0, []Effect{TellInvite}}, {Untold, 0, []Effect{Hand}}}, Under},
		"no answer":          {Restart, []step{{0, PrepareTime - 1, nil}, {0, 1, []Effect{Drop, Done}}}, Stayed},
		"refused":            {Restart, []step{{Refused, 0, []Effect{Drop, Done}}}, Stayed},
		"socket lost":        {Restart, []step{{Prepared, 0, []Effect{Duplicate, TellRestart}}, {Untold, 0, []Effect{Drop, Done}}}, Stayed},
		"left meanwhile":     {Bare, []step{{Prepared, 0, []Effect{Hand}}, {Kept, 0, []Effect{Drop, Done}}}, Stayed},
		"returned":           {Bare, []step{{Prepared, 0, []Effect{Hand}}, {Handed, 0, []Effect{GiveAway}}, {Returned, 0, []Effect{TakeBack, Drop, Done}}}, Stayed},
		"never answered": {Bare, []step{
			{Prepared, 0, []Effect{Hand}},
			{Handed, 0, []Effect{GiveAway}},
			{Unlinked, 0, nil}, // it may have it
			{0, TakeTime, []Effect{Drop, Done}},
		}, Gone},
	} {
		now := start
		m := New(now, c.way)
		for i, s := range c.steps {
			now = now.Add(s.wait)
			var got []Effect
			if s.event == 0 {
				got = m.Tick(now)
			} else {
				got = m.Handle(now, s.event)
			}
			if !slices.Equal(got, s.want) {
				t.Errorf("%s, step %d: %v, want %v", name, i, got, s.want)
			}
		}
		if m.Outcome() != c.outcome {
			t.Errorf("%s: outcome %v, want %v", name, m.Outcome(), c.outcome)
		}
	}
}

// Whatever comes in whatever order: a participant is given away at most once and only when it was handed, never taken back
// when it may be elsewhere, and every move ends.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := start
		m := New(now, Way(rapid.IntRange(0, 2).Draw(t, "way")))
		hands, given, back, done := 0, 0, 0, 0
		for i := range 60 {
			var effects []Effect
			if e := Event(rapid.IntRange(0, int(Unlinked)).Draw(t, "event")); e > 0 && i < 40 {
				effects = m.Handle(now, e)
				if slices.Contains(effects, TakeBack) && e != Returned {
					t.Fatalf("taken back on %v", e)
				}
			} else {
				now = now.Add(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 6 * time.Second}).Draw(t, "wait"))
				effects = m.Tick(now)
			}
			for _, f := range effects {
				if done > 0 {
					t.Fatalf("%v after the end", f)
				}
				switch f {
				case Hand:
					hands++
				case GiveAway:
					given++
				case TakeBack:
					back++
				case Done:
					done++
				}
			}
		}
		if given > hands || given > 1 || back > given {
			t.Fatalf("handed %d, given %d, back %d", hands, given, back)
		}
		for range 10 {
			now = now.Add(10 * time.Second)
			m.Tick(now)
			m.Handle(now, Handed)
		}
		if m.Outcome() == Under {
			t.Fatal("no end")
		}
	})
}
