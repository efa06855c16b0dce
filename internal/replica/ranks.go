package replica

import (
	"slices"
	"sync"

	"github.com/rosterhq/roster/internal/roster"
)

// names are what the numbers of a dictionary stand for by the tenant's organizations and roles, and how they rank in the
// sort orders of fields that have few different values; and the warehouses, which users have by their ids. It is made anew
// when any of these change; ranks are worked out when first asked for.
type names struct {
	values
	organizations map[roster.OrgID]roster.Organization
	roles         map[roster.RoleID]roster.Role
	warehouses    map[roster.WarehouseID]roster.Warehouse

	once  [fields]sync.Once
	ranks [fields][]uint32
	list  organizationList
}

// ranked reports whether a field is sorted by ranks: it has few different values, so passing over the matching rows
// once or twice finds any page.
func ranked(f roster.Field) bool {
	switch f {
	case roster.FieldCountry, roster.FieldStatus, roster.FieldRole, roster.FieldMainRole, roster.FieldOrg, roster.FieldDepth, roster.FieldDeviceType:
		return true
	default:
		return false
	}
}

// ranksOf returns the rank of each dictionary entry that the field's column refers to.
func (n *names) ranksOf(f roster.Field) []uint32 {
	n.once[f].Do(func() {
		switch f {
		case roster.FieldCountry:
			n.ranks[f] = rankTexts(len(n.countries), func(i int) string { return n.countries[i] })
		case roster.FieldRole:
			n.ranks[f] = rankTexts(len(n.roleSets), n.mainRoleName)
		case roster.FieldMainRole:
			n.ranks[f] = n.rankMainRoles(func(id roster.RoleID) int64 { return int64(id) })
		case roster.FieldOrg:
			n.ranks[f] = rankTexts(len(n.places), func(i int) string { return n.organizations[n.places[i].Last()].Name })
		case roster.FieldDepth:
			n.ranks[f] = make([]uint32, len(n.places))
			for i, path := range n.places {
				n.ranks[f][i] = uint32(len(path))
			}
		}
	})
	return n.ranks[f]
}

func (n *names) mainRoleName(roleSet int) string {
	role, _ := n.role(n.mainRole(roleSet))
	return role.Name
}

// mainRole returns the first role of a set, zero for the set of none.
func (n *names) mainRole(roleSet int) roster.RoleID {
	if len(n.roleSets[roleSet]) == 0 {
		return 0
	}
	return n.roleSets[roleSet][0]
}

// rankMainRoles returns for each set of roles how many different values are smaller than that of its main role.
func (n *names) rankMainRoles(value func(roster.RoleID) int64) []uint32 {
	values := make([]int64, len(n.roleSets))
	for i := range values {
		values[i] = value(n.mainRole(i))
	}
	return rankNumbers(values)
}

// rankNumbers returns for each number how many different ones are smaller.
func rankNumbers(numbers []int64) []uint32 {
	order := slices.Clone(numbers)
	slices.Sort(order)
	order = slices.Compact(order)
	ranks := make([]uint32, len(numbers))
	for i, n := range numbers {
		rank, _ := slices.BinarySearch(order, n)
		ranks[i] = uint32(rank)
	}
	return ranks
}

// role returns the role with that id, built-in or the tenant's own.
func (n *names) role(id roster.RoleID) (roster.Role, bool) {
	if role, ok := roster.BuiltinRole(id); ok {
		return role, true
	}
	role, ok := n.roles[id]
	return role, ok
}

// standingRole returns the role with that id, built-in or the tenant's own, if it has not been deleted.
func (n *names) standingRole(id roster.RoleID) (roster.Role, bool) {
	role, ok := n.role(id)
	return role, ok && role.DeletedAt.IsZero()
}

// rankTexts returns for each of count texts how many different folded texts are smaller.
func rankTexts(count int, text func(int) string) []uint32 {
	folded := make([]string, count)
	order := make([]int, count)
	for i := range folded {
		folded[i] = roster.Fold(text(i))
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if folded[a] < folded[b] {
			return -1
		}
		if folded[a] > folded[b] {
			return 1
		}
		return 0
	})
	ranks := make([]uint32, count)
	rank := uint32(0)
	for i, n := range order {
		if i > 0 && folded[n] != folded[order[i-1]] {
			rank++
		}
		ranks[n] = rank
	}
	return ranks
}

// bytes estimates the memory that organizations, roles and warehouses take.
func (n *names) bytes() int64 {
	total := int64(0)
	for _, o := range n.organizations {
		total += 256 + int64(len(o.Name)+4*len(o.Path))
	}
	for _, r := range n.roles {
		total += 256 + int64(len(r.Name))
	}
	for _, w := range n.warehouses {
		total += 256 + int64(len(w.Name))
	}
	return total
}
