package roster

import "time"

// Permit lets one request of an organization through, and says how the organization stands.
type Permit struct {
	// Limit is how many requests the organization may make in a minute (UTC, by the clock).
	Limit int64
	// Remaining is how many it has left in this minute, as far as is known to who gave the permit.
	Remaining int64
	// Reset is how long the minute lasts yet: more than zero, a minute at most.
	Reset time.Duration
}

// PermitLease asks for permits that are worth something in one minute only.
type PermitLease struct {
	Tenant TenantID
	Org    OrgID
	// Minute is the beginning of the minute, in UTC.
	Minute time.Time
	// Permits is how many are asked for, 1 or more, and Limit how many there are in the minute for everybody together.
	Permits, Limit int64
}

// TooManyRequests returns the error for a request that gets no permit before reset has passed.
func TooManyRequests(reset time.Duration) *Error {
	return &Error{Kind: KindTooMany, Message: "too many requests of this organization", RetryAfter: reset}
}
