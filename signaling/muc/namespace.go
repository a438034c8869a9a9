package muc

// Namespaces of the elements that a room reads and writes.
const (
	nsClient     = "jabber:client"
	nsMUC        = "http://jabber.org/protocol/muc"
	nsUser       = "http://jabber.org/protocol/muc#user"
	nsAdmin      = "http://jabber.org/protocol/muc#admin"
	nsOwner      = "http://jabber.org/protocol/muc#owner"
	nsRoomConfig = "http://jabber.org/protocol/muc#roomconfig"
	nsRoomInfo   = "http://jabber.org/protocol/muc#roominfo"
	nsSelfPing   = "http://jabber.org/protocol/muc#self-ping-optimization"
	nsDiscoInfo  = "http://jabber.org/protocol/disco#info"
	nsDiscoItems = "http://jabber.org/protocol/disco#items"
	nsAddress    = "http://jabber.org/protocol/address"
	nsFocus      = "http://jitsi.org/protocol/focus"
	nsDelay      = "urn:xmpp:delay"
	nsOldDelay   = "jabber:x:delay"
	nsData       = "jabber:x:data"
	nsPing       = "urn:xmpp:ping"
	nsStanzaID   = "urn:xmpp:sid:0"
	nsOccupantID = "urn:xmpp:occupant-id:0"
	nsHats       = "urn:xmpp:hats:0"
	nsOldHats    = "xmpp:prosody.im/protocol/hats:1"
	nsName       = "http://jitsi.org/protocol/display-name"
)
