package roster

import "time"

// Write is what a changing use case is told beside its input: for whom the write is stamped, and under which conditions it
// may happen. The zero Write has no conditions.
type Write struct {
	// Via names the way in, such as a dialect, and RequestID the request: both go into the Stamp.
	Via, RequestID string
	// ForwardedFor says who first asked, where the call was relayed; it goes into the Stamp.
	ForwardedFor string
	// Precondition, when not nil, must hold of the user as it stands when the change is decided (If-Match). Where it
	// does not, the use case is a KindPreconditionFailed error and nothing is written. Creations ignore it.
	Precondition func(*User) bool
	// Once, when not nil, makes a creation happen at most once (Idempotency-Key). Other changes ignore it.
	Once *Once
}

// Once makes a creation happen at most once in OnceFor: its record is written in the same transaction as what is created,
// and says what that was, so that the same request gets the first answer again. A request that created nothing, refused or
// answered with an account that was there already, leaves no record.
type Once struct {
	// Key is a hash over the caller (tenant, client and user), the operation and the key that the caller chose.
	Key [32]byte
	// Fingerprint is a hash of what the caller asked for, by which another request under the same key is told from the
	// same one. Requests hold passwords, so it is keyed with the caller's key, which is kept nowhere: a stolen
	// fingerprint cannot be tried against a list of passwords.
	Fingerprint [32]byte
}

// OnceFor is how long a Once holds.
const OnceFor = 24 * time.Hour

// Unprocessable returns the error for a request that is well-formed but contradicts an earlier one: an idempotency key
// used again with another body.
func Unprocessable(message string) *Error { return &Error{Kind: KindUnprocessable, Message: message} }

// OnceMismatch returns the error for a creation under a key whose record has another fingerprint.
func OnceMismatch() *Error {
	return Unprocessable("the idempotency key was used before, for another request")
}

// OnceStillRunning returns the conflict of a creation whose twin, under the same key, has not ended yet; cause is for the
// log. Trying again later gets the twin's answer.
func OnceStillRunning(cause error) *Error {
	return &Error{Kind: KindConflict, Message: "a request with this idempotency key is still running, try again shortly", Cause: cause}
}

// PreconditionFailed returns the error for a change whose Write.Precondition does not hold.
func PreconditionFailed(noun string) *Error {
	return &Error{Kind: KindPreconditionFailed, Message: "the " + noun + " is not in the state that If-Match asks for"}
}

// Taken returns the conflict of a name that must be unique and that somebody else holds: Taken("email", "the e-mail
// address a@b.example"). Fields names the field, which is how a caller of the store tells it from other conflicts.
func Taken(field, what string) *Error {
	return &Error{Kind: KindConflict, Message: what + " is taken", Fields: []FieldError{{Field: field, Message: "is taken"}}}
}

// LastAdmin returns the conflict of a change that would leave a tenant's root organization without an active Admin.
func LastAdmin() *Error {
	return Conflict("the last Admin of the root organization must stay Admin")
}
