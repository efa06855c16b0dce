package organization_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

func TestBadParametersAreNamed(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	paging := []struct{ query, want string }{
		{"page=-1", "page must be between 0 and 2147483647"},
		{"page=2147483648", "page must be between 0 and 2147483647"},
		{"page=one", "page must be an integer"},
		{"page=", "page must be an integer"},
		{"page=1.5", "page must be an integer"},
		{"page=0&page=1", "page must be given once"},
		{"page=%zz", "page must be percent-encoded correctly"},
		{"size=0", "size must be between 1 and 1000"},
		{"size=-1", "size must be between 1 and 1000"},
		{"size=1001", "size must be between 1 and 1000"},
		{"size=many", "size must be an integer"},
		{"size=", "size must be an integer"},
		{"size=10&size=10", "size must be given once"},
		{"page=-1&size=0", "page must be between 0 and 2147483647; size must be between 1 and 1000"},
	}
	type test struct{ target, want string }
	tests := []test{
		{listPath + "?includeSubOrgUsers=yes", "includeSubOrgUsers must be true or false"},
		{listPath + "?includeSubOrgUsers=", "includeSubOrgUsers must be true or false"},
		{listPath + "?includeSubOrgUsers", "includeSubOrgUsers must be true or false"},
		{listPath + "?includeSubOrgUsers=true&includeSubOrgUsers=true", "includeSubOrgUsers must be given once"},
		{searchPath, "query is required"},
		{searchPath + "?query", "query must have 1 to 255 characters"},
		{searchPath + "?query=", "query must have 1 to 255 characters"},
		{searchPath + "?query=" + strings.Repeat("a", 256), "query must have 1 to 255 characters"},
		{searchPath + "?query=" + strings.Repeat("%C3%A9", 256), "query must have 1 to 255 characters"},
		{searchPath + "?query=%c3", "query must be valid UTF-8"},
		{searchPath + "?query=%ED%A0%80", "query must be valid UTF-8"},
		{searchPath + "?query=%", "query must be percent-encoded correctly"},
		{searchPath + "?query=a&query=b", "query must be given once"},
		{searchPath + "?query=a&sortBy=Age", "sortBy must be one of User Id, Name, Email, Status, Role, Organization Name, Devices Count, Country, Registered At, Phone Number"},
		{searchPath + "?query=a&sortOrder=UP", "sortOrder must be one of ASC, DESC"},
		{searchPath + "?query=a&sortOrder=asc", "sortOrder must be one of ASC, DESC"},
		{searchPath + "?query=a&sortOrder=", "sortOrder must be one of ASC, DESC"},
		{searchPath + "?query=a&sortOrder=ASC&sortOrder=ASC", "sortOrder must be given once"},
		{userPath, "userId is required"},
		{userPath + "?userId=", "userId must be an integer"},
		{userPath + "?userId=me", "userId must be an integer"},
		{userPath + "?userId=0", "userId must be between 1 and 9007199254740991"},
		{userPath + "?userId=-5", "userId must be between 1 and 9007199254740991"},
		{userPath + "?userId=9007199254740992", "userId must be between 1 and 9007199254740991"},
		{userPath + "?userId=9223372036854775808", "userId must be between 1 and 9007199254740991"},
		{userPath + "?userId=1001&userId=1001", "userId must be given once"},
		{userPath + "?UserId=1001", "userId is required"},
	}
	for _, p := range paging {
		tests = append(tests, test{listPath + "?" + p.query, p.want}, test{searchPath + "?query=a&" + p.query, p.want})
	}
	for _, test := range tests {
		answer := get(h, world.Client(world.Acme), test.target)
		if got := failure(t, answer); answer.Code != 400 || got != test.want {
			t.Errorf("GET %s is answered %d %q, want 400 %q", test.target, answer.Code, got, test.want)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", 404}, {"GET", organization.BasePath, 404}, {"GET", listPath + "/", 404}, {"GET", listPath + "/1001", 404},
		{"GET", "/api/v1/organization//users", 404}, {"GET", "/api/v2/organization/users", 404},
		{"POST", listPath, 405}, {"DELETE", userPath, 405}, {"PUT", profilePath, 405}, {"GET", createPath, 405}, {"POST", rolePath, 405},
		{"GET", invitePath, 405}, {"POST", invitationsPath, 405}, {"POST", passwordPath, 405}, {"PUT", pushPath, 405}, {"OPTIONS", devicePath, 204}, {"OPTIONS", searchPath, 204}, {"HEAD", listPath, 200},
	} {
		r := httptest.NewRequest(test.method, test.path, nil)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r.WithContext(api.WithPrincipal(r.Context(), world.Client(world.Acme))))
		if answer.Code != test.want {
			t.Errorf("%s %s is answered %d %s, want %d", test.method, test.path, answer.Code, answer.Body, test.want)
		}
		if want := test.want == 405 || test.want == 204; want != (answer.Header().Get("Allow") != "") {
			t.Errorf("%s %s is answered with Allow %q", test.method, test.path, answer.Header().Get("Allow"))
		}
	}
}

// ports that fail.
type failing struct {
	directory.Users
	directory.Search
	err error
}

func (f failing) User(context.Context, roster.TenantID, roster.UserID) (roster.User, error) {
	return roster.User{}, f.err
}

func (f failing) SearchUsers(context.Context, roster.TenantID, roster.Query) (roster.UserPage, error) {
	return roster.UserPage{}, f.err
}

func TestFailuresOfTheTable(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		want  int
		retry string
		text  string
	}{
		{"throttled", &roster.Error{Kind: roster.KindUnavailable, Message: "the table is busy", RetryAfter: 2 * time.Second}, 503, "2", "the table is busy"},
		{"over quota", &roster.Error{Kind: roster.KindTooMany, Message: "too many requests", RetryAfter: 10 * time.Second}, 429, "10", "too many requests"},
		{"unknown", context.DeadlineExceeded, 500, "", "internal error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := serve(t, directory.New(directory.Ports{Users: failing{err: test.err}, Search: failing{err: test.err}}))
			user := roster.Principal{Tenant: 100, Path: roster.OrgPath{100}, Client: "c", User: 1001, Permissions: roster.AllPermissions}
			for _, target := range []string{profilePath, listPath, searchPath + "?query=a", userPath + "?userId=1"} {
				answer := get(h, user, target)
				if got := failure(t, answer); answer.Code != test.want || got != test.text || answer.Header().Get("Retry-After") != test.retry {
					t.Errorf("GET %s is answered %d %q %v, want %d %q", target, answer.Code, got, answer.Header(), test.want, test.text)
				}
			}
		})
	}
}

// asked is a search that remembers what it was asked.
type asked struct {
	directory.Search
	query roster.Query
}

func (a *asked) SearchUsers(_ context.Context, _ roster.TenantID, q roster.Query) (roster.UserPage, error) {
	a.query = q
	return roster.UserPage{}, nil
}

func FuzzParametersNeverFailTheServer(f *testing.F) {
	for _, seed := range []string{
		"", "query=a", "query=%ff", "query=a&sortBy=Name&sortOrder=DESC&page=3&size=7", "userId=1001", "userId=9007199254740992",
		"includeSubOrgUsers=true&page=2147483647&size=1000", "%zz", "query=;&;", "query=a&query=b", "&=&", "page=%30",
	} {
		f.Add(seed)
	}
	document, err := organization.OpenAPI()
	if err != nil {
		f.Fatal(err)
	}
	validator := openapitest.New(f, document)
	search := &asked{}
	none := failing{err: roster.NotFound("user")}
	handler := organization.New(directory.New(directory.Ports{Users: none, Search: search}), api.Options{})
	f.Fuzz(func(t *testing.T, query string) {
		h := validator.Handler(t, handler)
		for _, path := range []string{listPath, searchPath, userPath} {
			answer := get(h, world.Client(world.Acme), path+"?"+query)
			if answer.Code != 200 && answer.Code != 400 && (answer.Code != 404 || path != userPath) {
				t.Errorf("GET %s?%s is answered %d %s", path, query, answer.Code, answer.Body)
			}
			if answer.Code == 200 {
				if err := search.query.Validate(); err != nil {
					t.Errorf("GET %s?%s became the query %+v: %v", path, query, search.query, err)
				}
			}
		}
	})
}
