package workspace

import (
	"github.com/rosterhq/roster/internal/roster"
)

// This file is the one place of what the core's values are called here. Each word is shown, filtered by and sorted by: the three of
// them must say the same of every user.

// The words of this dialect.
const (
	roleAdmin    = "ADMIN"
	roleOperator = "OPERATOR"
	roleReadOnly = "READ_ONLY_API_KEY"

	deviceAPI     = "API"
	devicePSD     = "PSD"
	deviceSoftPSD = "SOFT_PSD"

	statusActive   = "ACTIVE"
	statusInactive = "INACTIVE"
)

// wireRole returns what the main role is called.
func wireRole(id roster.RoleID) string {
	switch id {
	case roster.RoleAdmin:
		return roleAdmin
	case roster.RoleUser:
		return roleReadOnly
	default:
		return roleOperator
	}
}

// roleFilter keeps the users whose role is called so.
func roleFilter(word string) roster.Filter {
	switch word {
	case roleAdmin:
		return comparison(roster.FieldMainRole, roster.Equal, int64(roster.RoleAdmin))
	case roleReadOnly:
		return comparison(roster.FieldMainRole, roster.Equal, int64(roster.RoleUser))
	default:
		return comparison(roster.FieldMainRole, roster.NotIn, int64(roster.RoleAdmin), int64(roster.RoleUser))
	}
}

// roleRanks puts the main roles into the order of what they are called.
func roleRanks() map[int64]int {
	return map[int64]int{int64(roster.RoleAdmin): -1, int64(roster.RoleUser): 1}
}

// wireStatus returns what the status is called.
func wireStatus(s roster.Status) string {
	if s == roster.StatusActive {
		return statusActive
	}
	return statusInactive
}

// statusFilter keeps the users whose status is called so.
func statusFilter(word string) roster.Filter {
	if word == statusActive {
		return comparison(roster.FieldStatus, roster.Equal, int64(roster.StatusActive))
	}
	return comparison(roster.FieldStatus, roster.NotEqual, int64(roster.StatusActive))
}

// statusRanks puts the statuses into the order of what they are called.
func statusRanks() map[int64]int { return map[int64]int{int64(roster.StatusActive): -1} }

// wireDeviceType returns what the device type is called.
func wireDeviceType(d roster.DeviceType) string {
	switch d {
	case roster.DeviceTypeAPI:
		return deviceAPI
	case roster.DeviceTypePSD:
		return devicePSD
	default:
		return deviceSoftPSD
	}
}

// deviceTypeFilter keeps the users whose device type is called so.
func deviceTypeFilter(word string) roster.Filter {
	switch word {
	case deviceAPI:
		return comparison(roster.FieldDeviceType, roster.Equal, int64(roster.DeviceTypeAPI))
	case devicePSD:
		return comparison(roster.FieldDeviceType, roster.Equal, int64(roster.DeviceTypePSD))
	default:
		return comparison(roster.FieldDeviceType, roster.NotIn, int64(roster.DeviceTypeAPI), int64(roster.DeviceTypePSD))
	}
}

// idsFilter keeps the users who have one of the ids.
func idsFilter(ids []string) roster.Filter {
	numbers := make([]int64, 0, len(ids))
	for _, text := range ids {
		if id, ok := ParseUserID(text); ok {
			numbers = append(numbers, int64(id))
		}
	}
	return comparison(roster.FieldID, roster.In, numbers...)
}

func comparison(f roster.Field, o roster.Operator, numbers ...int64) roster.Filter {
	values := make([]roster.Value, len(numbers))
	for i, n := range numbers {
		values[i].Number = n
	}
	return roster.Filter{Field: f, Operator: o, Values: values}
}

// wireSort returns the sort keys of a value of sortBy.
func wireSort(by, order string) []roster.Sort {
	key := roster.Sort{Descending: order == "desc"}
	switch by {
	case "name":
		key.Field = roster.FieldName
	case "role":
		key.Field, key.Ranks = roster.FieldMainRole, roleRanks()
	case "status":
		key.Field, key.Ranks = roster.FieldStatus, statusRanks()
	case "updatedAt":
		key.Field = roster.FieldUpdatedAt
	default:
		key.Field = roster.FieldCreatedAt
	}
	return []roster.Sort{key}
}
