// Package participant is a client of a node without a browser: it speaks what the stock client speaks (XMPP over
// WebSocket with stream management, the conference request, presence, Jingle, the bridge channel) and carries real ICE,
// DTLS and SRTP. Tests play the contract with it, the benchmark loads a node with many of them.
//
// It keeps what it was told (occupants, source maps, chat) behind one lock; callbacks run on its reading goroutines and
// must not block.
package participant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/rtp"

	"github.com/atoll-mesh/atoll/signaling/stanza"
)

// Config says who joins what.
type Config struct {
	URL      string // of the XMPP WebSocket
	Domain   string
	Room     string // localpart
	Name     string
	Password string
	SSRCs    SSRCs
	// Features are what the client says that it can, nil for Features. Without the one of SSRC rewriting it is told of
	// sources by source-add.
	Features []string
	// Codecs are those of video that the client says it takes, as "av1,vp8"; empty for vp8.
	Codecs string
	// SignallingOnly never connects media: the offer is accepted, the transport stays idle.
	SignallingOnly bool
	// Muted declares its sources as muted: in its presence, and on the bridge channel that its camera shows nothing, as Jitsi's client does
	// when the channel opens.
	Muted bool
	// Old does not know of ICE restarts that the server asks for, as all clients before August 2026.
	Old     bool
	Network Network // nil for this machine's own

	OnRTP    func(header *rtp.Header, packet []byte, arrived time.Time)
	OnRTCP   func(compound []byte)
	OnBridge func(raw []byte)
	OnStanza func(raw []byte, st *stanza.Element)
	OnRaw    func(sent bool, message []byte)
}

// Chat is one groupchat message as it arrived.
type Chat struct{ From, Body string }

// Participant is one client in one room.
type Participant struct {
	cfg    Config
	room   string
	stream *Stream
	life   context.Context
	end    context.CancelFunc
	done   sync.WaitGroup

	transport *Transport

	mu        sync.Mutex
	channel   *websocket.Conn
	asked     map[string]any // what was asked for last over a channel
	maps      map[uint32]Mapping
	occupants map[string]string // nick -> JID
	chats     []Chat
	subject   string
	joined    chan struct{}
	connected chan struct{} // of the present session; a new session has a new one
	moved     offer         // the last restart
	ended     string        // reason of the last session-terminate
	failure   error
	changed   chan struct{} // closed and replaced whenever something above changes
}

// Join connects, asks for the conference and enters the room. It returns once the own presence was seen; media follows
// when somebody else is there (see Connected).
func Join(ctx context.Context, cfg Config) (*Participant, error) {
	if cfg.Features == nil {
		cfg.Features = Features
	}
	if cfg.Codecs == "" {
		cfg.Codecs = "vp8"
	}
	p := &Participant{
		cfg:       cfg,
		room:      cfg.Room + "@conference." + cfg.Domain,
		maps:      make(map[uint32]Mapping),
		occupants: make(map[string]string),
		joined:    make(chan struct{}),
		connected: make(chan struct{}),
		changed:   make(chan struct{}),
	}
	p.life, p.end = context.WithCancel(context.Background())
	p.stream = NewStream(cfg.URL, cfg.Domain, p.handle, cfg.OnRaw)
	p.stream.network = cfg.Network
	if err := p.enter(ctx); err != nil {
		p.Vanish()
		return nil, err
	}
	return p, nil
}

func (p *Participant) enter(ctx context.Context) error {
	if err := p.stream.Connect(ctx); err != nil {
		return err
	}
	for _, q := range []struct{ to, payload string }{
		{p.cfg.Domain, `<services xmlns="urn:xmpp:extdisco:2"/>`},
		{p.cfg.Domain, `<query xmlns="` + nsDisco + `"/>`},
	} {
		// The stock client does not wait for these answers.
		p.stream.Send(fmt.Sprintf(`<iq id="%s" to="%s" type="get" xmlns="jabber:client">%s</iq>`, p.stream.NewID(), q.to, q.payload))
	}
	answer, err := p.stream.Request(ctx, "focus."+p.cfg.Domain, "set",
		`<conference machine-uid="0123456789abcdef" room="`+p.room+`" xmlns="http://jitsi.org/protocol/focus"><property name="rtcstatsEnabled" value="false"/><property name="visitors-version" value="1"/></conference>`)
	if err != nil {
		return err
	}
	conference := answer.Child("http://jitsi.org/protocol/focus", "conference")
	if conference == nil || conference.Attr("ready") != "true" {
		return fmt.Errorf("conference request: answer is %s", answer.Raw)
	}
	p.SendPresence("{}")
	select {
	case <-p.joined:
	case <-p.stream.Failed():
		return fmt.Errorf("join %s: the stream ended", p.room)
	case <-ctx.Done():
		return fmt.Errorf("join %s: %w", p.room, ctx.Err())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

// SendPresence sends the whole presence of a stock client with the given SourceInfo JSON.
func (p *Participant) SendPresence(sourceInfo string) {
	muc := `<x xmlns="` + nsMUC + `"/>`
	if p.cfg.Password != "" {
		muc = `<x xmlns="` + nsMUC + `"><password>` + escape(p.cfg.Password) + `</password></x>`
	}
	p.stream.Send(`<presence to="` + p.room + `/` + p.Endpoint() + `" xmlns="jabber:client">` + muc +
		`<stats-id>Go-load</stats-id><c hash="sha-1" node="` + capsNode + `" ver="` + capsVersion(p.cfg.Features) + `" xmlns="` + nsCaps + `"/>` +
		`<SourceInfo>` + escape(sourceInfo) + `</SourceInfo><jitsi_participant_codecList>` + escape(p.cfg.Codecs) + `</jitsi_participant_codecList>` +
		`<nick xmlns="http://jabber.org/protocol/nick">` + escape(p.cfg.Name) + `</nick></presence>`)
}

// Endpoint returns the endpoint id that the node gave: the first eight digits of the JID.
func (p *Participant) Endpoint() string { return p.stream.JID[:8] }

// JID returns the full JID.
func (p *Participant) JID() string { return p.stream.JID }

// RoomJID returns the bare JID of the room.
func (p *Participant) RoomJID() string { return p.room }

// Stream returns the XMPP stream, to cut it, resume it or send stanzas on it.
func (p *Participant) Stream() *Stream { return p.stream }

// Connected is closed when the media of the present session flows.
func (p *Participant) Connected() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connected
}

// AwaitMedia returns when media flows, or an error when that failed or ctx ends.
func (p *Participant) AwaitMedia(ctx context.Context) error {
	for {
		p.mu.Lock()
		connected, changed, failure := p.connected, p.changed, p.failure
		p.mu.Unlock()
		if failure != nil {
			return failure
		}
		select {
		case <-connected:
			return nil
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s waits for media: %w", p.cfg.Name, ctx.Err())
		}
	}
}

// Transport returns the media transport of the present session, nil when there is none.
func (p *Participant) Transport() *Transport {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.transport
}

// Chat sends a groupchat message.
func (p *Participant) Chat(body string) {
	p.stream.Send(`<message id="` + p.stream.NewID() + `" to="` + p.room + `" type="groupchat" xmlns="jabber:client"><body>` + escape(body) + `</body></message>`)
}

// State is what a participant knows.
type State struct {
	Occupants map[string]string
	Chats     []Chat
	Subject   string
	Maps      map[uint32]Mapping
	Ended     string
}

// State returns a copy of what the participant knows now.
func (p *Participant) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{Occupants: make(map[string]string), Maps: make(map[uint32]Mapping), Chats: append([]Chat(nil), p.chats...), Subject: p.subject, Ended: p.ended}
	for k, v := range p.occupants {
		s.Occupants[k] = v
	}
	for k, v := range p.maps {
		s.Maps[k] = v
	}
	return s
}

// Await returns when ok is true of the state, or an error with what was wanted when ctx ends.
func (p *Participant) Await(ctx context.Context, what string, ok func(State) bool) error {
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if ok(p.State()) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s waits for %s: %w", p.cfg.Name, what, ctx.Err())
		}
	}
}

// Leave leaves the room and closes the stream as a client does whose user hung up.
func (p *Participant) Leave() {
	p.stream.Send(`<presence to="` + p.room + `/` + p.Endpoint() + `" type="unavailable" xmlns="jabber:client"/>`)
	p.stream.Close()
	p.shut(true)
}

// Vanish drops everything without a word.
func (p *Participant) Vanish() {
	if t := p.Transport(); t != nil {
		t.Mute()
	}
	p.stream.Cut()
	p.shut(false)
}

// shut ends what the stream does not own. The stream is closed: nothing starts a session any more.
func (p *Participant) shut(polite bool) {
	p.mu.Lock()
	channel, transport := p.channel, p.transport
	p.channel, p.failure = nil, errClosed
	p.mu.Unlock()
	if transport != nil && !polite {
		transport.Mute()
	}
	p.end()
	if channel != nil {
		_ = channel.CloseNow()
	}
	if transport != nil {
		transport.Close(polite)
	}
	p.done.Wait()
}

func (p *Participant) handle(raw []byte, st *stanza.Element) {
	if p.cfg.OnStanza != nil {
		p.cfg.OnStanza(raw, st)
	}
	switch st.Local {
	case "presence":
		p.presence(st)
	case "message":
		p.message(st)
	case "iq":
		p.iq(st)
	}
	p.tell()
}

// tell wakes whoever awaits a state.
func (p *Participant) tell() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Participant) presence(st *stanza.Element) {
	_, nick, _ := strings.Cut(st.Attr("from"), "/")
	p.mu.Lock()
	defer p.mu.Unlock()
	switch st.Attr("type") {
	case "error":
		p.failure = fmt.Errorf("join refused: %s", st.Raw)
		p.enterOnce()
		return
	case "unavailable":
		delete(p.occupants, nick)
		return
	}
	x := st.Child(nsMUCUser, "x")
	if x == nil {
		return
	}
	if item := x.Child(nsMUCUser, "item"); item != nil {
		p.occupants[nick] = item.Attr("jid")
	}
	for _, s := range x.Children {
		if s.Local == "status" && s.Attr("code") == "110" {
			p.enterOnce()
		}
	}
}

func (p *Participant) enterOnce() {
	select {
	case <-p.joined:
	default:
		close(p.joined)
	}
}

func (p *Participant) message(st *stanza.Element) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, nick, _ := strings.Cut(st.Attr("from"), "/")
	if body := st.Child("jabber:client", "body"); body != nil {
		p.chats = append(p.chats, Chat{From: nick, Body: body.Text})
	}
	if subject := st.Child("jabber:client", "subject"); subject != nil {
		p.subject = subject.Text
	}
}

func (p *Participant) iq(st *stanza.Element) {
	reply := func(kind, payload string) {
		p.stream.Send(fmt.Sprintf(`<iq id="%s" to="%s" type="%s" xmlns="jabber:client">%s</iq>`, escape(st.Attr("id")), escape(st.Attr("from")), kind, payload))
	}
	if query := st.Child(nsDisco, "query"); query != nil && st.Attr("type") == "get" {
		reply("result", discoInfo(p.cfg.Features, escape(query.Attr("node"))))
		return
	}
	jingle := st.Child(nsJingle, "jingle")
	if jingle == nil {
		if t := st.Attr("type"); t == "get" || t == "set" {
			reply("result", "")
		}
		return
	}
	reply("result", "")
	switch jingle.Attr("action") {
	case "session-initiate":
		o, err := parseOffer(jingle)
		if err == nil {
			err = p.accept(o)
		}
		p.fail(err)
	case "transport-info":
		o, err := parseOffer(jingle)
		if err == nil && o.restart != "" && !p.cfg.Old {
			err = p.restart(o)
		}
		p.fail(err)
	case "session-terminate":
		p.mu.Lock()
		p.ended = "terminated"
		if r := jingle.Child(nsJingle, "reason"); r != nil && len(r.Children) > 0 {
			p.ended = r.Children[0].Local
		}
		p.mu.Unlock()
		p.drop()
	}
}

// drop ends the present session, if there is one.
func (p *Participant) drop() {
	p.mu.Lock()
	t, ws := p.transport, p.channel
	p.transport, p.channel = nil, nil
	if t != nil {
		p.connected = make(chan struct{})
	}
	p.mu.Unlock()
	if ws != nil {
		_ = ws.CloseNow()
	}
	if t != nil {
		p.done.Go(func() { t.Close(true) })
	}
}

func (p *Participant) accept(o offer) error {
	p.drop()
	transport, err := NewTransportOn(p.cfg.Network, p.cfg.OnRTP, p.cfg.OnRTCP)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.transport, p.moved = transport, o
	connected := p.connected
	p.mu.Unlock()
	xml, err := p.acceptXML(o)
	if err != nil {
		return err
	}
	p.stream.Send(fmt.Sprintf(`<iq id="%s" to="%s/focus" type="set" xmlns="jabber:client">%s</iq>`, p.stream.NewID(), p.room, xml))
	if info := p.sourceInfo(); info != "" {
		p.SendPresence(info)
	}
	p.done.Go(func() {
		ctx, cancel := context.WithTimeout(p.life, 20*time.Second)
		defer cancel()
		var channel sync.WaitGroup
		defer channel.Wait()
		if o.webSocket != "" {
			channel.Go(func() { p.fail(p.openChannel(ctx, o.webSocket, transport)) })
		}
		if p.cfg.SignallingOnly {
			return
		}
		if err := transport.Connect(ctx, o.remote); err != nil {
			if p.Transport() == transport { // else the session ended meanwhile
				p.fail(err)
			}
			return
		}
		channel.Wait() // who has media can use it
		close(connected)
	})
	return nil
}

// restart follows the server to another transport.
func (p *Participant) restart(o offer) error {
	t := p.Transport()
	if t == nil {
		return errors.New("transport-info without a session")
	}
	ufrag, pwd, err := t.Restart(o.remote, p.fail)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.moved = o
	p.mu.Unlock()
	var contents string
	for _, name := range []string{"audio", "video"} {
		contents += fmt.Sprintf(`<content creator="initiator" name="%s"><transport ice-generation="%s" pwd="%s" ufrag="%s" xmlns="%s"/></content>`, name, o.restart, pwd, ufrag, nsICE)
	}
	p.stream.Send(fmt.Sprintf(`<iq id="%s" to="%s/focus" type="set" xmlns="jabber:client"><jingle action="transport-info" initiator="%s" sid="%s" xmlns="%s">%s</jingle></iq>`,
		p.stream.NewID(), p.room, o.initiator, o.sid, nsJingle, contents))
	return nil
}

// Follow resumes the stream, whose socket the old node has cut, at another node, at url or else where the last restart said,
// and opens the bridge channel there.
func (p *Participant) Follow(ctx context.Context, url string) error {
	select {
	case <-p.stream.Failed():
	case <-ctx.Done():
		return fmt.Errorf("%s waits for the end of its socket: %w", p.cfg.Name, ctx.Err())
	}
	p.stream.Cut()
	p.mu.Lock()
	o, old, t := p.moved, p.channel, p.transport
	p.channel = nil
	p.mu.Unlock()
	if url == "" {
		url = o.socket + "/xmpp-websocket"
	}
	if err := p.stream.Resume(ctx, url); err != nil {
		return fmt.Errorf("%s: %w", p.cfg.Name, err)
	}
	if old != nil {
		_ = old.CloseNow()
	}
	if at, _, _ := strings.Cut(url, "/xmpp-websocket"); !strings.HasPrefix(o.webSocket, at+"/") || t == nil {
		return nil // a new session follows, with a channel of its own
	}
	return p.openChannel(ctx, o.webSocket, t)
}

func (p *Participant) fail(err error) {
	if err == nil || p.life.Err() != nil {
		return
	}
	p.mu.Lock()
	p.failure = errors.Join(p.failure, err)
	p.mu.Unlock()
	p.tell()
}

// Err returns what went wrong since the join, nil when nothing did.
func (p *Participant) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failure
}

// sourceInfo says in the presence what is muted, empty for a participant that only listens.
func (p *Participant) sourceInfo() string {
	var parts []string
	if p.cfg.SSRCs.Audio != 0 {
		parts = append(parts, fmt.Sprintf(`"%s-a0":{"muted":%t}`, p.Endpoint(), p.cfg.Muted))
	}
	if len(p.cfg.SSRCs.Video) > 0 {
		parts = append(parts, fmt.Sprintf(`"%s-v0":{"muted":%t}`, p.Endpoint(), p.cfg.Muted))
	}
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, ",") + "}"
}

var errClosed = errors.New("participant is closed")

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

func escape(s string) string { return escaper.Replace(s) }
