package customers

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"

	"github.com/rosterhq/roster/internal/roster"
)

// An object id is 24 hex digits: four letters that name a kind, in ASCII, and the id as eight bytes, the most significant one
// first. So an id of one kind is never one of another, and none has to be stored.

// kind is the first four bytes of an object id.
type kind string

const (
	kindUser         kind = "user"
	kindOrganization kind = "orgn"
	kindRole         kind = "role"
	kindGroup        kind = "grup"
	kindPermission   kind = "perm"
)

const (
	kindBytes     = 4
	objectIDBytes = kindBytes + 8
)

// UserID returns the object id of a user.
func UserID(id roster.UserID) string { return objectID(kindUser, uint64(id)) }

// OrganizationID returns the object id of an organization: a customer, or the tenant, which is named by its root.
func OrganizationID(id roster.OrgID) string { return objectID(kindOrganization, uint64(id)) }

// RoleID returns the object id of a role.
func RoleID(id roster.RoleID) string { return objectID(kindRole, uint64(id)) }

// GroupID returns the object id of a group.
func GroupID(id roster.GroupID) string { return objectID(kindGroup, uint64(id)) }

// PermissionID returns the object id of the permission with that claim. Claims have no numbers, so its number is the beginning
// of the claim's SHA-256.
func PermissionID(claim string) string {
	sum := sha256.Sum256([]byte(claim))
	return objectID(kindPermission, binary.BigEndian.Uint64(sum[:]))
}

func objectID(k kind, id uint64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64([]byte(k), id))
}

// ParseUserID returns the user whose object id that is, with digits in upper or lower case. It reports false for every other
// text: an id of another kind, or of a user that cannot be.
func ParseUserID(text string) (roster.UserID, bool) {
	id, ok := parseObjectID(text, kindUser, uint64(roster.MaxUserID))
	return roster.UserID(id), ok
}

// ParseOrganizationID is ParseUserID for an organization.
func ParseOrganizationID(text string) (roster.OrgID, bool) {
	id, ok := parseObjectID(text, kindOrganization, math.MaxInt32)
	return roster.OrgID(id), ok
}

// ParseRoleID is ParseUserID for a role.
func ParseRoleID(text string) (roster.RoleID, bool) {
	id, ok := parseObjectID(text, kindRole, math.MaxInt32)
	return roster.RoleID(id), ok
}

// ParseGroupID is ParseUserID for a group.
func ParseGroupID(text string) (roster.GroupID, bool) {
	id, ok := parseObjectID(text, kindGroup, uint64(roster.MaxGroupID))
	return roster.GroupID(id), ok
}

// parseObjectID returns the number of an object id of that kind, from 1 to most.
func parseObjectID(text string, k kind, most uint64) (uint64, bool) {
	var data [objectIDBytes]byte
	if len(text) != hex.EncodedLen(objectIDBytes) {
		return 0, false
	}
	if _, err := hex.Decode(data[:], []byte(text)); err != nil || kind(data[:kindBytes]) != k {
		return 0, false
	}
	id := binary.BigEndian.Uint64(data[kindBytes:])
	if id < 1 || id > most {
		return 0, false
	}
	return id, true
}
