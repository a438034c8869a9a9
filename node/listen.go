package node

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/atoll-mesh/atoll/node/cert"
	"github.com/atoll-mesh/atoll/node/config"
	"github.com/atoll-mesh/atoll/node/web"
)

// connectionLimit bounds the connections of one listener; a client holds two.
const connectionLimit = 20_000

// listeners are the open TCP ports of a node, each nil when it is off.
type listeners struct {
	http, https, admin net.Listener
	tls                *tls.Config
	turn               turnSockets
}

// listener is one of them with what serves it.
type listener struct {
	name     string
	listener net.Listener
	tls      *tls.Config
	admin    bool
}

func (l listeners) all() []listener {
	var all []listener
	for _, one := range []listener{{"http", l.http, nil, false}, {"https", l.https, l.tls, false}, {"admin", l.admin, nil, true}} {
		if one.listener != nil {
			all = append(all, one)
		}
	}
	return all
}

func (l listeners) close() {
	for _, one := range l.all() {
		_ = one.listener.Close() // nothing was served yet
	}
	l.turn.close()
}

// listen opens every port and reads the certificate. The error names each that failed.
func (n *Node) listen() (listeners, error) {
	var l listeners
	var problems []error
	for _, port := range []struct {
		flag string
		addr config.Addr
		into *net.Listener
		most int
	}{
		{"--http", n.cfg.HTTP, &l.http, connectionLimit},
		{"--https", n.cfg.HTTPS, &l.https, connectionLimit},
		{"--admin", n.cfg.Admin, &l.admin, 100},
	} {
		if port.addr.Off {
			continue
		}
		opened, err := net.Listen("tcp", port.addr.String())
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", port.flag, err))
			continue
		}
		*port.into = web.Limit(opened, port.most, func() { n.full.Add(1) })
	}
	if !n.cfg.TURN.Off {
		var err error
		if l.turn, err = listenTURN(n.cfg.TURN.Host, n.cfg.TURN.Port); err != nil {
			problems = append(problems, fmt.Errorf("--turn: %w", err))
		}
	}
	if !n.cfg.HTTPS.Off && n.folder != nil {
		store, err := n.certificate()
		if err != nil {
			problems = append(problems, fmt.Errorf("certificate: %w", err))
		} else {
			l.tls, n.certs = store.TLS(), store
		}
	}
	return l, errors.Join(problems...)
}

func (n *Node) certificate() (*cert.Store, error) {
	if n.cfg.TLSCert != "" {
		return cert.Files(n.cfg.TLSCert, n.cfg.TLSKey, n.cfg.Domain, n.log)
	}
	var addresses []netip.Addr
	for _, a := range n.cfg.Advertise {
		addresses = append(addresses, a.Addr())
	}
	addresses = append(addresses, n.public...)
	return cert.SelfSigned(n.folder, []string{n.cfg.Domain, string(n.name) + "." + n.cfg.Domain}, addresses, n.log)
}

// advertised returns the addresses that clients are told, in the form that the edge takes; none when the edge finds them out.
func (n *Node) advertised() []string {
	var out []string
	for _, a := range n.cfg.Advertise {
		if a.Port() == 0 {
			out = append(out, a.Addr().String())
		} else {
			out = append(out, a.String())
		}
	}
	if len(out) > 0 || len(n.public) == 0 {
		return out
	}
	// Those in the same network need the private ones.
	all := own()
	if ip, err := netip.ParseAddr(n.cfg.Media.Host); err == nil && !ip.IsUnspecified() {
		if all = []netip.Addr{ip}; ip.IsLoopback() {
			return nil
		}
	}
	for _, ip := range slices.Concat(n.public, all) {
		out = append(out, ip.String())
	}
	return out
}
