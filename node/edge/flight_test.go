package edge

import "testing"

// A flight is the last one until another goes out, although something was read: a client that repeats itself, not for want of it, has
// nothing to answer.
func TestAFlightIsTheLastUntilAnotherGoesOut(t *testing.T) {
	r := newRecords(func([]byte) {})
	write := func(b byte) {
		if _, err := r.WriteTo([]byte{b}, nil); err != nil {
			t.Fatal(err)
		}
	}
	read := func() {
		r.put([]byte{recordHandshake})
		if _, _, err := r.ReadFrom(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	read()
	write(2)
	write(3)
	read()
	read()
	flight, _ := r.end()
	if len(flight) != 2 || flight[0][0] != 2 || flight[1][0] != 3 {
		t.Errorf("the last flight is %v, want the second and the third record", flight)
	}
}
