package session

// Wipe overwrites the keys and drops the credentials. Strings cannot be overwritten; they are left to the collector.
func (p *Participant) Wipe() {
	p.Media.Wipe()
	p.Stream.ResumeToken = ""
	p.Jingle.BridgePwd = ""
}

// Wipe overwrites the keys and drops the credentials.
func (m *Media) Wipe() {
	for _, key := range [][]byte{m.LocalKey, m.LocalSalt, m.RemoteKey, m.RemoteSalt, m.DTLS} {
		clear(key)
	}
	*m = Media{}
}
