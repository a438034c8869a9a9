// Package domain answers what clients ask the XMPP domain itself: ping (XEP-0199), service discovery (XEP-0030) and
// external services (XEP-0215). Every other request gets service-unavailable: a client waits for an answer to each.
//
// It is an engine package: one request in, one answer out.
//
// The discovery names no shard, region or release: Jitsi's client ends a conference when it finds itself at another shard, and
// all nodes are one.
package domain

import (
	"strconv"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// The namespaces that are answered.
const (
	nsInfo      = "http://jabber.org/protocol/disco#info"
	nsItems     = "http://jabber.org/protocol/disco#items"
	nsPing      = "urn:xmpp:ping"
	nsServices  = "urn:xmpp:extdisco:2"
	nsServices1 = "urn:xmpp:extdisco:1" // the same answer, for clients of before 2015
)

// Config is what a Domain answers with.
type Config struct {
	// Items are the JIDs that disco#items lists: the rooms' and the focus's domain.
	Items []string
	// Services returns the STUN and TURN servers for a client, by its full JID, the one to use first first. Nil: there are none.
	// It is called from whichever goroutine asks.
	Services func(client string) []Service
	// Identities are added to that of the server. Each switches a feature of Jitsi's client on.
	Identities []Identity
}

// Service is a STUN or TURN server (XEP-0215 3).
type Service struct {
	Type      string // stun, turn or turns
	Host      string
	Port      int
	Transport string // udp or tcp
	// Username and Password are empty for stun.
	Username, Password string
}

// Identity is an identity of the domain (XEP-0030 3.1).
type Identity struct{ Category, Type, Name string }

// Domain answers for the domain. Its methods may be called from several goroutines.
type Domain struct{ config Config }

// New returns a Domain.
func New(c Config) *Domain { return &Domain{config: c} }

// Answer returns the answer to an IQ of type get or set that is addressed to the domain or to nobody, nil for any other IQ:
// results and errors have no answer.
func (d *Domain) Answer(iq *stanza.Element) *stanza.Element {
	kind := iq.Attr("type")
	if kind != "get" && kind != "set" {
		return nil
	}
	query := iq.Child("*", "*")
	if kind == "set" || query == nil {
		return unavailable(iq)
	}
	switch {
	case query.Is(nsPing, "ping"):
		return stanza.Result(iq)
	case query.Is(nsInfo, "query"):
		if query.Attr("node") != "" {
			return stanza.ErrorReply(iq, "cancel", "item-not-found", "")
		}
		return stanza.Result(iq, d.info())
	case query.Is(nsItems, "query"):
		return stanza.Result(iq, d.items(query.Attr("node")))
	case query.Is(nsServices, "services"):
		return stanza.Result(iq, d.services(nsServices, iq.Attr("from"), query.Attr("type")))
	case query.Is(nsServices1, "services"):
		return stanza.Result(iq, d.services(nsServices1, iq.Attr("from"), query.Attr("type")))
	}
	return unavailable(iq)
}

func unavailable(iq *stanza.Element) *stanza.Element {
	return stanza.ErrorReply(iq, "cancel", "service-unavailable", "")
}

func (d *Domain) info() *stanza.Element {
	q := stanza.New(nsInfo, "query")
	q.With(stanza.New(nsInfo, "identity", "category", "server", "type", "im", "name", "Atoll"))
	for _, i := range d.config.Identities {
		q.With(stanza.New(nsInfo, "identity", "category", i.Category, "type", i.Type, "name", i.Name))
	}
	for _, f := range [...]string{nsInfo, nsItems, nsPing, nsServices} {
		q.With(stanza.New(nsInfo, "feature", "var", f))
	}
	return q
}

func (d *Domain) items(node string) *stanza.Element {
	q := stanza.New(nsItems, "query", "node", node)
	if node != "" {
		return q
	}
	for _, jid := range d.config.Items {
		q.With(stanza.New(nsItems, "item", "jid", jid))
	}
	return q
}

// services lists the services, those of one type when the client asks for one.
func (d *Domain) services(ns, client, kind string) *stanza.Element {
	list := stanza.New(ns, "services", "type", kind)
	if d.config.Services == nil {
		return list
	}
	for _, s := range d.config.Services(client) {
		if kind != "" && s.Type != kind {
			continue
		}
		e := stanza.New(ns, "service", "type", s.Type, "host", s.Host)
		if s.Port != 0 {
			e.Set("port", strconv.Itoa(s.Port))
		}
		e.Set("transport", s.Transport)
		e.Set("username", s.Username)
		e.Set("password", s.Password)
		if s.Username != "" {
			e.Set("restricted", "1")
		}
		list.With(e)
	}
	return list
}
