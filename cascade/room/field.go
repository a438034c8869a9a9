package room

// The fields of a header. Keys that end in a slash are followed by what they speak of.
const (
	FieldMeeting     = "meeting"     // id of the meeting; of several the oldest counts
	FieldSequencer   = "sequencer"   // written by a sequencer that begins its term
	FieldPassword    = "password"    // a set one wins over none
	FieldMembersOnly = "membersonly" // "1" wins over ""
	FieldOpenSubject = "opensubject" // "1": participants may change the subject; "" wins
	FieldSubject     = "subject"     // <endpoint> <Time in decimal> <text>
	FieldAffiliation = "aff/"        // + bare JID: outcast wins over owner, owner over member
	FieldModerator   = "mod/"        // + endpoint: "1", an explicit grant of the role; it wins over ""
	FieldKick        = "kick/"       // + endpoint: <Time in decimal> <actor endpoint> <reason>: occupancies that joined up to the time are over
)
