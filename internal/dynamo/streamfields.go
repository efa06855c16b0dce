package dynamo

import (
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// field is one field of a noun as text, under the core's name.
type field struct{ name, text string }

// differences returns the fields whose text differs in two listings of the same noun's fields.
func differences(before, after []field) []roster.FieldChange {
	var changes []roster.FieldChange
	for i := range after {
		if before[i].text != after[i].text {
			changes = append(changes, roster.FieldChange{Field: after[i].name, Old: before[i].text, New: after[i].text})
		}
	}
	return changes
}

// userFields lists what somebody can change about a user. When and by whom it was written, its last login and its deletion
// are told by the entry itself or not at all.
func userFields(u *roster.User) []field {
	return []field{
		{"organization", idText(u.Org())},
		{"email", string(u.Email)},
		{"emailBounced", flagText(u.EmailBounced)},
		{"emailComplained", flagText(u.EmailComplained)},
		{"name", u.Name},
		{"givenName", u.GivenName},
		{"familyName", u.FamilyName},
		{"nickname", u.Nickname},
		{"username", u.Username},
		{"title", u.Title},
		{"phoneNumber", u.PhoneNumber},
		{"address", u.Address.Full},
		{"country", u.Address.Country},
		{"city", u.Address.City},
		{"state", u.Address.State},
		{"zip", u.Address.Zip},
		{"timeZone", u.TimeZone},
		{"locale", u.Locale},
		{"roles", idsText(u.Roles)},
		{"status", u.Status.String()},
		{"developer", flagText(u.Developer)},
		{"darkMode", flagText(u.DarkMode)},
		{"devices", idText(u.DeviceCount)},
		{"seniority", u.Seniority},
		{"department", u.Department},
		{"office", u.Office},
		{"subdepartment", u.Subdepartment},
		{"pod", u.Pod},
		{"groups", idsText(u.Groups)},
		{"superDelegate", flagText(u.SuperDelegate)},
		{"superDelegatePermissions", strings.Join(u.SuperDelegatePermissions, ",")},
		{"delegates", delegatesText(u.Delegates)},
		{"identities", identitiesText(u.Identities)},
		{"deviceType", u.DeviceType.String()},
		{"deviceUserId", u.DeviceUserID},
		{"publicKey", u.PublicKey},
		{"viewAll", flagText(u.ViewAll)},
		{"loginViaBadge", flagText(u.LoginViaBadge)},
		{"defaultWarehouse", idText(u.DefaultWarehouse)},
		{"registeredAt", timeText(u.RegisteredAt)},
	}
}

func organizationFields(o *roster.Organization) []field {
	return []field{{"name", o.Name}, {"parent", idText(o.Parent())}, {"deletedAt", timeText(o.DeletedAt)}}
}

func roleFields(r *roster.Role) []field {
	return []field{{"name", r.Name}, {"permissions", strings.Join(r.Permissions.Names(), ",")}, {"deletedAt", timeText(r.DeletedAt)}}
}

func warehouseFields(w *roster.Warehouse) []field {
	return []field{{"name", w.Name}, {"active", flagText(w.Active)}, {"deletedAt", timeText(w.DeletedAt)}}
}

func clientFields(c *image) []field {
	path, _ := appendPath(nil, c.path)
	return []field{{"name", c.user.Name}, {"organization", idText(path.Last())}, {"serviceUser", idText(c.serviceUser)}, {"integration", flagText(c.integration)}}
}

func tokenFields(t *image) []field {
	return []field{{"name", t.user.Name}, {"client", t.clientID}, {"expiresAt", timeText(t.validUntil)}}
}

// idText returns a number in decimal, and nothing for zero, which is no id.
func idText[ID ~int | ~int32 | ~int64](id ID) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(int64(id), 10)
}

func idsText[ID ~int32 | ~int64](ids []ID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(int64(id), 10)
	}
	return strings.Join(texts, ",")
}

// flagText returns "true", and nothing for false, as what is not set.
func flagText(flag bool) string {
	if flag {
		return "true"
	}
	return ""
}

func timeText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// delegatesText returns delegates as in 42:READ+WRITE,43:READ.
func delegatesText(delegates []roster.Delegate) string {
	texts := make([]string, len(delegates))
	for i, d := range delegates {
		texts[i] = d.User.String() + ":" + strings.Join(d.Permissions, "+")
	}
	return strings.Join(texts, ",")
}

// identitiesText returns identities as in azure:jane,badge:4711.
func identitiesText(identities []roster.Identity) string {
	texts := make([]string, len(identities))
	for i, d := range identities {
		texts[i] = d.Type + ":" + d.Value
	}
	return strings.Join(texts, ",")
}
