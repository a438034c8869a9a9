package room

import (
	"testing"
	"time"
)

func TestKick(t *testing.T) {
	b := newBench(t, alpha, bravo, delta)
	b.join(bravo, "00000001")
	b.settle()
	b.take()
	kick := Kick{b.rooms[alpha].Stamp(b.now), "00000002", "spam and ham"}
	if got, err := ParseKick(kick.Value()); err != nil || got != kick {
		t.Errorf("%q reads %+v, %v", kick.Value(), got, err)
	}
	b.write(alpha, FieldKick+"00000001", kick.Value())
	told := b.take()[alpha]
	b.want(alpha, told, "header [kick/00000001]", "vanished bravoaaaaa 00000001 2spam and ham")
	if v, _ := told[1].(Vanished); v.Actor != "00000002" {
		t.Errorf("kicked by %q", v.Actor)
	}
	b.settle()
	told = b.take()[bravo]
	b.want(bravo, told, "header [kick/00000001]", "vanished bravoaaaaa 00000001 2spam and ham", "evict 00000001 2spam and ham")
	if b.rooms[bravo].Say(b.now, Utterance{From: "00000001"}) != nil {
		t.Error("who was kicked speaks")
	}
	if at := b.rooms[bravo].Stamp(epoch); at <= kick.At {
		t.Errorf("stamps %v after a kick at %v", at, kick.At)
	}
	evict, _ := told[2].(Evict)
	b.do(bravo, b.rooms[bravo].Remove(b.now, evict.Removal))
	b.settle()
	for _, e := range b.take() {
		b.want(delta, people(e))
	}

	// It comes back, which is another occupancy.
	b.join(bravo, "00000001")
	b.settle()
	b.want(delta, b.take()[delta], "appeared bravoaaaaa 00000001")
	b.now = b.now.Add(kickMemory)
	for range 3 {
		b.settle()
	}
	for name, r := range b.rooms {
		if r.header.registers[FieldKick+"00000001"] != nil || len(r.Occupants()) != 1 {
			t.Errorf("%s: %v after ten minutes, %d occupants", name, r.Values(), len(r.Occupants()))
		}
	}
}

// TestKickOfSomebodyOutOfReach: it is hidden as soon as it shows up again.
func TestKickOfSomebodyOutOfReach(t *testing.T) {
	b := newBench(t, alpha, bravo)
	b.join(bravo, "00000001")
	b.settle()
	b.part()
	b.write(alpha, FieldKick+"00000001", Kick{At: b.rooms[alpha].Stamp(b.now)}.Value())
	b.sleep(time.Minute)
	b.take()
	b.heal()
	told := b.take()
	b.want(alpha, people(told[alpha]))
	b.want(bravo, people(told[bravo]), "vanished bravoaaaaa 00000001 2", "evict 00000001 2")
}

func FuzzParseKick(f *testing.F) {
	f.Add("1 00000001 because of this")
	f.Add("1  ")
	f.Add("-1 x ")
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParseKick(s)
		if err != nil {
			return
		}
		if again, err := ParseKick(k.Value()); err != nil || again != k {
			t.Errorf("%q reads %+v, which reads %+v, %v", s, k, again, err)
		}
	})
}
