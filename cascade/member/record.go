package member

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

const (
	recordVersion = 1
	recordContext = "atoll member metadata"
	maxRecord     = 512 // memberlist.MetaMaxSize
	maxLinks      = 4
	maxMedia      = 4
	maxText       = 48
	maxURL        = 90

	flagDrain   = 1
	flagLeaving = 2
	flagLocated = 4
	flagDNS     = 8
)

// record is what is inside of metadata.
type record struct {
	name         identity.Name
	addr         netip.AddrPort
	boot, issued uint64
	leaving      bool
	meta         Meta
}

// newer reports whether r replaces o.
func (r record) newer(o record) bool {
	return r.boot > o.boot || r.boot == o.boot && r.issued > o.issued
}

// seal returns the signed form.
func (r record) seal(key identity.Key) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return r.encode(key), nil
}

func (r record) encode(key identity.Key) []byte {
	b := append(make([]byte, 0, maxRecord), recordVersion)
	b = append(b, key.Public()...)
	b = appendAddr(b, r.addr)
	for _, t := range []uint64{r.boot, r.issued, r.meta.Started} {
		b = binary.BigEndian.AppendUint64(b, t)
	}
	var flags byte
	if r.meta.Drain {
		flags |= flagDrain
	}
	if r.leaving {
		flags |= flagLeaving
	}
	if r.meta.Located {
		flags |= flagLocated
	}
	if r.meta.DNS {
		flags |= flagDNS
	}
	b = append(b, flags, r.meta.Load)
	for _, v := range []uint16{uint16(r.meta.Lat), uint16(r.meta.Lon), r.meta.Oldest, r.meta.Newest} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	b = append(append(b, byte(len(r.meta.Region))), r.meta.Region...)
	b = append(append(b, byte(len(r.meta.Build))), r.meta.Build...)
	b = append(b, byte(len(r.meta.Link)))
	for _, a := range r.meta.Link {
		b = appendAddr(b, a)
	}
	b = append(b, byte(len(r.meta.Media)))
	for _, a := range r.meta.Media {
		b = appendAddr(b, a)
	}
	for _, port := range []uint16{r.meta.TURN, r.meta.TURNS} {
		b = binary.BigEndian.AppendUint16(b, port)
	}
	b = append(append(b, byte(len(r.meta.URL))), r.meta.URL...)
	return append(b, key.Sign(signed(b))...)
}

func signed(b []byte) []byte { return append([]byte(recordContext), b...) }

func appendAddr(b []byte, a netip.AddrPort) []byte {
	ip := a.Addr().AsSlice()
	b = append(append(b, byte(len(ip))), ip...)
	return binary.BigEndian.AppendUint16(b, a.Port())
}

// open returns what is in metadata of the node with this name, when that node signed it.
func open(name identity.Name, b []byte) (record, error) {
	r, err := parseRecord(b)
	if err != nil {
		return record{}, err
	}
	r.name = name
	end := len(b) - ed25519.SignatureSize
	if err := identity.Verify(name, b[1:1+ed25519.PublicKeySize], signed(b[:end]), b[end:]); err != nil {
		return record{}, fmt.Errorf("metadata: %w", err)
	}
	return r, nil
}

// signer returns the name of the node whose key is in metadata.
func signer(b []byte) (identity.Name, error) {
	if len(b) < 1+ed25519.PublicKeySize {
		return "", fmt.Errorf("metadata of %d bytes", len(b))
	}
	return identity.NameOf(ed25519.PublicKey(b[1 : 1+ed25519.PublicKeySize])), nil
}

// parseRecord reads metadata without asking who signed it.
func parseRecord(b []byte) (record, error) {
	const least = 1 + ed25519.PublicKeySize + ed25519.SignatureSize
	if len(b) < least || len(b) > maxRecord {
		return record{}, fmt.Errorf("metadata of %d bytes", len(b))
	}
	if b[0] != recordVersion {
		return record{}, fmt.Errorf("metadata of version %d, want %d", b[0], recordVersion)
	}
	d := decoder{b: b[1+ed25519.PublicKeySize : len(b)-ed25519.SignatureSize]}
	var r record
	r.addr = d.addr()
	r.boot, r.issued, r.meta.Started = d.uint64(), d.uint64(), d.uint64()
	flags := d.uint8()
	r.meta.Drain, r.leaving = flags&flagDrain != 0, flags&flagLeaving != 0
	r.meta.Located, r.meta.DNS = flags&flagLocated != 0, flags&flagDNS != 0
	r.meta.Load = d.uint8()
	r.meta.Lat, r.meta.Lon = int16(d.uint16()), int16(d.uint16())
	r.meta.Oldest, r.meta.Newest = d.uint16(), d.uint16()
	r.meta.Region, r.meta.Build = d.text(), d.text()
	if r.meta.Link = d.addrs(maxLinks); d.many > 0 {
		return record{}, fmt.Errorf("metadata with %d addresses of links, at most %d", d.many, maxLinks)
	}
	if len(d.b) > 0 { // older nodes end here
		if r.meta.Media = d.addrs(maxMedia); d.many > 0 {
			return record{}, fmt.Errorf("metadata with %d addresses of media, at most %d", d.many, maxMedia)
		}
		r.meta.TURN, r.meta.TURNS = d.uint16(), d.uint16()
	}
	if len(d.b) > 0 {
		r.meta.URL = d.text()
	}
	if d.short {
		return record{}, errors.New("metadata is cut short")
	}
	return r, r.check()
}

// check finds what no node would say of itself.
func (r record) check() error {
	switch m := r.meta; {
	case !usable(r.addr):
		return fmt.Errorf("metadata with gossip address %v", r.addr)
	case len(m.Link) > maxLinks:
		return fmt.Errorf("metadata with %d addresses of links, at most %d", len(m.Link), maxLinks)
	case slices.ContainsFunc(m.Link, func(a netip.AddrPort) bool { return !usable(a) }):
		return fmt.Errorf("metadata with link addresses %v", m.Link)
	case len(m.Media) > maxMedia:
		return fmt.Errorf("metadata with %d addresses of media, at most %d", len(m.Media), maxMedia)
	case slices.ContainsFunc(m.Media, func(a netip.AddrPort) bool { return !usable(a) }):
		return fmt.Errorf("metadata with media addresses %v", m.Media)
	case len(m.URL) > maxURL, !plain(m.URL):
		return errors.New("metadata with a URL that is too long or not printable")
	case len(m.Region) > maxText, len(m.Build) > maxText, !plain(m.Region), !plain(m.Build):
		return errors.New("metadata with a region or build that is too long or not printable")
	case m.Oldest > m.Newest:
		return fmt.Errorf("metadata with frame versions %d to %d", m.Oldest, m.Newest)
	case m.Lat < -9000 || m.Lat > 9000 || m.Lon < -18000 || m.Lon > 18000:
		return fmt.Errorf("metadata with location %d, %d", m.Lat, m.Lon)
	case r.boot > r.issued:
		return errors.New("metadata signed before its node started")
	}
	return nil
}

func usable(a netip.AddrPort) bool {
	ip := a.Addr()
	return ip.IsValid() && ip == ip.Unmap() && ip.Zone() == "" && !ip.IsUnspecified() && !ip.IsMulticast() && a.Port() != 0
}

func plain(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}

// decoder reads fields and remembers when there were too few bytes.
type decoder struct {
	b     []byte
	short bool
	many  int // a count that was too large
}

func (d *decoder) take(n int) []byte {
	if len(d.b) < n {
		d.short, d.b = true, nil
		return make([]byte, n)
	}
	taken := d.b[:n]
	d.b = d.b[n:]
	return taken
}

func (d *decoder) uint8() byte    { return d.take(1)[0] }
func (d *decoder) uint16() uint16 { return binary.BigEndian.Uint16(d.take(2)) }
func (d *decoder) uint64() uint64 { return binary.BigEndian.Uint64(d.take(8)) }
func (d *decoder) text() string   { return string(d.take(int(d.uint8()))) }

func (d *decoder) addr() netip.AddrPort {
	ip, _ := netip.AddrFromSlice(d.take(int(d.uint8())))
	return netip.AddrPortFrom(ip, d.uint16())
}

// addrs reads a count and as many addresses.
func (d *decoder) addrs(most int) (all []netip.AddrPort) {
	count := int(d.uint8())
	if count > most {
		d.many = count
		return nil
	}
	for range count {
		all = append(all, d.addr())
	}
	return all
}
