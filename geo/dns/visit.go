package dns

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	mostVisits    = 256
	mostOfNetwork = 16
	mostQuestions = 100
	patience      = 10 * time.Second
)

// visit is one TCP connection.
type visit struct {
	conn net.Conn
	from netip.Addr
}

// accept takes connections.
func (s *Server) accept() {
	for pause := firstPause; ; {
		conn, err := s.listener.Accept()
		if err != nil {
			if !s.retry(err, &pause) {
				return
			}
			continue
		}
		pause = firstPause
		from, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		if v := (&visit{conn: conn, from: from.Addr()}); err == nil && s.enter(v) {
			s.done.Go(func() {
				s.serve(v)
				s.leave(v)
			})
		} else {
			_ = conn.Close()
		}
	}
}

// enter finds a place for a connection: when there is none, the oldest has to go.
func (s *Server) enter(v *visit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.stats.connections.Add(1)
	home := network(v.from)
	theirs := 0
	for _, other := range s.open {
		if network(other.from) == home {
			theirs++
		}
	}
	oldest := -1
	switch {
	case theirs >= mostOfNetwork:
		oldest = slices.IndexFunc(s.open, func(other *visit) bool { return network(other.from) == home })
	case len(s.open) >= mostVisits:
		oldest = 0
	}
	if oldest >= 0 {
		s.stats.evicted.Add(1)
		_ = s.open[oldest].conn.Close()
		s.open = slices.Delete(s.open, oldest, oldest+1)
	}
	s.open = append(s.open, v)
	return true
}

func (s *Server) leave(v *visit) {
	_ = v.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.open, v); i >= 0 {
		s.open = slices.Delete(s.open, i, i+1)
	}
}

// serve answers the questions of one connection.
func (s *Server) serve(v *visit) {
	b := make([]byte, mostBytes)
	for range mostQuestions {
		if err := v.conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return
		}
		var size [2]byte
		if _, err := io.ReadFull(v.conn, size[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(size[:]))
		if n > len(b) {
			return
		}
		if _, err := io.ReadFull(v.conn, b[:n]); err != nil {
			return
		}
		reply := s.answer(time.Now(), b[:n], v.from, false)
		if reply == nil {
			return
		}
		if _, err := v.conn.Write(append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(reply)), uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}
