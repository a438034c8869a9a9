// Package quota bounds what one user and one address take of a TURN server: allocations at once, and bytes a second each way. It
// also notices requests that somebody else has sent before.
//
// An address is an IPv4 address or an IPv6 /64, which one subscriber has. A user is who a credential was made for; a credential is
// shared between at most as many addresses at once as a person with two networks and two families has, so that one that leaks
// is of little use.
//
// # Replays
//
// The integrity of a request says who made it, not who sent it: whoever reads one in clear can send it again, for as long as its
// nonce is taken. So the transactions of authentic requests are remembered until then, and one that comes again from another
// address and port is refused. From the same it is a retransmission.
//
// It is an engine. A [Book] belongs to its caller's lock; the buckets that allocations share are taken from without.
package quota

import (
	"errors"
	"net/netip"
	"time"
)

// Limits bound what is held at once. A bound of 0 is none.
type Limits struct {
	User, Address, Total int // allocations
	Addresses            int // of one user
	// UserRate and AddressRate are bytes a second, each way. Up to Burst of that goes at once.
	UserRate, AddressRate int64
	Burst                 time.Duration
	Requests              int // that are remembered
}

// Why an allocation is refused.
var (
	ErrUser      = errors.New("the user has too many allocations")
	ErrAddress   = errors.New("the address has too many allocations")
	ErrAddresses = errors.New("the user is at too many addresses")
	ErrTotal     = errors.New("there are too many allocations")
	ErrReplay    = errors.New("another client has sent this request before")
)

// remembered is how long a request is known: as long as a nonce is taken, and the minute that it is rounded by.
const remembered = 61 * time.Minute

// Book holds who has what. Not for several goroutines at once.
type Book struct {
	limits    Limits
	total     int
	users     map[string]*user
	addresses map[address]*holder

	requests map[[12]byte]request
	order    [][12]byte // of requests, the oldest first
}

type holder struct {
	open     int
	up, down Bucket
}

type user struct {
	holder

	at map[address]int // allocations by address
}

type request struct {
	client netip.AddrPort
	until  time.Duration
}

// address is an address as it is counted.
type address = netip.Addr

// NewBook returns an empty book.
func NewBook(l Limits) *Book {
	return &Book{limits: l, users: make(map[string]*user), addresses: make(map[address]*holder), requests: make(map[[12]byte]request)}
}

// Counted is the address that a client's is counted as.
func Counted(ip netip.Addr) netip.Addr {
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		p, _ := ip.Prefix(64) // never fails for an IPv6 address
		return p.Addr()
	}
	return ip
}

// Fits returns why one more allocation does not fit, or nil.
func (b *Book) Fits(name string, client netip.Addr) error {
	over := func(n, most int) bool { return most > 0 && n >= most }
	at, u, h := Counted(client), b.users[name], b.addresses[Counted(client)]
	switch {
	case over(b.total, b.limits.Total):
		return ErrTotal
	case u != nil && over(u.open, b.limits.User):
		return ErrUser
	case u != nil && u.at[at] == 0 && over(len(u.at), b.limits.Addresses):
		return ErrAddresses
	case h != nil && over(h.open, b.limits.Address):
		return ErrAddress
	}
	return nil
}

// Open takes an allocation, or returns why it does not fit.
func (b *Book) Open(name string, client netip.Addr) (*Share, error) {
	if err := b.Fits(name, client); err != nil {
		return nil, err
	}
	at := Counted(client)
	u, h := b.users[name], b.addresses[at]
	if u == nil {
		u = &user{at: make(map[address]int)}
		u.up.set(b.limits.UserRate, b.limits.Burst)
		u.down.set(b.limits.UserRate, b.limits.Burst)
		b.users[name] = u
	}
	if h == nil {
		h = &holder{}
		h.up.set(b.limits.AddressRate, b.limits.Burst)
		h.down.set(b.limits.AddressRate, b.limits.Burst)
		b.addresses[at] = h
	}
	b.total++
	u.open++
	u.at[at]++
	h.open++
	return &Share{client: at, user: name, of: u, at: h}, nil
}

// Close gives an allocation back, once.
func (b *Book) Close(s *Share) {
	b.total--
	if s.of.at[s.client]--; s.of.at[s.client] == 0 {
		delete(s.of.at, s.client)
	}
	if s.of.open--; s.of.open == 0 {
		delete(b.users, s.user)
	}
	if s.at.open--; s.at.open == 0 {
		delete(b.addresses, s.client)
	}
}

// Total is how many allocations there are.
func (b *Book) Total() int { return b.total }

// Request takes note of an authentic request by its transaction. It returns ErrReplay when another client sent it before.
func (b *Book) Request(now time.Duration, id [12]byte, client netip.AddrPort) error {
	for len(b.order) > 0 && (b.requests[b.order[0]].until <= now || b.limits.Requests > 0 && len(b.order) >= b.limits.Requests) {
		delete(b.requests, b.order[0])
		b.order = b.order[1:]
	}
	if r, known := b.requests[id]; known {
		if r.client != client {
			return ErrReplay
		}
		return nil
	}
	b.requests[id] = request{client, now + remembered}
	b.order = append(b.order, id)
	return nil
}
