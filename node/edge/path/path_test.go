package path

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"pgregory.net/rapid"
)

func nominates(raw []byte) bool {
	m := stun.New()
	m.Write(raw)
	return m.Contains(stun.AttrUseCandidate)
}

func TestConnectsDespiteLossAndDelay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(nil, rapid.Uint64().Draw(t, "seed"))
		w.loss = rapid.Float64Range(0, 0.4).Draw(t, "loss")
		w.delay = time.Duration(rapid.IntRange(0, 300).Draw(t, "delay")) * time.Millisecond
		w.gather(clientAddr)
		w.run(time.Duration(rapid.IntRange(0, 2000).Draw(t, "accept"))*time.Millisecond, nil)
		w.server.SetRemote(w.now, clientCreds)
		if !w.run(15*time.Second, func() bool { return w.selected() == clientAddr }) {
			t.Fatal("not connected")
		}
		w.run(3*time.Second, nil)
		if w.client.selected == nil {
			t.Fatal("the client was not told")
		}
		if at, ok := w.server.Route(w.now); !ok || at != (Pair{clientAddr, serverAddr.Addr()}) {
			t.Fatalf("route %v %v", at, ok)
		}
		w.run(5*time.Minute, nil)
		if w.server.Lost() && w.loss < 0.3 {
			t.Fatal("lost")
		}
	})
}

func TestConnectsInOneRoundTrip(t *testing.T) {
	w := newWorld(t, 1)
	w.gather(clientAddr)
	w.run(time.Second, nil)
	w.server.SetRemote(w.now, clientCreds)
	start := w.now
	w.run(time.Second, func() bool { return w.selected().IsValid() })
	if d := w.now.Sub(start); d != 2*w.delay {
		t.Errorf("selected after %v, want %v", d, 2*w.delay)
	}
	if w.nominal != 1 {
		t.Errorf("%d nominations", w.nominal)
	}
}

// A pair that is checked first, and nominated so, does not stand in the way of one that answers.
func TestAPairThatNeverAnswersIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, 1)
	dead := Pair{netip.MustParseAddrPort("192.0.2.99:9"), serverAddr.Addr()}
	w.server.open(w.now, dead, clientCreds.Ufrag)
	w.gather(clientAddr)
	w.run(time.Second, nil)
	w.server.SetRemote(w.now, clientCreds)
	start := w.now
	w.run(time.Second, func() bool { return w.selected() == clientAddr })
	if d := w.now.Sub(start); d > 4*w.delay {
		t.Errorf("selected after %v, want at most two round trips", d)
	}
	w.run(2*time.Second, nil)
	if at, ok := w.server.Route(w.now); !ok || at.Remote != clientAddr {
		t.Errorf("route %v, %v", at, ok)
	}
}

func TestAnswersBeforeTheRemotePasswordIsKnown(t *testing.T) {
	w := newWorld(t, 1)
	w.gather(clientAddr)
	w.run(time.Second, nil)
	if w.server.find(Pair{clientAddr, serverAddr.Addr()}) == nil || len(w.client.pairs) != 1 || !w.client.pairs[0].valid {
		t.Error("the client's checks were not answered")
	}
	if _, ok := w.server.Route(w.now); ok {
		t.Error("there is a route without a check of ours")
	}
}

func TestForgedRequestsAreDropped(t *testing.T) {
	at := Pair{clientAddr, serverAddr.Addr()}
	priority := stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}}
	good := stun.NewShortTermIntegrity(serverCreds.Pwd)
	user := stun.NewUsername("serverufrag:clientufrag")
	for name, c := range map[string]struct {
		want    error
		setters []stun.Setter
	}{
		"good":              {nil, []stun.Setter{user, priority, good, stun.Fingerprint}},
		"no username":       {ErrMalformed, []stun.Setter{priority, good, stun.Fingerprint}},
		"other user":        {ErrUsername, []stun.Setter{stun.NewUsername("x:clientufrag"), priority, good, stun.Fingerprint}},
		"other peer":        {ErrUsername, []stun.Setter{stun.NewUsername("serverufrag:x"), priority, good, stun.Fingerprint}},
		"no integrity":      {ErrForged, []stun.Setter{user, priority, stun.Fingerprint}},
		"wrong password":    {ErrForged, []stun.Setter{user, priority, stun.NewShortTermIntegrity("x"), stun.Fingerprint}},
		"no fingerprint":    {ErrForged, []stun.Setter{user, priority, good}},
		"no priority":       {ErrMalformed, []stun.Setter{user, good, stun.Fingerprint}},
		"unsigned priority": {ErrMalformed, []stun.Setter{user, good, priority, stun.Fingerprint}},
	} {
		w := newWorld(t, 1)
		w.server.SetRemote(w.now, clientCreds)
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, c.setters...)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.server.Input(w.now, at, m.Raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		datagrams, _ := w.server.Take()
		if (len(datagrams) > 0) != (c.want == nil) || (w.server.find(at) != nil) != (c.want == nil) {
			t.Errorf("%s: %d datagrams, known %v", name, len(datagrams), w.server.find(at) != nil)
		}
	}
}

func TestForgedResponsesAreDropped(t *testing.T) {
	w := newWorld(t, 1)
	w.gather(clientAddr)
	w.server.SetRemote(w.now, clientCreds)
	w.run(30*time.Millisecond, nil)
	q := w.server.pairs[0]
	id := q.sent[0].id
	answer := func(pwd string, id [12]byte) []byte {
		m, err := stun.Build(stun.NewTransactionIDSetter(id), stun.BindingSuccess, stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	for name, c := range map[string]struct {
		raw  []byte
		at   Pair
		want error
	}{
		"wrong password":    {answer("x", id), q.Pair, ErrForged},
		"wrong transaction": {answer(clientCreds.Pwd, [12]byte{1}), q.Pair, ErrUnmatched},
		"zero transaction":  {answer(clientCreds.Pwd, [12]byte{}), q.Pair, ErrUnmatched},
		"wrong address":     {answer(clientCreds.Pwd, id), Pair{clientAddr2, q.Local}, ErrUnmatched},
	} {
		if err := w.server.Input(w.now, c.at, c.raw); !errors.Is(err, c.want) || q.valid {
			t.Errorf("%s: %v, valid %v", name, err, q.valid)
		}
	}
	if err := w.server.Input(w.now, q.Pair, answer(clientCreds.Pwd, id)); err != nil || !q.valid {
		t.Errorf("the true answer: %v, valid %v", err, q.valid)
	}
}

func TestFollowsTheClientToANewAddress(t *testing.T) {
	w := newWorld(t, 1)
	w.connect()
	w.run(10*time.Second, nil)
	rebound := netip.MustParseAddrPort("198.51.100.7:61234")
	w.nat = func(a netip.AddrPort) netip.AddrPort {
		if a == clientAddr {
			return rebound
		}
		return a
	}
	start := w.now
	if !w.run(10*time.Second, func() bool { return w.selected() == rebound }) {
		t.Fatal("the new address was not selected")
	}
	// The client checks every 2 s; then it is doubt, one nomination.
	if d := w.now.Sub(start); d > 3500*time.Millisecond {
		t.Errorf("took %v", d)
	}
	w.run(time.Minute, nil)
	if n := len(w.server.pairs); n != 1 {
		t.Errorf("%d pairs are left, want 1", n)
	}
}

func TestANewAddressAloneChangesNothing(t *testing.T) {
	w := newWorld(t, 1)
	w.connect()
	w.run(5*time.Second, nil)
	w.gather(clientAddr2)
	w.run(20*time.Second, nil)
	if w.selected() != clientAddr {
		t.Errorf("selected %v, want to stay at %v", w.selected(), clientAddr)
	}
	if w.count(Valid) != 2 {
		t.Errorf("%d valid pairs, want 2", w.count(Valid))
	}
}

func TestMediaOnAnotherPairIsFollowedWhenTheSelectedOneIsDead(t *testing.T) {
	w := newWorld(t, 1)
	w.connect()
	w.gather(clientAddr2)
	w.run(5*time.Second, nil)
	w.nat = func(a netip.AddrPort) netip.AddrPort {
		if a == clientAddr {
			return netip.AddrPort{}
		}
		return a
	}
	w.run(600*time.Millisecond, nil)
	for range 100 {
		w.server.Heard(w.now, Pair{clientAddr2, serverAddr.Addr()})
		w.run(20*time.Millisecond, nil)
	}
	if w.selected() != clientAddr2 {
		t.Errorf("selected %v, want %v", w.selected(), clientAddr2)
	}
}

func TestAHigherPriorityReplacesALower(t *testing.T) {
	w := newWorld(t, 1)
	w.connect()
	w.gather(clientAddr2)
	w.run(100*time.Millisecond, nil)
	for _, q := range w.server.pairs {
		if q.Remote == clientAddr2 {
			q.priority++
		}
	}
	w.run(3*time.Second, func() bool { return w.selected() == clientAddr2 })
	if w.selected() != clientAddr2 {
		t.Error("the better pair was not selected")
	}
}

func TestConsentIsLostAfter30Seconds(t *testing.T) {
	w := newWorld(t, 1)
	w.connect()
	w.run(time.Minute, nil)
	last := w.server.base
	w.loss = 1
	if !w.run(time.Minute, w.server.Lost) {
		t.Fatal("not lost")
	}
	if d := w.now.Sub(last); d < Consent || d > Consent+time.Second {
		t.Errorf("lost %v after the last answer", d)
	}
	if w.count(Lost) != 1 {
		t.Errorf("%d Lost events", w.count(Lost))
	}
	sent := w.sent
	w.run(time.Minute, nil)
	if w.sent != sent {
		t.Error("a lost path still sends")
	}
}

func TestAStandbyChecksButNeverNominates(t *testing.T) {
	w := newWorld(t, 1)
	w.server.Switch(w.now, Switches{Answer: true, Check: true})
	w.gather(clientAddr)
	w.server.SetRemote(w.now, clientCreds)
	w.run(2*time.Minute, nil)
	if w.nominal != 0 || w.server.Lost() || w.count(Valid) != 1 {
		t.Fatalf("%d nominations, lost %v, %d valid", w.nominal, w.server.Lost(), w.count(Valid))
	}
	if w.sent < 90 {
		t.Errorf("%d checks in 2 minutes do not keep a NAT binding", w.sent)
	}
	if _, ok := w.server.Route(w.now); ok {
		t.Error("a standby has a route")
	}
	w.server.Switch(w.now, Switches{true, true, true, true, false})
	if _, ok := w.server.Route(w.now); !ok {
		t.Error("no route at takeover")
	}
	start := w.now
	w.run(time.Second, func() bool { return w.selected().IsValid() })
	if d := w.now.Sub(start); d != 2*w.delay {
		t.Errorf("nominated after %v, want one round trip", d)
	}
}

func TestAnOwnerThatTakesBackNominatesAgain(t *testing.T) {
	w := newWorld(t, 1)
	w.connect()
	w.server.Switch(w.now, Switches{Answer: true, Check: true})
	w.run(10*time.Second, nil)
	before := w.nominal
	w.server.Switch(w.now, Switches{true, true, true, true, false})
	w.run(time.Second, nil)
	if w.nominal == before {
		t.Error("the client was not told")
	}
	before = w.nominal
	w.run(time.Minute, nil)
	if w.nominal != before {
		t.Errorf("%d nominations too many", w.nominal-before)
	}
}

func TestASilentPathIsSilent(t *testing.T) {
	w := newWorld(t, 1)
	w.server.Switch(w.now, Switches{})
	w.gather(clientAddr)
	w.server.SetRemote(w.now, clientCreds)
	w.run(time.Minute, nil)
	if w.sent != 0 {
		t.Errorf("%d datagrams", w.sent)
	}
}

func TestRoleConflict(t *testing.T) {
	for name, tie := range map[string]uint64{"we win": 10, "they win": 0} {
		w := newWorld(t, 1)
		w.server.tieBreaker, w.client.tieBreaker = tie, 5
		w.client.controlled = false
		w.client.switches.Nominate = true
		w.gather(clientAddr)
		w.server.SetRemote(w.now, clientCreds)
		w.run(3*time.Second, nil)
		if w.selected() != clientAddr || w.client.selected == nil {
			t.Errorf("%s: nothing was selected", name)
		}
		if want := tie == 0; w.server.controlled != want || w.client.controlled == want {
			t.Errorf("%s: server controlled %v, client controlled %v", name, w.server.controlled, w.client.controlled)
		}
	}
}

// request is a good check of the client.
func request(t testing.TB, random *rand.Rand) []byte {
	m, err := stun.Build(stun.NewTransactionIDSetter([12]byte{byte(random.Uint32()), byte(random.Uint32())}), stun.BindingRequest,
		stun.NewUsername("serverufrag:clientufrag"), stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}},
		stun.NewShortTermIntegrity(serverCreds.Pwd), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestPairsAreBounded(t *testing.T) {
	w := newWorld(t, 1)
	w.connect()
	limited := 0
	for i := range 1000 {
		at := Pair{netip.AddrPortFrom(clientAddr2.Addr(), uint16(1000+i)), serverAddr.Addr()}
		if errors.Is(w.server.Input(w.now, at, request(t, w.random)), ErrLimited) {
			limited++
		}
		if len(w.server.pairs) > MaxPairs {
			t.Fatalf("%d pairs", len(w.server.pairs))
		}
	}
	if want := 1000 - NewPerSecond; limited < want {
		t.Errorf("%d requests were turned away unseen, want %d", limited, want)
	}
	w.pump()
	if opened, dropped := w.count(Opened), w.count(Dropped); opened-dropped != len(w.server.pairs) {
		t.Errorf("%d opened, %d dropped, %d there", opened, dropped, len(w.server.pairs))
	}
	w.run(3*time.Second, nil)
	if w.selected() != clientAddr {
		t.Errorf("selected %v", w.selected())
	}
	w.run(2*time.Minute, nil)
	if len(w.server.pairs) != 1 {
		t.Errorf("%d pairs are left", len(w.server.pairs))
	}
}

func TestTheSelectedPairIsNeverPushedOut(t *testing.T) {
	w := newWorld(t, 1)
	w.connect()
	for i := range MaxPairs - 1 {
		w.server.open(w.now, Pair{netip.AddrPortFrom(clientAddr2.Addr(), uint16(i)), serverAddr.Addr()}, clientCreds.Ufrag)
	}
	for _, q := range w.server.pairs {
		q.valid = true
	}
	w.server.selected.heard = w.now.Add(-Consent) // of all the longest ago
	w.server.open(w.now, Pair{clientAddr2, serverAddr.Addr()}, clientCreds.Ufrag)
	if len(w.server.pairs) != MaxPairs || w.selected() != clientAddr {
		t.Errorf("%d pairs, selected %v", len(w.server.pairs), w.selected())
	}
}

func TestNewCredentialsMustBeProven(t *testing.T) {
	w := newWorld(t, 1)
	w.connect()
	w.server.SetRemote(w.now, Credentials{clientCreds.Ufrag, "anotherpasswordanotherpassword"})
	if _, ok := w.server.Route(w.now); ok {
		t.Error("a pair is valid for a password it never answered")
	}
	w.server.SetRemote(w.now, Credentials{"another", clientCreds.Pwd})
	if len(w.server.pairs) != 0 {
		t.Error("pairs of another user fragment are kept")
	}
}

func FuzzInput(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 1))
	f.Add(request(f, random))
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	w := newWorld(f, 1)
	w.gather(clientAddr)
	w.server.SetRemote(w.now, clientCreds)
	w.run(30*time.Millisecond, nil)
	known := w.server.pairs[0].Pair
	w.server.Tick(w.now.Add(time.Second))
	datagrams, _ := w.server.Take()
	for _, d := range datagrams {
		f.Add(d.Data)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		Username(raw)
		w := newWorld(t, 1)
		w.gather(clientAddr)
		w.server.SetRemote(w.now, clientCreds)
		w.run(30*time.Millisecond, nil)
		before := append([]byte{}, raw...)
		err := w.server.Input(w.now, known, raw)
		if string(before) != string(raw) {
			t.Error("the input was changed")
		}
		if datagrams, _ := w.server.Take(); err != nil && len(datagrams) > 0 {
			t.Errorf("dropped with %v and answered", err)
		}
		w.server.Input(w.now, Pair{clientAddr2, serverAddr.Addr()}, raw)
		w.server.Tick(w.now.Add(time.Second))
	})
}
