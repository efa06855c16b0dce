package roster

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
)

// TenantID identifies a tenant: one root organization and the tree below it. It is the id of that root organization, so
// it is unique in the whole system and needs no look-up table of its own.
type TenantID int32

// Root returns the id of the tenant's root organization.
func (t TenantID) Root() OrgID { return OrgID(t) }

// String returns the id in decimal.
func (t TenantID) String() string { return strconv.FormatInt(int64(t), 10) }

// OrgID identifies an organization: a random, positive 32-bit integer. Zero is no organization.
type OrgID int32

// String returns the id in decimal.
func (id OrgID) String() string { return strconv.FormatInt(int64(id), 10) }

// UserID identifies a user: a positive integer of at most 53 bits, so that it survives as a JSON number in every
// language, and time-ordered, so that ids sort by creation. Zero is no user. See NewUserID for its make-up.
type UserID int64

// MaxUserID is the largest id a user can have: 2^53-1, the largest integer a JSON number holds exactly (RFC 8259,
// section 6).
const MaxUserID UserID = 1<<53 - 1

// String returns the id in decimal.
func (id UserID) String() string { return strconv.FormatInt(int64(id), 10) }

// Time returns the moment the id was made, to the millisecond, for an id that an IDSource made.
func (id UserID) Time() time.Time {
	return time.UnixMilli(idEpoch + int64(id)>>sequenceBits).UTC()
}

// UserIDAt returns the id numbered sequence, from 0 to 4095, of the millisecond that t lies in: what an IDSource makes at
// t, for those who must give the same ids again. t must not be before 2024.
func UserIDAt(t time.Time, sequence int) UserID {
	return UserID((t.UnixMilli()-idEpoch)<<sequenceBits | int64(sequence)&(1<<sequenceBits-1))
}

// RoleID identifies a role within a tenant. 1 to 3 are the built-in roles; custom roles follow.
type RoleID int32

// String returns the id in decimal.
func (id RoleID) String() string { return strconv.FormatInt(int64(id), 10) }

// GroupID identifies a group of users within a tenant: 53 bits, like UserID.
type GroupID int64

// MaxGroupID is the largest id a group can have, for the reason that MaxUserID is.
const MaxGroupID GroupID = GroupID(MaxUserID)

// String returns the id in decimal.
func (id GroupID) String() string { return strconv.FormatInt(int64(id), 10) }

// WarehouseID identifies a warehouse within a tenant: 53 bits, like UserID.
type WarehouseID int64

// MaxWarehouseID is the largest id a warehouse can have, for the reason that MaxUserID is.
const MaxWarehouseID WarehouseID = WarehouseID(MaxUserID)

// String returns the id in decimal.
func (id WarehouseID) String() string { return strconv.FormatInt(int64(id), 10) }

// ClientID identifies an API client in the whole system.
type ClientID string

const (
	sequenceBits = 12
	// idEpoch is 2024-01-01T00:00:00Z in Unix milliseconds. 41 bits of milliseconds from here last until 2093.
	idEpoch = 1704067200000
)

// IDSource makes ids. Its zero value is ready to use, and safe for concurrent use.
type IDSource struct {
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Random yields random bytes; nil means crypto/rand.
	Random io.Reader

	mu       sync.Mutex
	last     int64 // milliseconds since idEpoch of the last user id, guarded by mu
	sequence int64 // of the last user id, guarded by mu
}

// NewUserID returns an id that this source has not returned before and that is larger than every id it returned
// earlier: 41 bits of milliseconds since 2024-01-01 UTC, then 12 bits that start at random in each millisecond and count
// up within the process. Two processes can still make the same id in the same millisecond, so whoever stores a new user
// does so on the condition that the id is free, and asks again when it is not.
func (s *IDSource) NewUserID() UserID {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UnixMilli() - idEpoch
	switch {
	case now > s.last:
		s.last, s.sequence = now, int64(s.random32()&(1<<sequenceBits-1))
	case s.sequence < 1<<sequenceBits-1:
		s.sequence++
	default:
		// The millisecond is full, or the clock stepped back: borrow from the next millisecond.
		s.last, s.sequence = s.last+1, 0
	}
	return UserID(s.last<<sequenceBits | s.sequence)
}

// NewInvitationID returns an id of the kind that NewUserID makes.
func (s *IDSource) NewInvitationID() InvitationID { return InvitationID(s.NewUserID()) }

// NewGroupID returns an id of the kind that NewUserID makes.
func (s *IDSource) NewGroupID() GroupID { return GroupID(s.NewUserID()) }

// NewWarehouseID returns an id of the kind that NewUserID makes.
func (s *IDSource) NewWarehouseID() WarehouseID { return WarehouseID(s.NewUserID()) }

// NewNotificationID returns an id of the kind that NewUserID makes.
func (s *IDSource) NewNotificationID() NotificationID { return NotificationID(s.NewUserID()) }

// NewOrgID returns a random positive id. Ids can collide: store the organization on the condition that the id is free.
func (s *IDSource) NewOrgID() OrgID {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if id := OrgID(s.random32() & 0x7fffffff); id > 0 {
			return id
		}
	}
}

func (s *IDSource) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *IDSource) random32() uint32 {
	source := s.Random
	if source == nil {
		source = rand.Reader
	}
	var b [4]byte
	if _, err := io.ReadFull(source, b[:]); err != nil {
		// crypto/rand never fails; a Random given by a test must not either.
		panic(fmt.Sprintf("roster: reading random bytes: %v", err))
	}
	return binary.BigEndian.Uint32(b[:])
}
