package path

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

// Why a message was dropped without an answer.
var (
	ErrMalformed = errors.New("malformed STUN message")
	ErrIgnored   = errors.New("STUN message of no concern")
	ErrSilent    = errors.New("the path does not answer")
	ErrUsername  = errors.New("STUN request for another user")
	ErrForged    = errors.New("STUN integrity or fingerprint is wrong")
	ErrLimited   = errors.New("too many requests from unknown addresses")
	ErrUnmatched = errors.New("STUN response to nothing that was asked")
)

// maxMessage bounds what is parsed; nothing that ICE sends comes near it.
const maxMessage = 1280

// peerReflexive is the priority that the peer gives to a candidate of ours it learns from a check: type preference 110,
// component 1 (RFC 8445 5.1.2.1).
const peerReflexive = 110<<24 | 65535<<8 | 255

// Username returns the user fragment that a binding request is for, without any other look at it. The result is part of
// raw and nil when raw is no such request.
func Username(raw []byte) []byte {
	if len(raw) < 20 || raw[0] != 0 || raw[1] != 1 {
		return nil
	}
	for b := raw[20:]; len(b) >= 4; {
		size := int(binary.BigEndian.Uint16(b[2:]))
		padded := (size + 3) &^ 3
		if len(b)-4 < padded {
			return nil
		}
		if binary.BigEndian.Uint16(b) == uint16(stun.AttrUsername) {
			for i, c := range b[4 : 4+size] {
				if c == ':' {
					return b[4 : 4+i]
				}
			}
			return nil
		}
		b = b[4+padded:]
	}
	return nil
}

// Input takes a STUN message that came in over a pair. A message that is not the peer's is dropped, and the error says
// why; it has no other meaning.
func (p *Path) Input(now time.Time, at Pair, raw []byte) error {
	if p.lost {
		return ErrSilent
	}
	if len(raw) < 20 || len(raw) > maxMessage || len(raw) != 20+int(binary.BigEndian.Uint16(raw[2:])) {
		return ErrMalformed
	}
	// The message is copied: checking its integrity writes behind its end.
	if _, err := p.in.Write(raw); err != nil {
		return ErrMalformed
	}
	if p.in.Type.Method != stun.MethodBinding {
		return ErrIgnored
	}
	var err error
	switch p.in.Type.Class {
	case stun.ClassRequest:
		err = p.request(now, at)
	case stun.ClassSuccessResponse, stun.ClassErrorResponse:
		err = p.response(now, at)
	default:
		return ErrIgnored // an indication keeps a NAT binding open and says nothing
	}
	if err != nil {
		return err
	}
	p.run(now)
	return nil
}

// authentic checks MESSAGE-INTEGRITY and FINGERPRINT, which must be the last attribute.
func (p *Path) authentic(pwd string) bool {
	attrs := p.in.Attributes
	return pwd != "" && len(attrs) > 0 && attrs[len(attrs)-1].Type == stun.AttrFingerprint &&
		stun.Fingerprint.Check(p.in) == nil && stun.NewShortTermIntegrity(pwd).Check(p.in) == nil
}

func (p *Path) request(now time.Time, at Pair) error {
	if !p.switches.Answer {
		return ErrSilent
	}
	user, err := p.in.Get(stun.AttrUsername)
	if err != nil {
		return ErrMalformed
	}
	local, remote, ok := strings.Cut(string(user), ":")
	if !ok || local != p.local.Ufrag || p.remote.Ufrag != "" && remote != p.remote.Ufrag {
		return ErrUsername
	}
	q := p.find(at)
	if q == nil && !p.spend(now) {
		return ErrLimited
	}
	if !p.authentic(p.local.Pwd) {
		return ErrForged
	}
	priority, err := p.in.Get(stun.AttrPriority)
	if err != nil || len(priority) != 4 {
		return ErrMalformed
	}
	if conflict, err := p.conflict(); err != nil {
		return err
	} else if conflict {
		p.sendConflict(at)
		return nil
	}
	if q == nil {
		q = p.open(now, at, remote)
	}
	q.priority = binary.BigEndian.Uint32(priority)
	q.heard = now
	if p.controlled && p.in.Contains(stun.AttrUseCandidate) {
		q.chosen = true
		if q.valid {
			p.elect(q)
		}
	}
	p.sendResponse(at)
	if !q.valid && now.Sub(q.last) >= minSpacing {
		if q.attempts >= maxChecks {
			q.attempts = 0
		}
		q.next = now // a triggered check
	}
	return nil
}

// spend takes one from the budget of requests from unknown addresses.
func (p *Path) spend(now time.Time) bool {
	if d := now.Sub(p.budgetAt); p.budgetAt.IsZero() || d >= time.Second {
		p.budget, p.budgetAt = NewPerSecond, now
	}
	if p.budget == 0 {
		return false
	}
	p.budget--
	return true
}

// conflict looks at the role that the peer claims (RFC 8445 7.3.1.1). It reports whether the peer must change its role;
// otherwise ours fits, or has been changed.
func (p *Path) conflict() (bool, error) {
	claim := stun.AttrICEControlling
	if p.controlled {
		claim = stun.AttrICEControlled
	}
	v, err := p.in.Get(claim)
	if err != nil {
		return false, nil
	}
	if len(v) != 8 {
		return false, ErrMalformed
	}
	theirs := binary.BigEndian.Uint64(v)
	if ours := p.tieBreaker >= theirs; ours != p.controlled {
		return true, nil
	}
	p.reverse()
	return false, nil
}

// reverse changes the role.
func (p *Path) reverse() {
	p.controlled = !p.controlled
	p.nominating = nil
}

func (p *Path) response(now time.Time, at Pair) error {
	q := p.find(at)
	if q == nil {
		return ErrUnmatched
	}
	var t *transaction
	for i := range q.sent {
		if q.sent[i].id == p.in.TransactionID && q.sent[i].id != [stun.TransactionIDSize]byte{} {
			t = &q.sent[i]
		}
	}
	if t == nil {
		return ErrUnmatched
	}
	if !p.authentic(p.remote.Pwd) {
		return ErrForged
	}
	done := *t
	*t = transaction{}
	q.heard = now
	if p.in.Type.Class == stun.ClassErrorResponse {
		var code stun.ErrorCodeAttribute
		if code.GetFrom(p.in) == nil && code.Code == stun.CodeRoleConflict && done.controls != p.controlled {
			p.reverse()
			q.next = now
		}
		return nil
	}
	q.answered, q.doubtful, p.base = now, false, now
	if !q.valid {
		q.valid = true
		p.event(Valid, q.Pair)
	}
	switch {
	case done.nominates && q == p.nominating:
		p.nominating = nil
		p.elect(q)
	case p.controlled && q.chosen:
		p.elect(q)
	}
	if q != p.nominating {
		p.settle(now, q)
	}
	return nil
}

// elect makes a nominated pair the selected one.
func (p *Path) elect(q *pair) {
	if p.selected == q {
		return
	}
	for _, other := range p.pairs {
		other.chosen = other.chosen && other == q
	}
	p.selected, p.doubted = q, time.Time{}
	p.event(Selected, q.Pair)
}

func (p *Path) sendRequest(q *pair, t *transaction) {
	m := p.begin(stun.ClassRequest, t.id)
	m.Add(stun.AttrUsername, []byte(p.remote.Ufrag+":"+p.local.Ufrag))
	role := stun.AttrICEControlling
	if p.controlled {
		role = stun.AttrICEControlled
	}
	m.Add(role, binary.BigEndian.AppendUint64(nil, p.tieBreaker))
	m.Add(stun.AttrPriority, binary.BigEndian.AppendUint32(nil, peerReflexive))
	if t.nominates {
		m.Add(stun.AttrUseCandidate, nil)
	}
	p.finish(q.Pair, p.remote.Pwd)
}

func (p *Path) sendResponse(at Pair) {
	m := p.begin(stun.ClassSuccessResponse, p.in.TransactionID)
	mapped := stun.XORMappedAddress{IP: ip(at.Remote), Port: int(at.Remote.Port())}
	if mapped.AddTo(m) != nil {
		return // no address of a datagram is neither v4 nor v6
	}
	p.finish(at, p.local.Pwd)
}

func (p *Path) sendConflict(at Pair) {
	m := p.begin(stun.ClassErrorResponse, p.in.TransactionID)
	if stun.CodeRoleConflict.AddTo(m) != nil {
		return
	}
	p.finish(at, p.local.Pwd)
}

func (p *Path) begin(class stun.MessageClass, id [stun.TransactionIDSize]byte) *stun.Message {
	m := p.out
	m.Reset()
	m.SetType(stun.NewType(stun.MethodBinding, class))
	m.TransactionID = id
	m.WriteHeader()
	return m
}

func (p *Path) finish(at Pair, pwd string) {
	if stun.NewShortTermIntegrity(pwd).AddTo(p.out) != nil || stun.Fingerprint.AddTo(p.out) != nil {
		return
	}
	start := len(p.arena)
	p.arena = append(p.arena, p.out.Raw...)
	p.datagrams = append(p.datagrams, Datagram{at, p.arena[start:len(p.arena):len(p.arena)]})
}

func ip(a netip.AddrPort) []byte { return a.Addr().Unmap().AsSlice() }
