package organization

import (
	"context"
	"net/http"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// UserProfile is a user as it sees itself.
type UserProfile struct {
	ID             int64  `json:"id" minimum:"1" maximum:"9007199254740991" doc:"User id"`
	Name           string `json:"name" doc:"Full name"`
	Email          string `json:"email" format:"email" doc:"E-mail address"`
	Title          string `json:"title,omitempty" doc:"Title or position"`
	NickName       string `json:"nickName,omitempty" doc:"Nickname"`
	PhoneNumber    string `json:"phoneNumber,omitempty" pattern:"^\\+[0-9]{7,15}$" doc:"Phone number: a plus sign and digits"`
	Role           Role   `json:"role" doc:"The user's role"`
	OrgID          int32  `json:"orgId" minimum:"1" doc:"Id of the organization that the user belongs to"`
	OrgName        string `json:"orgName" doc:"Name of that organization"`
	TimeZone       string `json:"tz" doc:"Time zone, a name of the IANA Time Zone Database; UTC for a user who has set none"`
	Locale         string `json:"locale" pattern:"^[a-z]{2}_[A-Z]{2}$" doc:"Language and region; en_US for a user who has set none"`
	Status         string `json:"status" enum:"Pending,Active,Inactive,Suspended" doc:"Pending: invited, not yet confirmed. Inactive: Active, but no login for 30 days. Suspended: blocked by an administrator"`
	LastModifiedTs int64  `json:"lastModifiedTs" doc:"When the user was last modified, in Unix epoch milliseconds"`
	LastLoggedAt   int64  `json:"lastLoggedAt,omitempty" doc:"When the user last logged in, in Unix epoch milliseconds; absent if never"`
	RegisteredAt   int64  `json:"registeredAt,omitempty" doc:"When the user registered, in Unix epoch milliseconds; absent while Pending"`
	IsDev          bool   `json:"isDev" doc:"Whether the user has enabled the developer mode"`
	IsDarkMode     bool   `json:"isDarkMode" doc:"Whether the user has enabled the dark mode"`
}

// UserSummary is a user on a page.
type UserSummary struct {
	ID     int64  `json:"id" minimum:"1" maximum:"9007199254740991" doc:"User id"`
	Name   string `json:"name" doc:"Full name"`
	Email  string `json:"email" format:"email" doc:"E-mail address"`
	RoleID int32  `json:"roleId" minimum:"1" doc:"Id of the user's role: 1 Admin, 2 Staff, 3 User, or a custom one"`
	OrgID  int32  `json:"orgId" minimum:"1" doc:"Id of the organization that the user belongs to"`
	IsDev  bool   `json:"isDev" doc:"Whether the user has enabled the developer mode"`
}

// UserDetails is one user.
type UserDetails struct {
	ID             int64  `json:"id" minimum:"1" maximum:"9007199254740991" doc:"User id"`
	Name           string `json:"name" doc:"Full name"`
	Email          string `json:"email" format:"email" doc:"E-mail address"`
	Title          string `json:"title,omitempty" doc:"Title or position"`
	NickName       string `json:"nickName,omitempty" doc:"Nickname"`
	PhoneNumber    string `json:"phoneNumber,omitempty" pattern:"^\\+[0-9]{7,15}$" doc:"Phone number: a plus sign and digits"`
	RoleID         int32  `json:"roleId" minimum:"1" doc:"Id of the user's role: 1 Admin, 2 Staff, 3 User, or a custom one"`
	OrgID          int32  `json:"orgId" minimum:"1" doc:"Id of the organization that the user belongs to"`
	TimeZone       string `json:"tz,omitempty" doc:"Time zone, a name of the IANA Time Zone Database"`
	Locale         string `json:"locale,omitempty" pattern:"^[a-z]{2}_[A-Z]{2}$" doc:"Language and region"`
	Status         string `json:"status" enum:"Pending,Active,Inactive,Suspended" doc:"Pending: invited, not yet confirmed. Inactive: Active, but no login for 30 days. Suspended: blocked by an administrator"`
	LastModifiedTs int64  `json:"lastModifiedTs" doc:"When the user was last modified, in Unix epoch milliseconds"`
	LastLoggedAt   int64  `json:"lastLoggedAt,omitempty" doc:"When the user last logged in, in Unix epoch milliseconds; absent if never"`
	RegisteredAt   int64  `json:"registeredAt,omitempty" doc:"When the user registered, in Unix epoch milliseconds; absent while Pending"`
	IsDev          bool   `json:"isDev" doc:"Whether the user has enabled the developer mode"`
	// The originals do not have these two.
	EmailBounced    bool `json:"emailBounced,omitempty" doc:"True if mail to the address came back for good; absent otherwise"`
	EmailComplained bool `json:"emailComplained,omitempty" doc:"True if the reader reported mail to the address as unwanted; absent otherwise"`
}

// UserPage is one page of users.
type UserPage struct {
	Content       []UserSummary `json:"content" nullable:"false" maxItems:"1000" doc:"The users on this page"`
	TotalElements int64         `json:"totalElements" minimum:"0" doc:"How many users there are on all pages together"`
}

// Paging is the parameters of every operation that answers a page.
type Paging struct {
	Page int32 `query:"page" default:"0" minimum:"0" doc:"Page number (0-indexed)"`
	Size int32 `query:"size" default:"50" minimum:"1" maximum:"1000" doc:"Page size (max 1000)"`
}

func (p Paging) page() roster.Page {
	return roster.Page{Limit: int(p.Size), Offset: int(p.Page) * int(p.Size)}
}

type profileInput struct {
	IfNoneMatch string `header:"If-None-Match" doc:"Entity tags of answers that the caller has"`
}

type profileOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"Changes whenever the answer does"`
	Body   UserProfile
}

func profileOperation() api.Operation {
	return api.Operation{
		ID: "getProfile", Method: http.MethodGet, Path: BasePath + "/user/profile", Tag: tagUsers,
		Summary:     "Get own profile",
		Description: "The profile of the user that the token speaks for. Needs a user-scoped token.",
		Success:     "User profile details",
		Example:     exampleProfile(),
		NotModified: true,
		Errors:      map[int]string{http.StatusForbidden: "The token is not user-scoped"},
	}
}

func (d *dialect) profile(ctx context.Context, p *roster.Principal, in *profileInput) (*profileOutput, error) {
	profile, err := d.directory.Profile(ctx, p)
	if err != nil {
		return nil, err
	}
	status := profile.User.StatusAt(d.now())
	etag := api.ETag(profile.User.Revision.Version, int64(status),
		profile.Role.Revision.Version, int64(profile.Role.Permissions), profile.Organization.Revision.Version)
	if api.NotModified(in.IfNoneMatch, etag) {
		return &profileOutput{Status: http.StatusNotModified, ETag: etag}, nil
	}
	return &profileOutput{Status: http.StatusOK, ETag: etag, Body: wireProfile(&profile, status)}, nil
}

type listInput struct {
	IncludeSubOrgUsers bool `query:"includeSubOrgUsers" default:"false" doc:"Include users from sub-organizations"`
	Paging
}

type pageOutput struct{ Body UserPage }

func listOperation() api.Operation {
	return api.Operation{
		ID: "listUsers", Method: http.MethodGet, Path: BasePath + "/users", Tag: tagUsers,
		Summary: "List users",
		Description: "The users of the caller's organization, and with includeSubOrgUsers of every organization below it too, by user id. " +
			"A user-scoped caller needs the permission ORG_VIEW_USERS.",
		Success: "List of users",
		Example: examplePage(),
		Errors: map[int]string{
			http.StatusBadRequest: errInvalidParameter,
			http.StatusForbidden:  "The caller lacks a permission; the message names it",
		},
	}
}

func (d *dialect) listUsers(ctx context.Context, p *roster.Principal, in *listInput) (*pageOutput, error) {
	page, err := d.directory.ListUsers(ctx, p, in.IncludeSubOrgUsers, in.page())
	if err != nil {
		return nil, err
	}
	d.api.NoteReplicaAge(ctx, p.Tenant)
	return &pageOutput{Body: wirePage(&page)}, nil
}

type searchInput struct {
	Query     string `query:"query" required:"true" minLength:"1" maxLength:"255" example:"john" doc:"Text to find in names, nicknames and e-mail addresses, in upper or lower case"`
	SortBy    string `query:"sortBy" enum:"User Id,Name,Email,Status,Role,Organization Name,Devices Count,Country,Registered At,Phone Number" example:"Name" doc:"Field to sort by; the user id if absent. Users that are equal in it are sorted by user id"`
	SortOrder string `query:"sortOrder" default:"ASC" enum:"ASC,DESC" doc:"Sort order"`
	Paging
}

func searchOperation() api.Operation {
	return api.Operation{
		ID: "searchUsers", Method: http.MethodGet, Path: BasePath + "/search/users", Tag: tagUsers,
		Summary: "Search users",
		Description: "The users whose name, nickname or e-mail address contains the text, in the caller's organization and every organization below it. " +
			"A user-scoped caller needs the permission ORG_VIEW_USERS.",
		Success: "Search results",
		Example: examplePage(),
		Errors: map[int]string{
			http.StatusBadRequest: errInvalidParameter,
			http.StatusForbidden:  "The caller lacks a permission; the message names it",
		},
	}
}

func (d *dialect) searchUsers(ctx context.Context, p *roster.Principal, in *searchInput) (*pageOutput, error) {
	page, err := d.directory.SearchUsers(ctx, p, roster.Query{Text: in.Query, Sort: in.sort(), Page: in.page()})
	if err != nil {
		return nil, err
	}
	d.api.NoteReplicaAge(ctx, p.Tenant)
	return &pageOutput{Body: wirePage(&page)}, nil
}

func (in *searchInput) sort() []roster.Sort {
	return []roster.Sort{{Field: sortField(in.SortBy), Descending: in.SortOrder == "DESC"}}
}

// sortField returns the field that a value of sortBy names.
func sortField(sortBy string) roster.Field {
	switch sortBy {
	case "Name":
		return roster.FieldName
	case "Email":
		return roster.FieldEmail
	case "Status":
		return roster.FieldStatus
	case "Role":
		return roster.FieldRole
	case "Organization Name":
		return roster.FieldOrg
	case "Devices Count":
		return roster.FieldDevices
	case "Country":
		return roster.FieldCountry
	case "Registered At":
		return roster.FieldRegisteredAt
	case "Phone Number":
		return roster.FieldPhoneNumber
	default:
		return roster.FieldID
	}
}

type userInput struct {
	UserID      int64  `query:"userId" required:"true" minimum:"1" maximum:"9007199254740991" example:"1078" doc:"User id"`
	IfNoneMatch string `header:"If-None-Match" doc:"Entity tags of answers that the caller has"`
}

type userOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"Changes whenever the answer does"`
	Body   UserDetails
}

func userOperation() api.Operation {
	return api.Operation{
		ID: "getUser", Method: http.MethodGet, Path: BasePath + "/user", Tag: tagUsers,
		Summary: "Get a user",
		Description: "One user of the caller's organization or of an organization below it. " +
			"A user-scoped caller needs the permission ORG_VIEW_USERS.",
		Success:     "User details",
		Example:     exampleDetails(),
		NotModified: true,
		Errors: map[int]string{
			http.StatusBadRequest: errInvalidParameter,
			http.StatusForbidden:  "The caller lacks a permission; the message names it",
			http.StatusNotFound:   errNoUser,
		},
	}
}

func (d *dialect) user(ctx context.Context, p *roster.Principal, in *userInput) (*userOutput, error) {
	user, err := d.directory.User(ctx, p, roster.UserID(in.UserID))
	if err != nil {
		return nil, err
	}
	if etag := d.etag(&user); api.NotModified(in.IfNoneMatch, etag) {
		return &userOutput{Status: http.StatusNotModified, ETag: etag}, nil
	}
	return d.answer(http.StatusOK, &user), nil
}

// answer returns the answer that is one user.
func (d *dialect) answer(status int, user *roster.User) *userOutput {
	return &userOutput{Status: status, ETag: d.etag(user), Body: wireDetails(user, user.StatusAt(d.now()))}
}

// etag returns the entity tag of a user's details, which change when time alone makes it Inactive, too.
func (d *dialect) etag(user *roster.User) string {
	return api.ETag(user.Revision.Version, int64(user.StatusAt(d.now())))
}

func wireProfile(p *directory.Profile, status roster.Status) UserProfile {
	u := &p.User
	return UserProfile{
		ID: int64(u.ID), Name: u.Name, Email: string(u.Email), Title: u.Title, NickName: u.Nickname, PhoneNumber: u.PhoneNumber,
		Role: wireRole(&p.Role), OrgID: int32(p.Organization.ID), OrgName: p.Organization.Name,
		TimeZone: or(u.TimeZone, "UTC"), Locale: or(u.Locale, "en_US"), Status: status.String(),
		LastModifiedTs: wireTime(u.UpdatedAt), LastLoggedAt: wireTime(u.LastLoginAt), RegisteredAt: wireTime(u.RegisteredAt),
		IsDev: u.Developer, IsDarkMode: u.DarkMode,
	}
}

func wireDetails(u *roster.User, status roster.Status) UserDetails {
	return UserDetails{
		ID: int64(u.ID), Name: u.Name, Email: string(u.Email), Title: u.Title, NickName: u.Nickname, PhoneNumber: u.PhoneNumber,
		RoleID: int32(u.Role()), OrgID: int32(u.Org()), TimeZone: u.TimeZone, Locale: u.Locale, Status: status.String(),
		LastModifiedTs: wireTime(u.UpdatedAt), LastLoggedAt: wireTime(u.LastLoginAt), RegisteredAt: wireTime(u.RegisteredAt),
		IsDev: u.Developer, EmailBounced: u.EmailBounced, EmailComplained: u.EmailComplained,
	}
}

func wirePage(page *roster.UserPage) UserPage {
	content := make([]UserSummary, len(page.Users))
	for i := range page.Users {
		u := &page.Users[i]
		content[i] = UserSummary{
			ID: int64(u.ID), Name: u.Name, Email: string(u.Email), RoleID: int32(u.Role()), OrgID: int32(u.Org()), IsDev: u.Developer,
		}
	}
	return UserPage{Content: content, TotalElements: int64(page.Total)}
}

// wireTime returns Unix milliseconds, and zero, which is left out of answers, for never.
func wireTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
