package roster

import "time"

// Quota bounds how many messages of a kind go out in one day (UTC). It is counted in the transaction that records the message.
type Quota struct {
	Tenant TenantID
	// Counter names what is counted, such as invitations/9 or address/9/jane@example.com: at most 300 bytes of any characters.
	Counter string
	// Limit is how many there may be in a day.
	Limit int64
	// Noun names what there are too many of, for the message: "invitations of this organization".
	Noun string
}

// Err returns the error for a quota that is used up at now: KindTooMany, with the time until the day ends.
func (q *Quota) Err(now time.Time) *Error {
	now = now.UTC()
	tomorrow := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, time.UTC)
	return &Error{Kind: KindTooMany, Message: "too many " + q.Noun + " today", RetryAfter: tomorrow.Sub(now)}
}
