package participant

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pion/ice/v4"
)

// accept runs ICE of one generation.
func accept(ctx context.Context, agent *ice.Agent, remote Remote) (*ice.Conn, error) {
	for _, s := range remote.Candidates {
		c, err := ice.UnmarshalCandidate(s)
		if err == nil {
			err = agent.AddRemoteCandidate(c)
		}
		if err != nil {
			return nil, fmt.Errorf("candidate %q: %w", s, err)
		}
	}
	connect := agent.Accept
	if remote.Controlled {
		connect = agent.Dial
	}
	conn, err := connect(ctx, remote.Ufrag, remote.Pwd)
	if err != nil {
		return nil, fmt.Errorf("connect ice: %w", err)
	}
	return conn, nil
}

// route is the present way to the peer as DTLS sees it.
type route struct{ t *Transport }

func (r route) Read(b []byte) (int, error)       { return r.t.current.Load().Read(b) }
func (r route) Write(b []byte) (int, error)      { return r.t.current.Load().Write(b) }
func (r route) Close() error                     { return nil }
func (r route) LocalAddr() net.Addr              { return r.t.current.Load().LocalAddr() }
func (r route) RemoteAddr() net.Addr             { return r.t.current.Load().RemoteAddr() }
func (r route) SetDeadline(time.Time) error      { return nil }
func (r route) SetReadDeadline(time.Time) error  { return nil }
func (r route) SetWriteDeadline(time.Time) error { return nil }

// Restart restarts ICE of a transport that is connected and returns its new credentials. The DTLS association and the keys
// go on. As soon as the new generation is connected everything goes over it, and what still comes over the old one is
// dropped, as Firefox does it.
func (t *Transport) Restart(remote Remote, failed func(error)) (ufrag, pwd string, err error) {
	if t.current.Load() == nil {
		return "", "", errors.New("restart: not connected")
	}
	agent, err := t.gather()
	if err != nil {
		return "", "", err
	}
	if ufrag, pwd, err = agent.GetLocalUserCredentials(); err != nil {
		_ = agent.Close()
		return "", "", err
	}
	t.restarted.Go(func() {
		defer func() { _ = agent.GracefulClose() }()
		conn, err := accept(t.life, agent, remote)
		if err != nil {
			if t.life.Err() == nil {
				failed(fmt.Errorf("restart: %w", err))
			}
			return
		}
		t.current.Store(conn)
		t.done.Go(func() { t.read(conn) })
		<-t.life.Done()
	})
	return ufrag, pwd, nil
}
