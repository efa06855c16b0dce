package replica

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// model is what a replica must answer like: all nouns in maps, and a plain loop for each query. It shares no code with the
// package under test.
type model struct {
	users         map[roster.UserID]roster.User
	organizations map[roster.OrgID]roster.Organization
	roles         map[roster.RoleID]roster.Role
	warehouses    map[roster.WarehouseID]roster.Warehouse
}

func newModel() *model {
	return &model{
		map[roster.UserID]roster.User{}, map[roster.OrgID]roster.Organization{}, map[roster.RoleID]roster.Role{},
		map[roster.WarehouseID]roster.Warehouse{},
	}
}

// learn takes in a change if it is newer than what is known.
func (m *model) learn(c roster.Change) {
	switch {
	case c.User != nil:
		if c.User.Revision.Version > m.users[c.User.ID].Revision.Version {
			u := *c.User.Clone()
			u.Revision.Stamp = roster.Stamp{}
			m.users[u.ID] = u
		}
	case c.Organization != nil:
		if c.Organization.Revision.Version > m.organizations[c.Organization.ID].Revision.Version {
			m.organizations[c.Organization.ID] = *c.Organization
		}
	case c.Role != nil:
		if c.Role.Revision.Version > m.roles[c.Role.ID].Revision.Version {
			m.roles[c.Role.ID] = *c.Role
		}
	case c.Warehouse != nil:
		if c.Warehouse.Revision.Version > m.warehouses[c.Warehouse.ID].Revision.Version {
			known := *c.Warehouse
			known.Revision.Stamp = roster.Stamp{}
			m.warehouses[known.ID] = known
		}
	}
}

// search answers the query at now.
func (m *model) search(q roster.Query, now time.Time) roster.UserPage {
	var found []roster.User
	for _, u := range m.users {
		if m.matches(&q, &u, now) {
			found = append(found, u)
		}
	}
	slices.SortFunc(found, func(a, b roster.User) int { return m.compare(q.Sort, &a, &b, now) })
	from, to := modelWindow(&q, found)
	page := roster.UserPage{Users: found[from:to], Total: len(found), Before: from > 0, After: to < len(found)}
	if page.After {
		page.Next = found[to].ID
	}
	return page
}

// user returns the user with that id who stands at now.
func (m *model) user(id roster.UserID, now time.Time) (roster.User, bool) {
	u, ok := m.users[id]
	if !ok || u.Deleted() || u.Expired(now) {
		return roster.User{}, false
	}
	return u, true
}

// warehouse returns the warehouse with that id that stands.
func (m *model) warehouse(id roster.WarehouseID) (roster.Warehouse, bool) {
	w, ok := m.warehouses[id]
	if !ok || !w.DeletedAt.IsZero() {
		return roster.Warehouse{}, false
	}
	return w, true
}

// delegators returns the users who stand at now and have that user among their delegates, in id order.
func (m *model) delegators(id roster.UserID, now time.Time) []roster.UserID {
	var found []roster.UserID
	for other, u := range m.users {
		is := func(d roster.Delegate) bool { return d.User == id }
		if _, ok := m.user(other, now); ok && slices.ContainsFunc(u.Delegates, is) {
			found = append(found, other)
		}
	}
	slices.Sort(found)
	return found
}

// clone returns a copy that keeps what m knows while m learns.
func (m *model) clone() *model {
	return &model{maps.Clone(m.users), maps.Clone(m.organizations), maps.Clone(m.roles), maps.Clone(m.warehouses)}
}

func modelWindow(q *roster.Query, found []roster.User) (from, to int) {
	p := q.Page
	if p.Start == 0 && p.End == 0 {
		from = min(p.Offset, len(found))
		return from, min(from+p.Limit, len(found))
	}
	descending := len(q.Sort) > 0 && q.Sort[0].Descending
	position := func(id roster.UserID) int {
		n := 0
		for _, u := range found {
			if !descending && u.ID < id || descending && u.ID > id {
				n++
			}
		}
		return n
	}
	end := len(found)
	if p.End != 0 {
		end = position(p.End)
	}
	if p.Start == 0 {
		return max(0, end-p.Limit), end
	}
	from = position(p.Start)
	return from, max(from, min(from+p.Limit, end))
}

func (m *model) matches(q *roster.Query, u *roster.User, now time.Time) bool {
	if u.Expired(now) || u.Deleted() != (q.Deleted == roster.OnlyDeleted) {
		return false
	}
	if q.Scope.Org != 0 && !modelReaches(q.Scope, u) {
		return false
	}
	if q.Text != "" {
		text := roster.Fold(q.Text)
		if !strings.Contains(roster.Fold(u.Name), text) && !strings.Contains(roster.Fold(u.Nickname), text) && !strings.Contains(roster.Fold(string(u.Email)), text) {
			return false
		}
	}
	for i := range q.Filters {
		if !m.holds(&q.Filters[i], u, now) {
			return false
		}
	}
	return true
}

func modelReaches(s roster.Scope, u *roster.User) bool {
	if u.Org() == s.Org {
		return !s.BelowOnly
	}
	return (s.Subtree || s.BelowOnly) && u.Path.Contains(s.Org)
}

func (m *model) holds(f *roster.Filter, u *roster.User, now time.Time) bool {
	if len(f.All) > 0 {
		return !slices.ContainsFunc(f.All, func(f roster.Filter) bool { return !m.holds(&f, u, now) })
	}
	if len(f.Any) > 0 {
		return slices.ContainsFunc(f.Any, func(f roster.Filter) bool { return m.holds(&f, u, now) })
	}
	switch f.Operator {
	case roster.NotEqual:
		return !m.holds(&roster.Filter{Field: f.Field, Operator: roster.Equal, Values: f.Values}, u, now)
	case roster.NotIn:
		return !m.holds(&roster.Filter{Field: f.Field, Operator: roster.In, Values: f.Values}, u, now)
	case roster.IsNotNull:
		return !m.holds(&roster.Filter{Field: f.Field, Operator: roster.IsNull}, u, now)
	case roster.In:
		return slices.ContainsFunc(f.Values, func(v roster.Value) bool {
			return m.holds(&roster.Filter{Field: f.Field, Operator: roster.Equal, Values: []roster.Value{v}}, u, now)
		})
	}
	switch f.Field.Type() {
	case roster.TextField:
		return textHolds(f, textOf(f.Field, u))
	case roster.TimeField:
		return timeHolds(f, timeOf(f.Field, u))
	default:
		return numberHolds(f, u, now)
	}
}

func textOf(f roster.Field, u *roster.User) string {
	switch f {
	case roster.FieldName:
		return u.Name
	case roster.FieldEmail:
		return string(u.Email)
	case roster.FieldUsername:
		return u.Username
	case roster.FieldPhoneNumber:
		return u.PhoneNumber
	default:
		return u.Address.Country
	}
}

func timeOf(f roster.Field, u *roster.User) time.Time {
	switch f {
	case roster.FieldCreatedAt:
		return u.CreatedAt
	case roster.FieldUpdatedAt:
		return u.UpdatedAt
	case roster.FieldRegisteredAt:
		return u.RegisteredAt
	default:
		return u.LastLoginAt
	}
}

func textHolds(f *roster.Filter, text string) bool {
	if f.Operator == roster.IsNull {
		return text == ""
	}
	v := f.Values[0].Text
	switch f.Operator {
	case roster.Equal:
		if f.Field == roster.FieldEmail {
			return roster.Email(text).Key() == roster.Email(v).Key()
		}
		return text == v
	case roster.HasPrefix:
		return strings.HasPrefix(roster.Fold(text), roster.Fold(v))
	case roster.Matches:
		return regexp.MustCompile(v).MatchString(text)
	}
	return ordered(f.Operator, strings.Compare(roster.Fold(text), roster.Fold(v)))
}

func ordered(o roster.Operator, c int) bool {
	switch o {
	case roster.Equal:
		return c == 0
	case roster.Less:
		return c < 0
	case roster.LessOrEqual:
		return c <= 0
	case roster.Greater:
		return c > 0
	default:
		return c >= 0
	}
}

func timeHolds(f *roster.Filter, t time.Time) bool {
	if f.Operator == roster.IsNull {
		return t.IsZero()
	}
	if t.IsZero() {
		return f.Operator == roster.Less || f.Operator == roster.LessOrEqual
	}
	return ordered(f.Operator, cmp.Compare(t.UnixMilli(), f.Values[0].Number))
}

func numberHolds(f *roster.Filter, u *roster.User, now time.Time) bool {
	if f.Operator == roster.IsNull {
		return false
	}
	v := f.Values[0].Number
	if f.Field == roster.FieldRole {
		return slices.ContainsFunc(u.Roles, func(r roster.RoleID) bool { return ordered(f.Operator, cmp.Compare(int64(r), v)) })
	}
	return ordered(f.Operator, cmp.Compare(numberField(f.Field, u, now), v))
}

func numberField(f roster.Field, u *roster.User, now time.Time) int64 {
	switch f {
	case roster.FieldID:
		return int64(u.ID)
	case roster.FieldStatus:
		return int64(u.StatusAt(now))
	case roster.FieldRole, roster.FieldMainRole:
		return int64(u.Role())
	case roster.FieldOrg:
		return int64(u.Org())
	case roster.FieldDepth:
		return int64(len(u.Path))
	case roster.FieldDevices:
		return int64(u.DeviceCount)
	default:
		return int64(u.DeviceType)
	}
}

func (m *model) compare(keys []roster.Sort, a, b *roster.User, now time.Time) int {
	for _, k := range keys {
		c := m.compareField(k.Field, a, b, now)
		if k.Ranks != nil {
			c = cmp.Compare(k.Ranks[numberField(k.Field, a, now)], k.Ranks[numberField(k.Field, b, now)])
		}
		if k.Descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(a.ID, b.ID)
}

func (m *model) compareField(f roster.Field, a, b *roster.User, now time.Time) int {
	switch f {
	case roster.FieldRole:
		return strings.Compare(m.roleName(a), m.roleName(b))
	case roster.FieldOrg:
		return strings.Compare(roster.Fold(m.organizations[a.Org()].Name), roster.Fold(m.organizations[b.Org()].Name))
	case roster.FieldStatus:
		return strings.Compare(a.StatusAt(now).String(), b.StatusAt(now).String())
	}
	switch f.Type() {
	case roster.TextField:
		return bytes.Compare([]byte(roster.Fold(textOf(f, a))), []byte(roster.Fold(textOf(f, b))))
	case roster.TimeField:
		return timeOf(f, a).Compare(timeOf(f, b))
	default:
		return cmp.Compare(numberField(f, a, now), numberField(f, b, now))
	}
}

func (m *model) roleName(u *roster.User) string {
	if r, ok := roster.BuiltinRole(u.Role()); ok {
		return roster.Fold(r.Name)
	}
	return roster.Fold(m.roles[u.Role()].Name)
}

// The extreme values of a comparison, which must do no harm.
var extremes = []int64{math.MinInt64, math.MaxInt64, 0, -1, 1, yearOne, yearOne + 1}
