package main

import (
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

// class is a kind of query. Engines answer it with the exact total and the ids of one page.
type class struct {
	group, name string
	text        string
	// column is the field sorted by, in SQL the column of that name; ties are by id.
	column     roster.Field
	descending bool
	offset     int
	// branch keeps the users of an organization below the root and everything below it.
	branch roster.OrgID
	// staff keeps the users whose main role is Staff and whose status shows as Active.
	staff bool
}

const pageSize = 50

// needles are the mix of needles by which the replica was designed: common, rare and absent, of 1 to 8 bytes.
var needles = []string{"a", "q", "an", "qx", "ann", "xav", "qqq", "smith", "quist", "anaxi", ".example", "reyes123"}

// classes returns the queries to measure, in groups.
func classes(p *people.Population, users int) []class {
	var list []class
	deep := users * 3 / 40
	for _, offset := range []int{0, deep} {
		for _, text := range needles {
			list = append(list, class{group: fmt.Sprintf("text by name, offset %d", offset), name: text, text: text, column: roster.FieldName, offset: offset})
		}
	}
	branch := p.Organizations()[1].ID
	filtered := []class{
		{name: "branch", branch: branch},
		{name: "staff", staff: true},
		{name: "branch+an", branch: branch, text: "an"},
		{name: "staff+an", staff: true, text: "an"},
		{name: "branch+staff+an", branch: branch, staff: true, text: "an"},
	}
	for _, c := range filtered {
		c.group, c.column = "filters by name, offset 0", roster.FieldName
		list = append(list, c)
	}
	for _, field := range []roster.Field{roster.FieldName, roster.FieldEmail, roster.FieldCreatedAt, roster.FieldLastLoginAt, roster.FieldOrg, roster.FieldStatus} {
		for _, descending := range []bool{false, true} {
			name := field.String()
			if descending {
				name += " desc"
			}
			list = append(list, class{group: fmt.Sprintf("everybody sorted, offset %d", deep), name: name, column: field, descending: descending, offset: deep})
		}
	}
	return list
}

// filtered reports whether the class keeps only some of the users, whatever text they hold.
func (c *class) filtered() bool { return c.branch != 0 || c.staff }

// query returns the class as the replica takes it.
func (c *class) query() roster.Query {
	q := roster.Query{
		Text: c.text,
		Sort: []roster.Sort{{Field: c.column, Descending: c.descending}},
		Page: roster.Page{Limit: pageSize, Offset: c.offset},
	}
	if c.branch != 0 {
		q.Scope = roster.Scope{Org: c.branch, Subtree: true}
	}
	if c.staff {
		q.Filters = []roster.Filter{
			{Field: roster.FieldStatus, Operator: roster.Equal, Values: []roster.Value{{Number: int64(roster.StatusActive)}}},
			{Field: roster.FieldRole, Operator: roster.Equal, Values: []roster.Value{{Number: int64(roster.RoleStaff)}}},
		}
	}
	return q
}

// row is a user as the databases hold it: what is searched, filtered and sorted by, made ready, so that they have no more
// to do for a row than the replica has.
type row struct {
	id     int64
	text   string // name, nickname and e-mail, folded, with a control character between
	name   string // folded
	email  string // folded
	branch int64  // the organization below the root that the user is in or below, 0 for the root
	status int64  // as it shows
	role   int64
	org    string // the organization's folded name
	// created and login are Unix milliseconds, -1 for never.
	created, login int64
}

// rows calls visit for each user of the population.
func rows(p *people.Population, visit func(row) error) error {
	names := map[roster.OrgID]string{}
	for _, o := range p.Organizations() {
		names[o.ID] = roster.Fold(o.Name)
	}
	for u := range p.Users() {
		name, email := roster.Fold(u.Name), roster.Fold(string(u.Email))
		r := row{
			id: int64(u.ID), text: name + "\x01" + roster.Fold(u.Nickname) + "\x01" + email, name: name, email: email,
			status: int64(u.StatusAt(madeFor)), role: int64(u.Role()), org: names[u.Org()],
			created: u.CreatedAt.UnixMilli(), login: -1,
		}
		if len(u.Path) > 1 {
			r.branch = int64(u.Path[1])
		}
		if !u.LastLoginAt.IsZero() {
			r.login = u.LastLoginAt.UnixMilli()
		}
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

// sqlColumn returns the column that holds a field.
func sqlColumn(f roster.Field) string {
	switch f {
	case roster.FieldName:
		return "name"
	case roster.FieldEmail:
		return "email"
	case roster.FieldCreatedAt:
		return "created"
	case roster.FieldLastLoginAt:
		return "login"
	case roster.FieldOrg:
		return "org"
	default:
		return "status"
	}
}

// sql returns the WHERE and ORDER BY of the class, and the parameters that placeholder numbers from 1.
func (c *class) sql(placeholder func(int) string) (where, order string, parameters []any) {
	where = "TRUE"
	add := func(condition string, value any) {
		parameters = append(parameters, value)
		where += " AND " + condition + placeholder(len(parameters))
	}
	if c.text != "" {
		add("text LIKE ", "%"+c.text+"%")
	}
	if c.branch != 0 {
		add("branch = ", int64(c.branch))
	}
	if c.staff {
		add("status = ", int64(roster.StatusActive))
		add("role = ", int64(roster.RoleStaff))
	}
	order = sqlColumn(c.column)
	if c.descending {
		order += " DESC"
	}
	return where, order + ", id", parameters
}
