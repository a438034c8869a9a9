package dns

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/miekg/dns"

	"github.com/atoll-mesh/atoll/geo/dns/zone"
	"github.com/atoll-mesh/atoll/geo/place"
)

// Config says what is served where.
type Config struct {
	Listen string // host:port, UDP and TCP; with port 0 one that is free for both
	Domain string // lower case, without a dot at the end
	Name   string // of the node
	// Locate says who the clients of a network are and how many bits of its address that depends on. It is called from several
	// goroutines, for each answer.
	Locate func(netip.Prefix) (place.Client, int)
	Log    *slog.Logger
}

const (
	readers    = 4
	portTries  = 16
	mostBytes  = 4096 // of a question
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// Server answers questions until Close.
type Server struct {
	cfg      Config
	zone     atomic.Pointer[zone.Zone]
	limit    *limiter
	stats    counters
	conn     *net.UDPConn
	listener net.Listener
	stop     chan struct{}
	done     sync.WaitGroup

	setting sync.Mutex // guards
	nodes   []zone.Node
	serial  uint32

	mu     sync.Mutex // guards
	closed bool
	open   []*visit // connections, the oldest first
}

// Listen opens the port and answers from an empty zone until Set.
func Listen(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, limit: newLimiter(), stop: make(chan struct{})}
	s.Set(nil)
	if err := s.bind(); err != nil {
		return nil, err
	}
	for range min(readers, runtime.GOMAXPROCS(0)) {
		s.done.Go(s.read)
	}
	s.done.Go(s.accept)
	return s, nil
}

func (s *Server) bind() error {
	host, port, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for DNS on %q: %w", s.cfg.Listen, err)
	}
	for range portTries {
		if s.listener, err = net.Listen("tcp", net.JoinHostPort(host, port)); err != nil {
			return fmt.Errorf("listen for DNS (TCP): %w", err)
		}
		_, found, _ := net.SplitHostPort(s.listener.Addr().String())
		var conn net.PacketConn
		if conn, err = net.ListenPacket("udp", net.JoinHostPort(host, found)); err == nil {
			s.conn, _ = conn.(*net.UDPConn)
			break
		}
		_ = s.listener.Close()
		if port != "0" { // else another has the UDP port of the same number
			break
		}
	}
	if err != nil {
		return fmt.Errorf("listen for DNS (UDP): %w", err)
	}
	// An answer must leave from the address that was asked. A socket of one family refuses the option of the other.
	err6 := ipv6.NewPacketConn(s.conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	err4 := ipv4.NewPacketConn(s.conn).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	if err4 != nil && err6 != nil {
		return errors.Join(fmt.Errorf("listen for DNS (UDP): %w", err4), s.conn.Close(), s.listener.Close())
	}
	return nil
}

// Addr returns the address of both sockets.
func (s *Server) Addr() netip.AddrPort {
	a, _ := netip.ParseAddrPort(s.conn.LocalAddr().String())
	return a
}

// Set says which nodes there are, all of them each time.
func (s *Server) Set(nodes []zone.Node) {
	s.setting.Lock()
	defer s.setting.Unlock()
	if s.zone.Load() != nil && slices.EqualFunc(nodes, s.nodes, same) {
		return
	}
	s.nodes = slices.Clone(nodes)
	s.serial = max(s.serial+1, uint32(time.Now().Unix()))
	s.zone.Store(zone.New(s.cfg.Domain, s.serial, s.nodes))
}

func same(a, b zone.Node) bool {
	return a.Name == b.Name && a.URL == b.URL && slices.Equal(a.IPv4, b.IPv4) && slices.Equal(a.IPv6, b.IPv6) && a.Region == b.Region &&
		a.Location == b.Location && a.Located == b.Located && a.Load == b.Load && a.Oldest == b.Oldest && a.Newest == b.Newest &&
		a.Draining == b.Draining && a.Dead == b.Dead && a.Mesh == b.Mesh && a.NameServer == b.NameServer && a.Since == b.Since
}

// Close ends everything.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	open := s.open
	s.open = nil
	s.mu.Unlock()
	close(s.stop)
	err := errors.Join(s.conn.Close(), s.listener.Close())
	for _, v := range open {
		_ = v.conn.Close()
	}
	s.done.Wait()
	return err
}

// read answers datagrams in place.
func (s *Server) read() {
	b := make([]byte, mostBytes)
	for pause := firstPause; ; {
		n, session, err := dns.ReadFromSessionUDP(s.conn, b)
		if err != nil {
			if !s.retry(err, &pause) {
				return
			}
			continue
		}
		pause = firstPause
		from, ok := session.RemoteAddr().(*net.UDPAddr)
		if !ok || from.Port == 0 {
			continue
		}
		if reply := s.answer(time.Now(), b[:n], from.AddrPort().Addr(), true); reply != nil {
			_, _ = dns.WriteToSessionUDP(s.conn, reply, session) // who does not get it asks again
		}
	}
}

// retry waits before the next try after an error, longer each time; it returns false when there is none.
func (s *Server) retry(err error, pause *time.Duration) bool {
	if errors.Is(err, net.ErrClosed) {
		return false
	}
	timer := time.NewTimer(*pause)
	defer timer.Stop()
	*pause = min(2**pause, lastPause)
	select {
	case <-timer.C:
		return true
	case <-s.stop:
		return false
	}
}
