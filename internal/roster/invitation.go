package roster

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// Invitation is what one mail with a link offers to whoever reads the mail of an address: to take up an account, to make
// one, or to set a new password. It stands from when it is asked for until it is used, revoked or replaced by a newer one;
// there is one at a time in each place, see InvitationRef.
//
// Its link carries a token of 256 random bits. The token is made when the mail is (package delivery) and is in no item: a Link
// keeps its hash.
type Invitation struct {
	Tenant TenantID
	// ID is that of this mail: asking again makes a new one, and ends the links of those before.
	ID      InvitationID
	Purpose Purpose
	// Path is the organization that it is for: the user's own, or for PurposeSignUp the one below which the person's own
	// organization will be.
	Path OrgPath
	// User is who it is for, zero for PurposeSignUp.
	User  UserID
	Email Email
	// Locale is the language and region of the mail and of the page behind its link, such as pt_BR; empty for none asked for.
	Locale string
	// InvitedBy is the user who asked for it, zero for a program.
	InvitedBy UserID
	CreatedAt time.Time
	// ValidUntil is when its links end.
	ValidUntil time.Time

	Delivery Delivery
	// DeliveredAt is when Delivery last changed, zero while it is DeliveryQueued.
	DeliveredAt time.Time
	// MessageID is what the mail service calls the mail; empty before it is sent.
	MessageID string
	// Reason says why the mail was refused or came back, for people; it holds nothing secret.
	Reason string

	Revision Revision
}

// Org returns the organization that the invitation is for.
func (i *Invitation) Org() OrgID { return i.Path.Last() }

// Ref returns where the invitation stands.
func (i *Invitation) Ref() InvitationRef {
	ref := InvitationRef{Tenant: i.Tenant, Purpose: i.Purpose}
	if i.Purpose == PurposeSignUp {
		ref.Org, ref.Email = i.Org(), Email(i.Email.Key())
	} else {
		ref.User = i.User
	}
	return ref
}

// Expired reports whether the invitation's time is over at now.
func (i *Invitation) Expired(now time.Time) bool { return !now.Before(i.ValidUntil) }

// InvitationID identifies the mail of an invitation within a tenant: 53 bits, time-ordered, like UserID.
type InvitationID int64

// String returns the id in decimal.
func (id InvitationID) String() string { return UserID(id).String() }

// InvitationRef is the place of an invitation: a user has one for each purpose, and an address has one sign-up for each
// organization.
type InvitationRef struct {
	Tenant  TenantID
	Purpose Purpose
	// User is set unless Purpose is PurposeSignUp, Org and Email (its Key) only if it is.
	User  UserID
	Org   OrgID
	Email Email
}

// Purpose says what an invitation is for.
type Purpose uint8

// The purposes.
const (
	// PurposeInvite lets a Pending user take up the account that somebody made.
	PurposeInvite Purpose = iota + 1
	// PurposeSignUp lets a person make an account and an organization of their own.
	PurposeSignUp
	// PurposeReset lets a user set a new password.
	PurposeReset
)

var purposeNames = [...]string{PurposeInvite: "invite", PurposeSignUp: "sign-up", PurposeReset: "reset"}

// String returns the purpose's name, such as "sign-up".
func (p Purpose) String() string {
	if int(p) < len(purposeNames) {
		return purposeNames[p]
	}
	return ""
}

// ParsePurpose returns the purpose of that name.
func ParsePurpose(name string) (Purpose, bool) {
	for p, n := range purposeNames {
		if n != "" && n == name {
			return Purpose(p), true
		}
	}
	return 0, false
}

// Delivery says how far a message has come.
type Delivery uint8

// The deliveries.
const (
	// DeliveryQueued is a message that is recorded and not sent yet.
	DeliveryQueued Delivery = iota + 1
	// DeliverySent is one that the service has taken.
	DeliverySent
	// DeliveryRefused is one that the service will never take.
	DeliveryRefused
	// DeliveryBounced is a mail that came back for good.
	DeliveryBounced
	// DeliveryComplained is a mail whose reader reported it as unwanted.
	DeliveryComplained
	// DeliveryDropped is a message that there was no use in sending any more: its user is gone, or has no device.
	DeliveryDropped
)

var deliveryNames = [...]string{
	DeliveryQueued: "queued", DeliverySent: "sent", DeliveryRefused: "refused", DeliveryBounced: "bounced",
	DeliveryComplained: "complained", DeliveryDropped: "dropped",
}

// String returns the delivery's name, such as "queued".
func (d Delivery) String() string {
	if int(d) < len(deliveryNames) {
		return deliveryNames[d]
	}
	return ""
}

// ParseDelivery returns the delivery of that name.
func ParseDelivery(name string) (Delivery, bool) {
	for d, n := range deliveryNames {
		if n != "" && n == name {
			return Delivery(d), true
		}
	}
	return 0, false
}

// InvitationPage is a page of an organization's invitations, in id order.
type InvitationPage struct {
	Invitations []Invitation
	// Next is the id to go on after, zero on the last page.
	Next InvitationID
}

// Link is what a token leads to. Only the token's LinkHash finds it.
type Link struct {
	Ref InvitationRef
	// ID is that of the invitation as it was when the link was made: the link of an older one leads nowhere.
	ID InvitationID
	// ExpiresAt is the invitation's ValidUntil.
	ExpiresAt time.Time
}

// LinkHash is the SHA-256 of a token. A slow hash would add nothing to 256 random bits.
type LinkHash [32]byte

// linkTokenBytes is how long a token is before it is encoded.
const linkTokenBytes = 32

// NewLinkToken returns a new token, 43 characters of the URL-safe alphabet (RFC 4648, section 5), and its hash.
func NewLinkToken() (token string, hash LinkHash) {
	var random [linkTokenBytes]byte
	rand.Read(random[:])
	return base64.RawURLEncoding.EncodeToString(random[:]), sha256.Sum256(random[:])
}

// ParseLinkToken returns the hash of a token that NewLinkToken can have made, and false for any other text.
func ParseLinkToken(token string) (LinkHash, bool) {
	if len(token) != base64.RawURLEncoding.EncodedLen(linkTokenBytes) {
		return LinkHash{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder skips line breaks, so the length of what comes out is checked too.
	if err != nil || len(raw) != linkTokenBytes {
		return LinkHash{}, false
	}
	return sha256.Sum256(raw), true
}
