package stream

import (
	"bytes"
	"net"
	"testing"

	"pgregory.net/rapid"
)

// sink counts writes and keeps what was written.
type sink struct {
	net.Conn
	bytes.Buffer
	writes int
}

func (s *sink) Write(p []byte) (int, error) {
	s.writes++
	return s.Buffer.Write(p)
}

func (s *sink) Read(p []byte) (int, error) { return s.Buffer.Read(p) }

func TestConduitKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &sink{}
		c := newConduit(s)
		var want []byte
		for _, n := range rapid.SliceOfN(rapid.SampledFrom([]int{-2, -1, 0, 1, 100, 9000, conduitBuffer - 1, conduitBuffer, 40000}), 1, 40).Draw(t, "sizes") {
			switch {
			case n == -2 && c.corked == nil:
				c.cork()
			case n == -1 && c.corked != nil:
				if err := c.flush(); err != nil {
					t.Fatal(err)
				}
			case n >= 0:
				p := bytes.Repeat([]byte{byte(len(want)), byte(n)}, n)
				want = append(want, p...)
				if got, err := c.Write(p); got != len(p) || err != nil {
					t.Fatal(got, err)
				}
			}
		}
		if c.corked != nil {
			if err := c.flush(); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(want, s.Bytes()) {
			t.Fatalf("%d bytes, want %d, or in another order", s.Len(), len(want))
		}
	})
}

func TestBatchLeavesInOneWrite(t *testing.T) {
	s := &sink{}
	c := newConduit(s)
	c.cork()
	for range 100 {
		if _, err := c.Write([]byte("message")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.flush(); err != nil || s.writes != 1 || s.Len() != 700 {
		t.Errorf("%d writes of %d bytes: %v", s.writes, s.Len(), err)
	}
}
