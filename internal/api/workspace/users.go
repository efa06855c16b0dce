package workspace

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// User is one user of a workspace.
type User struct {
	ID            string  `json:"id" format:"uuid" doc:"User's id"`
	LegacyID      int64   `json:"legacyId" minimum:"1" maximum:"9007199254740991" doc:"User's id as a number"`
	LegacyViewAll bool    `json:"legacyViewAll" doc:"Whether the user can see everything in the workspace, whatever its role"`
	WorkspaceName string  `json:"workspaceName" doc:"Name of the user's workspace"`
	Name          string  `json:"name" doc:"User's name"`
	DeviceUserID  *string `json:"deviceUserId" doc:"User's id on its device; null for API users, and for those who have no device"`
	DeviceType    string  `json:"deviceType" enum:"PSD,SOFT_PSD,API" doc:"What the user proves itself with"`
	Role          string  `json:"role" enum:"ADMIN,OPERATOR,READ_ONLY_API_KEY" doc:"User's role"`
	PubKey        string  `json:"pubKey" doc:"User's public key, an uncompressed point of P-256 in hexadecimal digits; empty if there is none"`
	Status        string  `json:"status" enum:"ACTIVE,INACTIVE" doc:"INACTIVE: suspended, not registered yet, or not logged in for 30 days"`
	IsSuspended   bool    `json:"isSuspended" doc:"Whether the user is suspended"`
	CreatedAt     string  `json:"createdAt" format:"date-time" doc:"When the user was created"`
	UpdatedAt     string  `json:"updatedAt" format:"date-time" doc:"When the user was last changed"`
}

// UserPage is one page of the users that a list has.
type UserPage struct {
	Page     int64  `json:"page" minimum:"1" doc:"This page"`
	Next     *int64 `json:"next" doc:"The next page, null if there is none"`
	Prev     *int64 `json:"prev" doc:"The previous page, null if there is none"`
	PageSize int    `json:"pageSize" minimum:"1" maximum:"30" doc:"The largest number of users on a page"`
	Total    int    `json:"total" minimum:"0" doc:"The number of users on all pages"`
	Results  []User `json:"results" nullable:"false" doc:"The users on this page"`
}

// maxIDs bounds the ids of one list. API Gateway takes no more than 10,240 bytes of request line and headers, which have room for about
// 240.
const maxIDs = 500

type listInput struct {
	Page       int64    `query:"page" minimum:"1" maximum:"9007199254740991" default:"1" doc:"Which page to answer with"`
	PageSize   int      `query:"pageSize" minimum:"1" maximum:"30" default:"30" doc:"The largest number of users on it"`
	Role       string   `query:"role" enum:"ADMIN,OPERATOR,READ_ONLY_API_KEY" doc:"Keep users with this role"`
	DeviceType string   `query:"deviceType" enum:"PSD,SOFT_PSD,API" doc:"Keep users with this type of device"`
	Status     string   `query:"status" enum:"ACTIVE,INACTIVE" doc:"Keep users with this status"`
	SortBy     string   `query:"sortBy" enum:"name,role,status,createdAt,updatedAt" default:"createdAt" doc:"Sort by this; users who are equal in it sort by id"`
	SortOrder  string   `query:"sortOrder" enum:"asc,desc" default:"asc" doc:"Direction of the sort"`
	IDs        []string `query:"ids,explode" nullable:"false" minLength:"1" doc:"Keep users with one of these ids; at most 500"`
	ListedIDs  []string `query:"ids[],explode" nullable:"false" minLength:"1" doc:"The same as ids"`
}

type listOutput struct{ Body UserPage }

func listOperation() api.Operation {
	return api.Operation{
		ID: "listUsers", Method: http.MethodGet, Path: UsersPath, Tag: tagUsers,
		Summary: "List users",
		Description: "A page of the users of the workspace whom the caller sees: all of them for administrators and users with legacyViewAll, " +
			"for everybody else only themselves. Filters must all hold. Pages are numbered: users who come or go between two requests shift those behind them.",
		Success: "The page; one behind the last has no users",
		Example: UserPage{Page: 1, PageSize: 30, Total: 1, Results: []User{exampleUser()}},
		Errors:  readErrors(nil),
	}
}

func (d *dialect) listUsers(ctx context.Context, p *roster.Principal, in *listInput) (*listOutput, error) {
	query, err := in.query()
	if err != nil {
		return nil, err
	}
	page, err := d.directory.SearchColleagues(ctx, p, query)
	if err != nil {
		return nil, err
	}
	d.api.NoteReplicaAge(ctx, p.Tenant)
	wire := UserPage{Page: in.Page, PageSize: in.PageSize, Total: page.Total, Results: make([]User, len(page.Users))}
	if in.Page*int64(in.PageSize) < int64(page.Total) {
		wire.Next = new(in.Page + 1)
	}
	if in.Page > 1 {
		wire.Prev = new(in.Page - 1)
	}
	for i := range page.Users {
		wire.Results[i] = d.wireUser(&page.Users[i], &page.Workspace)
	}
	return &listOutput{Body: wire}, nil
}

// query returns what the parameters ask for.
func (in *listInput) query() (roster.Query, error) {
	q := roster.Query{
		// The largest page times the largest size is far below 2^63.
		Page: roster.Page{Limit: in.PageSize, Offset: int((in.Page - 1) * int64(in.PageSize))},
		Sort: wireSort(in.SortBy, in.SortOrder),
	}
	if in.Role != "" {
		q.Filters = append(q.Filters, roleFilter(in.Role))
	}
	if in.DeviceType != "" {
		q.Filters = append(q.Filters, deviceTypeFilter(in.DeviceType))
	}
	if in.Status != "" {
		q.Filters = append(q.Filters, statusFilter(in.Status))
	}
	if ids := append(in.IDs, in.ListedIDs...); len(ids) > maxIDs {
		return roster.Query{}, roster.Invalid("ids", "must be at most "+strconv.Itoa(maxIDs)+" ids")
	} else if len(ids) > 0 {
		q.Filters = append(q.Filters, idsFilter(ids))
	}
	return q, nil
}

// me is the id of the user that the token speaks for.
const me = "me"

type userInput struct {
	ID          string `path:"id" example:"00000000-0000-8436-8000-000075736572" doc:"User's id, or me for the caller"`
	IfNoneMatch string `header:"If-None-Match" doc:"Entity tags of answers that the caller has"`
}

type userOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"Changes whenever the answer does"`
	Body   User
}

func userOperation() api.Operation {
	return api.Operation{
		ID: "getUser", Method: http.MethodGet, Path: userPath, Tag: tagUsers,
		Summary:     "Get a user",
		Description: "One user of the workspace; me is the caller. A caller who sees only itself finds nobody else.",
		Success:     "The user",
		Example:     exampleUser(),
		NotModified: true,
		Errors: readErrors(map[int]string{
			http.StatusForbidden: "The id is me, and the token speaks for no user", http.StatusNotFound: errNoUser,
		}),
	}
}

func (d *dialect) user(ctx context.Context, p *roster.Principal, in *userInput) (*userOutput, error) {
	colleague, err := d.colleague(ctx, p, in.ID)
	if err != nil {
		return nil, err
	}
	user, workspace := &colleague.User, &colleague.Workspace
	etag := api.ETag(user.Revision.Version, int64(user.StatusAt(d.now())), workspace.Revision.Version)
	if api.NotModified(in.IfNoneMatch, etag) {
		return &userOutput{Status: http.StatusNotModified, ETag: etag}, nil
	}
	return &userOutput{Status: http.StatusOK, ETag: etag, Body: d.wireUser(user, workspace)}, nil
}

func (d *dialect) colleague(ctx context.Context, p *roster.Principal, id string) (directory.Colleague, error) {
	if id == me {
		return d.directory.Oneself(ctx, p)
	}
	user, ok := ParseUserID(id)
	if !ok {
		return directory.Colleague{}, roster.NotFound("user")
	}
	return d.directory.Colleague(ctx, p, user)
}

func (d *dialect) wireUser(u *roster.User, workspace *roster.Organization) User {
	status := u.StatusAt(d.now())
	wire := User{
		ID: UserID(u.ID), LegacyID: int64(u.ID), LegacyViewAll: u.ViewAll, WorkspaceName: workspace.Name, Name: u.Name,
		DeviceType: wireDeviceType(u.DeviceType), Role: wireRole(u.Role()), PubKey: u.PublicKey,
		Status: wireStatus(status), IsSuspended: status == roster.StatusSuspended,
		CreatedAt: wireTime(u.CreatedAt), UpdatedAt: wireTime(u.UpdatedAt),
	}
	if u.DeviceUserID != "" && u.DeviceType != roster.DeviceTypeAPI {
		wire.DeviceUserID = &u.DeviceUserID
	}
	return wire
}

// wireTime returns the time in ISO 8601, with milliseconds.
func wireTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func exampleUser() User {
	return User{
		ID: UserID(1078), LegacyID: 1078, LegacyViewAll: true, WorkspaceName: "Acme", Name: "Ada Byron", DeviceUserID: new("1A24480566CE42C2"),
		DeviceType: devicePSD, Role: roleOperator, Status: statusActive, CreatedAt: "2025-06-20T17:18:28.784Z", UpdatedAt: "2025-06-20T17:18:28.784Z",
		PubKey: "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
	}
}
