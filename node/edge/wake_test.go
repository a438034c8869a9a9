package edge

import (
	"sync"
	"testing"
	"time"
)

// inTurn has some wait for a lock, who then get it one right behind the other.
func inTurn(mu *sync.Mutex, all ...func()) {
	var group sync.WaitGroup
	mu.Lock()
	for _, do := range all {
		group.Go(do)
		time.Sleep(10 * time.Millisecond)
	}
	mu.Unlock()
	mu.Lock() // the first finds it taken after a long wait: from now on the lock is handed on in turn
	time.Sleep(10 * time.Millisecond)
	mu.Unlock()
	group.Wait()
}

// Two paths bring a record each while the association sleeps: it goes on with its state, and does not begin anew.
func TestTwoRecordsWakeAnAssociationOnce(t *testing.T) {
	e := listen(t)
	l, _, _ := asleep(t, e)
	a := l.dtls
	inTurn(&a.mu, a.wake, a.begin)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.from == nil && !a.through {
		t.Error("it waits for a handshake that is long over")
	}
}

// The leg moves while a record wakes its association: the state goes with it.
func TestAnAssociationMovesWhileItIsWoken(t *testing.T) {
	e := listen(t)
	l, _, _ := asleep(t, e)
	var state []byte
	inTurn(&l.dtls.mu, l.dtls.wake, func() { state, _ = l.dtls.freeze() })
	if len(state) == 0 {
		t.Error("there is nothing to go on with")
	}
}

// The leg is closed while a record wakes its association: the client is told.
func TestAnAssociationThatIsWokenSaysFarewell(t *testing.T) {
	e := listen(t)
	l, _, c := asleep(t, e)
	inTurn(&l.dtls.mu, l.dtls.wake, l.Close)
	select {
	case <-c.closed:
	case <-time.After(patience):
		t.Error("the client was not told")
	}
}
