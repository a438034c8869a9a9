package turn

import (
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/atoll-mesh/atoll/turn/credential"
	"github.com/atoll-mesh/atoll/turn/quota"
)

// client is somebody's socket. A UDP and a TCP port are two.
type client struct {
	netip.AddrPort

	stream bool
}

// clientOf reads an address as pion has it.
func clientOf(a net.Addr) client {
	switch a := a.(type) {
	case *net.UDPAddr:
		return client{plain(a.AddrPort()), false}
	case *net.TCPAddr:
		return client{plain(a.AddrPort()), true}
	}
	return client{}
}

func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// holdings are what pion keeps for an allocation.
type holdings struct {
	permissions map[netip.Addr]struct{}
	channels    int
}

// pion knows an allocation's owner by one text; ours says who and from where, since the one is told where the other is not.
func owner(user string, from netip.AddrPort) string { return user + "|" + from.String() }

func ownerOf(text string) (user string, from netip.AddrPort, ok bool) {
	at := strings.LastIndexByte(text, '|')
	if at < 0 {
		return "", netip.AddrPort{}, false
	}
	from, err := netip.ParseAddrPort(text[at+1:])
	return text[:at], from, err == nil
}

// authenticate gives pion the key that a request has to be signed with.
func (s *Server) authenticate(r *turn.RequestAttributes) (userID string, key []byte, ok bool) {
	from := clientOf(r.SrcAddr)
	user, password, err := s.cfg.Key.Check(wall(), r.Username, r.Method == stun.MethodAllocate)
	switch {
	case errors.Is(err, credential.ErrExpired):
		s.stats.expired.Add(1)
		return "", nil, false
	case err != nil:
		s.stats.malformed.Add(1)
		return "", nil, false
	case r.Method == stun.MethodChannelBind && s.channels(from) >= mostHeld:
		s.stats.overHeld.Add(1)
		return "", nil, false
	}
	return owner(user, from.AddrPort), turn.GenerateAuthKey(r.Username, s.cfg.Realm, password), true
}

// admit says whether an authentic request may have an allocation. It runs in the goroutine that read the request.
func (s *Server) admit(userID, _ string, from net.Addr) bool {
	user, at, ok := ownerOf(userID)
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, known := s.request(from); known {
		if err := s.book.Request(s.now(), id, at); err != nil {
			s.stats.replayed.Add(1)
			return false
		}
	}
	if err := s.book.Fits(user, at.Addr()); err != nil {
		s.refuse(err)
		return false
	}
	return true
}

func (s *Server) refuse(err error) {
	if errors.Is(err, quota.ErrUser) || errors.Is(err, quota.ErrAddresses) {
		s.stats.overUser.Add(1)
	} else {
		s.stats.overAddress.Add(1)
	}
}

// request returns the transaction of the request that a client is being served for. The caller holds mu.
func (s *Server) request(from net.Addr) (id [12]byte, known bool) {
	if _, stream := from.(*net.TCPAddr); !stream {
		return s.packets.request, s.packets.requested
	}
	if c := s.conns[from]; c != nil {
		return c.request, c.requested
	}
	return id, false
}

// permit says whether a client may have a permission for an address (RFC 8656 9).
func (s *Server) permit(from net.Addr, peerIP net.IP) bool {
	ip, ok := netip.AddrFromSlice(peerIP)
	if !ok || !s.policy.Load().Permits(ip) {
		s.stats.unpermitted.Add(1)
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.holdings[clientOf(from)]; h != nil && len(h.permissions) >= mostHeld {
		if _, had := h.permissions[ip.Unmap()]; !had {
			s.stats.overHeld.Add(1)
			return false
		}
	}
	return true
}

func (s *Server) channels(of client) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.holdings[of]; h != nil {
		return h.channels
	}
	return 0
}

// hold changes what pion keeps for a client.
func (s *Server) hold(of net.Addr, change func(*holdings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := clientOf(of)
	h := s.holdings[who]
	if h == nil {
		h = &holdings{permissions: make(map[netip.Addr]struct{})}
		s.holdings[who] = h
	}
	change(h)
	if len(h.permissions) == 0 && h.channels <= 0 {
		delete(s.holdings, who)
	}
}

// events are what pion tells.
func (s *Server) events() turn.EventHandler {
	return turn.EventHandler{
		OnAuth: func(_, _ net.Addr, _, _, _, _ string, right bool) {
			if !right {
				s.stats.forged.Add(1)
			}
		},
		OnAllocationCreated: func(from, _ net.Addr, _, _, _ string, _ net.Addr, _ int) {
			s.stats.created.Add(1)
			s.prove(from, true)
		},
		OnAllocationDeleted: func(from, _ net.Addr, _, _, _ string) { s.prove(from, false) },
		OnPermissionCreated: func(from, _ net.Addr, _, _, _ string, _ net.Addr, peer net.IP) {
			if ip, ok := netip.AddrFromSlice(peer); ok {
				s.hold(from, func(h *holdings) { h.permissions[ip.Unmap()] = struct{}{} })
			}
		},
		OnPermissionDeleted: func(from, _ net.Addr, _, _, _ string, _ net.Addr, peer net.IP) {
			if ip, ok := netip.AddrFromSlice(peer); ok {
				s.hold(from, func(h *holdings) { delete(h.permissions, ip.Unmap()) })
			}
		},
		OnChannelCreated: func(from, _ net.Addr, _, _, _ string, _, _ net.Addr, _ uint16) {
			s.hold(from, func(h *holdings) { h.channels++ })
		},
		OnChannelDeleted: func(from, _ net.Addr, _, _, _ string, _, _ net.Addr, _ uint16) {
			s.hold(from, func(h *holdings) { h.channels-- })
		},
	}
}
