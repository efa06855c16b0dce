package roster

import (
	"strconv"
	"time"
)

// Permit lets one request of an organization through, and says how the organization stands.
type Permit struct {
	// Limit is how many requests the organization may make in a minute (UTC, by the clock).
	Limit int64
	// Remaining is how many it has left in this minute, as far as is known to who gave the permit.
	Remaining int64
	// Reset is how long the minute lasts yet: more than zero, a minute at most.
	Reset time.Duration
}

// The headers of an answer that say how the organization stands that asked (CONTRACT 3.7).
const (
	HeaderRateLimit     = "X-RateLimit-Limit"
	HeaderRateRemaining = "X-RateLimit-Remaining"
	HeaderRateReset     = "X-RateLimit-Reset"
)

// Headers puts the headers into those of an answer. The time until the minute is over is given in seconds, not as a time of the day,
// so that it does not depend on the caller's clock; it is what Retry-After says when nothing remains.
func (p *Permit) Headers(header map[string][]string) {
	// Under their names as net/http writes them, in which case counts for nothing (RFC 9110, section 5.1), and out of one array: every
	// answer has them.
	values := []string{strconv.FormatInt(p.Limit, 10), strconv.FormatInt(p.Remaining, 10), WholeSeconds(p.Reset)}
	header["X-Ratelimit-Limit"] = values[0:1:1]
	header["X-Ratelimit-Remaining"] = values[1:2:2]
	header["X-Ratelimit-Reset"] = values[2:3:3]
}

// WholeSeconds returns a time to wait in seconds, rounded up, 1 at least: the form of Retry-After (RFC 9110, section 10.2.3).
func WholeSeconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
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
