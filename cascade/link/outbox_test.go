package link

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// drained takes everything out of an outbox, as classes and first bytes.
func drained(o *outbox, now time.Time) string {
	var all []byte
	for {
		data, class := o.get(now)
		if data == nil {
			return string(all)
		}
		all = append(all, "asvd"[class], (*data)[0])
		release(data)
	}
}

func filled(t *testing.T, now time.Time, what string) (*outbox, *tally) {
	t.Helper()
	tally := new(tally)
	o := newOutbox(tally)
	for i := 0; i < len(what); i += 2 {
		if !o.put(now, Class(bytes.IndexByte([]byte("asvd"), what[i])), []byte(what[i+1:i+2])) {
			t.Fatalf("%q was dropped", what[i:i+2])
		}
	}
	return o, tally
}

func TestOutboxOrder(t *testing.T) {
	now := time.Unix(1000, 0)
	o, _ := filled(t, now, "v1d2s3a4v5a6d7")
	if got := drained(o, now); got != "a4a6v1d2s3v5d7" {
		t.Errorf("order %s", got)
	}
	if o.bytes != 0 {
		t.Errorf("%d bytes in an empty outbox", o.bytes)
	}
}

func TestOutboxCopies(t *testing.T) {
	now := time.Unix(1000, 0)
	o := newOutbox(new(tally))
	b := []byte("x")
	o.put(now, Audio, b)
	b[0] = 'y'
	if got := drained(o, now); got != "ax" {
		t.Errorf("got %s", got)
	}
}

func TestOutboxShedsByAge(t *testing.T) {
	now := time.Unix(1000, 0)
	late := now.Add(maxWait + time.Millisecond)
	for name, c := range map[string]struct{ old, fresh, want string }{
		"nothing old":               {"", "v1d2s3a4", "a4v1d2s3"},
		"discardable goes":          {"d1", "v2s3a4", "a4v2s3"},
		"fresh of a class goes too": {"d1", "d2v3", "v3"},
		"classes behind go first":   {"v1", "d2s3a4", "a4s3"},
		"speaker's video":           {"s1", "v2d3a4", "a4"},
		"audio waits longer":        {"a1", "a2v3d4s5", "a1a2"},
	} {
		t.Run(name, func(t *testing.T) {
			o, tally := filled(t, now, c.old)
			for i := 0; i < len(c.fresh); i += 2 { // before the old ones are too old
				o.put(now.Add(maxWait), Class(bytes.IndexByte([]byte("asvd"), c.fresh[i])), []byte(c.fresh[i+1:i+2]))
			}
			if got := drained(o, late); got != c.want {
				t.Errorf("left %s, want %s", got, c.want)
			}
			dropped := uint64(0)
			for i := range Classes {
				dropped += tally.mediaDrop[i].count().Packets
			}
			if want := uint64(len(c.old)+len(c.fresh)-len(c.want)) / 2; dropped != want || o.bytes != 0 {
				t.Errorf("%d counted as dropped, want %d; %d bytes", dropped, want, o.bytes)
			}
		})
	}
}

func TestOutboxRefusesWhatItDropped(t *testing.T) {
	now := time.Unix(1000, 0)
	o, tally := filled(t, now, "v1a2")
	now = now.Add(maxWait + 1)
	drained(o, now)
	if o.put(now, Video, []byte("3")) || !o.put(now, Speaker, []byte("4")) || !o.put(now, Audio, []byte("5")) {
		t.Error("the wrong class is refused")
	}
	drained(o, now)
	now = now.Add(refusal)
	if !o.put(now, Video, []byte("6")) {
		t.Error("refused for ever")
	}
	if diff := cmp.Diff(Count{2, 2}, tally.mediaDrop[Video].count()); diff != "" {
		t.Error(diff)
	}
}

func TestAudioIsDroppedLast(t *testing.T) {
	now := time.Unix(1000, 0)
	o, _ := filled(t, now, "a1a2")
	o.put(now.Add(maxWait), Audio, []byte("3"))
	if got := drained(o, now.Add(maxAudio+1)); got != "a3" {
		t.Errorf("left %s", got)
	}
}

func TestOutboxIsBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	o := newOutbox(new(tally))
	packet := make([]byte, 1200)
	fits := maxOutbox / len(packet)
	for range fits {
		o.put(now, Audio, packet)
	}
	if !o.put(now, Audio, packet) || o.bytes > maxOutbox || o.queues[Audio].len() != fits {
		t.Errorf("%d bytes, %d packets: the oldest audio goes", o.bytes, o.queues[Audio].len())
	}
	for range 10 {
		o.put(now, Video, packet)
	}
	if n := o.queues[Video].len(); n > 1 || o.bytes > maxOutbox {
		t.Errorf("%d packets of video, %d bytes", n, o.bytes)
	}
	if o.put(now, Audio, make([]byte, maxPayload+1)) || o.put(now, Audio, nil) {
		t.Error("a datagram of no size or too large a one is taken")
	}
	for range 10_000 {
		o.put(now, Discardable, packet)
		now = now.Add(time.Millisecond)
	}
	if o.bytes > maxOutbox || cap(o.queues[Discardable].items) > 4*fits {
		t.Errorf("%d bytes, room for %d", o.bytes, cap(o.queues[Discardable].items))
	}
}

func TestOutboxAllocatesNothing(t *testing.T) {
	now := time.Unix(1000, 0)
	o := newOutbox(new(tally))
	packet := make([]byte, 1200)
	once := func() {
		now = now.Add(time.Millisecond)
		o.put(now, Video, packet)
		o.put(now, Audio, packet)
		for range 2 {
			data, _ := o.get(now)
			release(data)
		}
	}
	least := testing.AllocsPerRun(1000, once)
	for i := 0; i < 4 && least > 0; i++ { // a pool loses some: to the collector, and to the race detector
		least = min(least, testing.AllocsPerRun(1000, once))
	}
	if least > 0 {
		t.Errorf("%v allocations", least)
	}
}
