package rewrite

import "github.com/atoll-mesh/atoll/node/session"

// State returns where the stream stands, for a participant who moves to another node. InSSRC is 1 when the newest
// segment takes packets, else 0: the caller, who knows what its origin is, writes the SSRC.
func (s *Stream[O]) State() session.Rewrite {
	if s.past == nil {
		return session.Rewrite{LastSeq: s.seq - 1}
	}
	st := session.Rewrite{
		Started: s.started,
		LastSeq: uint16(s.highest), LastTS: s.last.TS, LastPicture: s.last.Picture, LastTL0: s.last.TL0, LastFrame: s.last.Frame, LastSent: s.lastAt,
		Packets: s.packets, Octets: s.octets,
	}
	if s.running {
		off := &s.segment[s.newest].off
		st.InSSRC, st.SeqOffset, st.TSOffset = 1, off.seq, off.ts
		st.PictureOffset, st.TL0Offset, st.FrameOffset = off.picture, off.tl0, off.frame
	}
	return st
}

// Resume returns a stream that goes on where st stands. rate is the RTP clock rate in Hz. When running, the segment that
// st describes goes on with packets of origin; else the next packet must be one that may start a segment.
func Resume[O comparable](rate uint32, st *session.Rewrite, origin O, running bool) *Stream[O] {
	s := New[O](rate, st.LastSeq+1)
	s.past = remember[O](s.seq)
	s.highest = 1<<16 + uint64(st.LastSeq)
	s.started = st.Started
	s.last = Mapped{Seq: st.LastSeq, TS: st.LastTS, Picture: st.LastPicture, TL0: st.LastTL0, Frame: st.LastFrame}
	s.lastAt = st.LastSent
	s.packets, s.octets = st.Packets, st.Octets
	for i := range s.sent {
		s.sent[i] = ^uint64(0)
	}
	if st.Started && running {
		s.running, s.count = true, 1
		s.segment[s.newest] = segment[O]{
			origin: origin, first: s.highest, last: s.highest,
			off: offsets{seq: st.SeqOffset, ts: st.TSOffset, picture: st.PictureOffset, tl0: st.TL0Offset, frame: st.FrameOffset},
		}
	}
	return s
}
