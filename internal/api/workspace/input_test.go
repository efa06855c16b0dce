package workspace_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api/workspace"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// wrong is what an operation is asked with, and the issues of the answer.
var wrong = []struct {
	query string
	want  []string
}{
	{"page=0", []string{"page must be between 1 and 9007199254740991"}},
	{"page=-1", []string{"page must be between 1 and 9007199254740991"}},
	{"page=9007199254740992", []string{"page must be between 1 and 9007199254740991"}},
	{"page=99999999999999999999999", []string{"page must be between 1 and 9007199254740991"}},
	{"page=1.5", []string{"page must be an integer"}},
	{"page=1e3", []string{"page must be an integer"}},
	{"page=", []string{"page must be an integer"}},
	{"page=two", []string{"page must be an integer"}},
	{"page=+1", []string{"page must be an integer"}},
	{"page=1&page=2", []string{"page must be given once"}},
	{"page=%", []string{"page must be percent-encoded correctly"}},
	{"pageSize=0", []string{"pageSize must be between 1 and 30"}},
	{"pageSize=31", []string{"pageSize must be between 1 and 30"}},
	{"pageSize=all", []string{"pageSize must be an integer"}},
	{"pageSize=", []string{"pageSize must be an integer"}},
	{"pageSize=30&pageSize=30", []string{"pageSize must be given once"}},
	{"role=admin", []string{"role must be one of ADMIN, OPERATOR, READ_ONLY_API_KEY"}},
	{"role=", []string{"role must be one of ADMIN, OPERATOR, READ_ONLY_API_KEY"}},
	{"role=1", []string{"role must be one of ADMIN, OPERATOR, READ_ONLY_API_KEY"}},
	{"role=ADMIN&role=OPERATOR", []string{"role must be given once"}},
	{"role=ADMIN,OPERATOR", []string{"role must be one of ADMIN, OPERATOR, READ_ONLY_API_KEY"}},
	{"role=%ff", []string{"role must be valid UTF-8"}},
	{"deviceType=HSM", []string{"deviceType must be one of PSD, SOFT_PSD, API"}},
	{"deviceType=", []string{"deviceType must be one of PSD, SOFT_PSD, API"}},
	{"deviceType=API&deviceType=API", []string{"deviceType must be given once"}},
	{"status=SUSPENDED", []string{"status must be one of ACTIVE, INACTIVE"}},
	{"status=", []string{"status must be one of ACTIVE, INACTIVE"}},
	{"status=ACTIVE&status=INACTIVE", []string{"status must be given once"}},
	{"sortBy=id", []string{"sortBy must be one of name, role, status, createdAt, updatedAt"}},
	{"sortBy=createdat", []string{"sortBy must be one of name, role, status, createdAt, updatedAt"}},
	{"sortBy=", []string{"sortBy must be one of name, role, status, createdAt, updatedAt"}},
	{"sortBy=name&sortBy=role", []string{"sortBy must be given once"}},
	{"sortOrder=ASC", []string{"sortOrder must be one of asc, desc"}},
	{"sortOrder=", []string{"sortOrder must be one of asc, desc"}},
	{"sortOrder=asc&sortOrder=asc", []string{"sortOrder must be given once"}},
	{"ids=%ff", []string{"ids must be valid UTF-8"}},
	{"ids[]=%ff", []string{"ids[] must be valid UTF-8"}},
	{"ids=", []string{"ids must have at least 1 characters"}},
	{"ids=&ids=" + "00000000-0000-8436-8000-000075736572", []string{"ids must have at least 1 characters"}},
	{"ids[]=a&ids[]=", []string{"ids[] must have at least 1 characters"}},
	{"ids=%4", []string{"ids must be percent-encoded correctly"}},
	{strings.Repeat("ids=x&", 501), []string{"ids must be at most 500 ids"}},
	{strings.Repeat("ids[]=x&", 501), []string{"ids must be at most 500 ids"}},
	{strings.Repeat("ids=x&ids[]=x&", 251), []string{"ids must be at most 500 ids"}},
	{"page=0&pageSize=31&role=x&deviceType=x&status=x&sortBy=x&sortOrder=x", []string{
		"page must be between 1 and 9007199254740991", "pageSize must be between 1 and 30", "role must be one of ADMIN, OPERATOR, READ_ONLY_API_KEY",
		"deviceType must be one of PSD, SOFT_PSD, API", "status must be one of ACTIVE, INACTIVE",
		"sortBy must be one of name, role, status, createdAt, updatedAt", "sortOrder must be one of asc, desc",
	}},
}

func TestBadParametersAreNamed(t *testing.T) {
	h := bare(directory.New(directory.Ports{})) // nothing may be asked of the ports
	for _, test := range wrong {
		t.Run(test.query[:min(len(test.query), 30)], func(t *testing.T) {
			refuse(t, get(h, world.Client(world.Acme), workspace.UsersPath+"?"+test.query), 400, "BAD_REQUEST", "Input validation failed", test.want...)
		})
	}
	refuse(t, get(h, world.Client(world.Acme), workspace.UsersPath+"/a\xffb"), 400, "BAD_REQUEST", "Input validation failed", "id must be valid UTF-8")
}

func TestOddParametersAreTaken(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	ann, sam := workspace.UserID(1001), workspace.UserID(1002)
	for _, test := range []struct {
		query string
		total int
		shown int
	}{
		{"", 6, 6},
		{"unknown=1&unknown=2&userId=x", 6, 6}, // what the operation does not have is ignored
		{"page=01&pageSize=05", 6, 5},
		{"page=9007199254740991&pageSize=30", 6, 0},
		{"ids=" + ann, 1, 1},
		{"ids[]=" + ann, 1, 1},
		{"ids%5B%5D=" + ann + "&ids=" + sam, 2, 2},
		{"ids=" + ann + "&ids=" + ann, 1, 1},
		{"ids=" + strings.ToUpper(ann), 1, 1},
		{"ids=" + ann + "," + sam, 0, 0}, // one id, which is nobody's
		{"ids=me&ids=1001&ids=" + workspace.UserID(4711) + "&ids=" + workspace.UserID(w.User(t, world.BeaUser).ID), 0, 0},
		{"ids=me&ids=" + sam, 1, 1},
		{strings.Repeat("ids=x&", 499) + "ids=" + ann, 1, 1},
		{strings.Repeat("ids=x&", 499) + "ids=" + ann + "&role=OPERATOR&deviceType=SOFT_PSD&status=ACTIVE", 0, 0},
	} {
		page := read[workspace.UserPage](t, get(h, world.Client(world.Acme), workspace.UsersPath+"?"+test.query))
		if page.Total != test.total || len(page.Results) != test.shown {
			t.Errorf("%.60s finds %d users and shows %d, want %d and %d", test.query, page.Total, len(page.Results), test.total, test.shown)
		}
	}
}

// TestAnIDThatIsNoneIsNotFoundWithoutAWord holds that no table is asked for what cannot be there.
func TestAnIDThatIsNoneIsNotFoundWithoutAWord(t *testing.T) {
	h := bare(directory.New(directory.Ports{}))
	for _, id := range []string{"1001", "ME", "0b9f0d3e-6a0e-4d53-9b50-2f7a2f1f4c11", "00000000-0000-8000-8000-000075736572", strings.Repeat("x", 5000), "a b", "é"} {
		refuse(t, get(h, world.Client(world.Acme), workspace.UsersPath+"/"+id), 404, "NOT_FOUND", "Not found")
	}
}

// failing is a table and a search that fail.
type failing struct {
	directory.Users
	directory.Search
	err error
}

func (f failing) User(context.Context, roster.TenantID, roster.UserID) (roster.User, error) {
	return roster.User{}, f.err
}

func (f failing) View(context.Context, roster.TenantID) (directory.View, error) { return nil, f.err }

func TestFaultsAreToldInTheDialectsWords(t *testing.T) {
	for _, test := range []struct {
		err           error
		status        int
		code, message string
	}{
		{roster.Unavailable("users cannot be read at the moment", nil), 503, "SERVICE_UNAVAILABLE", "users cannot be read at the moment"},
		{fmt.Errorf("planted detail"), 500, "INTERNAL_SERVER_ERROR", "Internal server error"},
		{&roster.Error{Kind: roster.KindTooMany, Message: "too many requests"}, 429, "TOO_MANY_REQUESTS", "too many requests"},
	} {
		f := failing{err: test.err}
		h := serve(t, directory.New(directory.Ports{Users: f, Search: f}))
		user := roster.Principal{Tenant: 100, Path: roster.OrgPath{100}, Client: "c", User: 1001}
		for _, target := range []string{workspace.UsersPath, workspace.UsersPath + "/me", pathOf(1002)} {
			answer := get(h, user, target)
			refuse(t, answer, test.status, test.code, test.message)
			if test.status != http.StatusInternalServerError && answer.Header().Get("Retry-After") == "" {
				t.Errorf("%d of %s lacks Retry-After", test.status, target)
			}
		}
		refuse(t, get(h, world.Client(world.Acme), workspace.UsersPath), test.status, test.code, test.message)
	}
}
