package precedence

import "time"

// longest is how long the node comes first at a stretch. It then does not for as long.
const longest = 10 * time.Second

// rule decides when the node comes first. Its zero value is ready.
type rule struct {
	first bool
	seen  time.Time     // the last judgement
	spent time.Duration // how long it came first, less how long it did not
	tired bool          // until nothing is spent
}

// judge says whether the node comes first from now on.
func (r *rule) judge(now time.Time, joining bool) (first bool) {
	passed := now.Sub(r.seen)
	if r.seen = now; !r.first {
		passed = -passed
	}
	r.spent = min(max(0, r.spent+passed), longest) // the process may have stood still for hours
	r.tired = r.spent >= longest || r.tired && r.spent > 0
	r.first = joining && !r.tired
	return r.first
}
