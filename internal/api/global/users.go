package global

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

type listInput struct {
	Type                     string   `path:"type" enum:"any,organization,client" doc:"The users to choose from: any, those of the organization, or those of its clients"`
	Fields                   []string `query:"fields" enum:"all,basic,type,id,name,email,username,is_active,roles,login_via_badge,default_warehouse,merchant,created_at,last_login_at" example:"[\"roles\",\"created_at\"]" doc:"Optional fields of OrganizationUser and ClientUser to show beside the basic ones, or all of them"`
	FieldsOfRoles            []string `query:"fields:roles" enum:"all,basic,type,id,name,permissions" example:"[\"basic\"]" doc:"Fields of OrganizationRole and ClientRole: include the roles that users refer to"`
	FieldsOfDefaultWarehouse []string `query:"fields:default_warehouse" enum:"all,basic,type,id,name,is_active" example:"[\"all\"]" doc:"Fields of Warehouse: include the warehouses that users refer to"`
	FieldsOfMerchant         []string `query:"fields:merchant" enum:"all,basic,type,id,name,is_active,is_deleted,created_at" example:"[\"all\"]" doc:"Fields of Merchant: include the clients that users refer to"`
	IsDeleted                bool     `query:"is_deleted" default:"false" doc:"true for deleted users, and no others, until they are gone for good"`
	Deleted                  bool     `query:"deleted" default:"false" doc:"Another name of is_deleted"`
	Filter                   []string `query:"filter,explode" minLength:"1" maxLength:"16384" example:"[\"is_active:true\",\"created_at{from:'2024-01-01',to:'2024-01-31'}\"]" doc:"Conditions that must all hold: key:value, or a key with an object of operators in JSON5, all of which must hold, or with an array of such objects, one of which must. The keys are id, name, email, username, is_active, created_at and last_login_at"`
	Sort                     []string `query:"sort" enum:"id,-id,username,-username,created_at,-created_at,last_login_at,-last_login_at,email,-email" example:"[\"-last_login_at\",\"id\"]" doc:"Keys to sort by, the most significant first, with - for descending; -id if absent. Users who are equal by all of them come by id"`
	Count                    int      `query:"count" minimum:"0" maximum:"1" default:"0" doc:"1 for the number of all users who match, as meta.count"`
	CursorEnd                int64    `query:"cursor_end" minimum:"1" maximum:"9007199254740991" example:"4810363371521" doc:"Where the page ends, exclusive. Alone it asks for the users directly before. For users sorted by id"`
	CursorStart              int64    `query:"cursor_start" minimum:"1" maximum:"9007199254740991" example:"4810363371520" doc:"Where the page begins, inclusive. For users sorted by id. No user needs to have that id"`
	Limit                    int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many users to return at most"`
}

func (in *listInput) deleted() bool { return in.IsDeleted || in.Deleted }

// UserList is a page of users.
type UserList struct {
	Collection []User    `json:"collection" nullable:"false" doc:"The users, at most limit of them"`
	Included   *Included `json:"included,omitempty" doc:"What the users refer to, each object once; absent unless fields of it are asked for"`
	HasMore    bool      `json:"has_more" doc:"Whether there are more users in the direction of the walk: towards the front for a request with cursor_end alone, and towards the back otherwise"`
	Next       *string   `json:"next" nullable:"true" doc:"Resource path of the page behind; null if there is none, or if users are not sorted by id"`
	Previous   *string   `json:"previous" nullable:"true" doc:"Resource path of the page before; null if there is none, or if users are not sorted by id"`
	Meta       Meta      `json:"meta" doc:"About the answer"`
}

// Meta is about an answer.
type Meta struct {
	ProcessingTime float64 `json:"processing_time" minimum:"0" doc:"Seconds that it took to make the answer"`
	CursorStart    *int64  `json:"cursor_start" nullable:"true" doc:"Id of the first user of the page; null for a page without users"`
	CursorEnd      *int64  `json:"cursor_end" nullable:"true" doc:"Id of the last user of the page; null for a page without users"`
	Count          *int    `json:"count,omitempty" minimum:"0" doc:"How many users match in all, whatever the page; only with count=1"`
}

type listOutput struct{ Body UserList }

func listOperation() api.Operation {
	return api.Operation{
		ID: "listUsers", Method: http.MethodGet, Path: usersPath + "/{type}", Tag: tagUsers,
		Summary: "List users",
		Description: "A page of the users of the organization, of its clients, or of both, the latest first unless sort says otherwise. " +
			"A user-scoped caller needs the permission ORG_VIEW_USERS.",
		Success: "The users, and where the pages around them are",
		Example: exampleList(),
		Errors:  errorsOfList(),
	}
}

// reaches has what the types of users in the path are.
var reaches = map[string]directory.Reach{"any": directory.OwnAndBelow, "organization": directory.OwnOnly, "client": directory.BelowOnly}

func (d *dialect) listUsers(ctx context.Context, p *roster.Principal, in *listInput) (*listOutput, error) {
	began := d.now()
	var errs roster.FieldErrors
	q := query(in, &errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	found, err := d.directory.BrowseUsers(ctx, p, reaches[in.Type], q)
	if err != nil {
		return nil, err
	}
	d.api.NoteReplicaAge(ctx, p.Tenant)
	list := answer(p, in, &q, &found)
	if !list.fits() {
		return nil, roster.Invalid("limit", "must be smaller, or fewer fields be asked for: the answer would be too large")
	}
	list.Meta.ProcessingTime = d.now().Sub(began).Seconds()
	return &listOutput{Body: list}, nil
}

// query returns what the parameters ask for.
func query(in *listInput, errs *roster.FieldErrors) roster.Query {
	q := roster.Query{
		Filters: filtersOf(in.Filter, in.deleted(), errs),
		Sort:    sortOf(in.Sort, errs),
		Page:    roster.Page{Limit: in.Limit, Start: roster.UserID(in.CursorStart), End: roster.UserID(in.CursorEnd)},
	}
	if in.deleted() {
		q.Deleted = roster.OnlyDeleted
	}
	return q
}

// fewObjects is how many objects can be included without a look at the size of the answer. A thousand users with all fields take at
// most 4 KB each (20 roles, and the longest names of what takes the most bytes in JSON), an object 2 KB (a role with all permissions).
const fewObjects = 500

// fits reports whether the answer is one that a function can return. Only tenants with very many roles, warehouses and clients
// have one that does not.
func (l *UserList) fits() bool {
	if l.Included == nil || l.Included.objects() <= fewObjects {
		return true
	}
	data, err := json.Marshal(l)
	return err == nil && api.AnswerSize(data) <= api.MaxAnswer
}

// sortFields has the fields of the keys that users can be sorted by.
var sortFields = map[string]roster.Field{
	"id": roster.FieldID, "username": roster.FieldUsername, "created_at": roster.FieldCreatedAt, "last_login_at": roster.FieldLastLoginAt, "email": roster.FieldEmail,
}

// sortOf returns the order that the keys say, of which there is always one.
func sortOf(keys []string, errs *roster.FieldErrors) []roster.Sort {
	if len(keys) == 0 {
		keys = []string{"-id"}
	}
	var order []roster.Sort
	for _, k := range keys {
		name, descending := strings.CutPrefix(k, "-")
		field := sortFields[name]
		if slices.ContainsFunc(order, func(s roster.Sort) bool { return s.Field == field }) {
			errs.Add("sort", "must not name a key twice")
			break
		}
		order = append(order, roster.Sort{Field: field, Descending: descending})
	}
	return order
}

// answer returns the page that was found for the request.
func answer(p *roster.Principal, in *listInput, q *roster.Query, found *directory.BrowsedUsers) UserList {
	s := shelf{caller: p, view: found.View, selection: selected(in), has: map[Reference]bool{}}
	users := found.Page.Users
	list := UserList{Collection: make([]User, len(users))}
	for i := range users {
		list.Collection[i] = s.user(&users[i])
	}
	if s.selection.includes() {
		list.Included = &s.included
	}
	w := window{start: q.Page.Start, end: q.Page.End, byID: q.SortedByID(), descending: q.Sort[0].Descending}
	around := w.edges(&found.Page)
	list.HasMore = around.more
	list.Previous = in.link(window{end: around.previous})
	if w.backwards() {
		w.end = 0 // what is behind the page begins where the cursor said to end
	}
	if around.next != 0 {
		list.Next = in.link(window{start: around.next, end: w.end})
	}
	if len(users) > 0 {
		list.Meta.CursorStart, list.Meta.CursorEnd = new(int64(users[0].ID)), new(int64(users[len(users)-1].ID))
	}
	if in.Count == 1 {
		list.Meta.Count = &found.Page.Total
	}
	return list
}
