package organization_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

func names(p organization.UserPage) []string {
	names := make([]string, len(p.Content))
	for i, u := range p.Content {
		names[i], _, _ = strings.Cut(u.Name, " ")
	}
	return names
}

func TestGetOwnProfile(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	t.Run("with everything set", func(t *testing.T) {
		ann := w.User(t, world.AnnAdmin)
		got := read[organization.UserProfile](t, get(h, w.As(t, world.AnnAdmin), profilePath))
		want := organization.UserProfile{
			ID: 1001, Name: "Ann Admin", Email: "Ann@Admin.example", Title: "Head of Things", NickName: "annie", PhoneNumber: "+4915112345",
			Role: organization.Role{ID: 1, Name: "Admin", Permissions: roster.AllPermissions.Names()}, OrgID: 100, OrgName: "Acme",
			TimeZone: "Europe/Berlin", Locale: "de_DE", Status: "Active",
			LastModifiedTs: ann.UpdatedAt.UnixMilli(), LastLoggedAt: ann.LastLoginAt.UnixMilli(), RegisteredAt: ann.RegisteredAt.UnixMilli(),
			IsDev: true, IsDarkMode: true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the profile (-want +got)\n%s", diff)
		}
	})
	t.Run("leaves out what is absent, but for time zone and locale", func(t *testing.T) {
		var got map[string]any
		if err := json.Unmarshal(get(h, w.As(t, world.PiaPending), profilePath).Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		for _, absent := range []string{"title", "nickName", "phoneNumber", "lastLoggedAt", "registeredAt"} {
			if value, ok := got[absent]; ok {
				t.Errorf("%s = %v, want it left out", absent, value)
			}
		}
		if got["tz"] != "UTC" || got["locale"] != "en_US" || got["status"] != "Pending" {
			t.Errorf("tz, locale, status = %v, %v, %v", got["tz"], got["locale"], got["status"])
		}
	})
	t.Run("of a user with a custom role", func(t *testing.T) {
		got := read[organization.UserProfile](t, get(h, w.As(t, world.OttoAuditor), profilePath)).Role
		want := organization.Role{ID: int32(world.Auditor), Name: "Auditor", Permissions: []string{"ORG_VIEW_USERS"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the role (-want +got)\n%s", diff)
		}
	})
	t.Run("needs no permission", func(t *testing.T) {
		if got := read[organization.UserProfile](t, get(h, w.As(t, world.CidStaff), profilePath)); got.OrgName != "Cedar" || got.Role.Name != "Staff" {
			t.Errorf("the profile is %+v", got)
		}
		read[organization.UserProfile](t, get(h, w.As(t, world.UmaUser), profilePath))
	})
	t.Run("is forbidden to a token that speaks for an organization", func(t *testing.T) {
		answer := get(h, world.Client(world.Acme), profilePath)
		if got := failure(t, answer); answer.Code != 403 || got != "this needs a token that speaks for a user" {
			t.Errorf("the answer is %d %q", answer.Code, got)
		}
	})
	t.Run("of a user who is gone is unauthenticated", func(t *testing.T) {
		p := w.As(t, world.AnnAdmin)
		p.User = 999
		if answer := get(h, p, profilePath); answer.Code != 401 || answer.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("the answer is %d %s", answer.Code, answer.Body)
		}
	})
	t.Run("minds no parameter", func(t *testing.T) {
		for _, query := range []string{"page=x", "%zz=%zz", "userId=0&userId=0"} {
			read[organization.UserProfile](t, get(h, w.As(t, world.AnnAdmin), profilePath+"?"+query))
		}
	})
}

func TestStatusesAreShownAsTheyAreNow(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	for name, want := range map[string]string{
		world.AnnAdmin: "Active", world.UmaUser: "Inactive", world.PiaPending: "Pending", world.SueSuspended: "Suspended",
	} {
		got := read[organization.UserDetails](t, get(h, world.Client(world.Acme), userPath+"?userId="+w.User(t, name).ID.String()))
		if got.Status != want {
			t.Errorf("the status of %s is %s, want %s", name, got.Status, want)
		}
	}
}

func TestListUsers(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	acme := []string{"Ann", "Sam", "Uma", "Otto", "Pia", "Sue"}
	for _, test := range []struct {
		name   string
		caller roster.Principal
		query  string
		want   []string
		total  int64
	}{
		{"the caller's organization", world.Client(world.Acme), "", acme, 6},
		{"said plainly", world.Client(world.Acme), "?includeSubOrgUsers=false&page=0&size=50", acme, 6},
		{"with what is below", world.Client(world.Acme), "?includeSubOrgUsers=true", append(slices.Clone(acme), "Bob", "Bea", "Cid", "Dot"), 10},
		{"as an admin", w.As(t, world.AnnAdmin), "", acme, 6},
		{"as staff", w.As(t, world.SamStaff), "", acme, 6},
		{"as a custom role that may", w.As(t, world.OttoAuditor), "", acme, 6},
		{"from a sub-organization", w.As(t, world.BobAdmin), "", []string{"Bob", "Bea"}, 2},
		{"from a sub-organization with what is below", world.Client(world.Birch), "?includeSubOrgUsers=true", []string{"Bob", "Bea", "Cid"}, 3},
		{"from a leaf", w.As(t, world.CidStaff), "?includeSubOrgUsers=true", []string{"Cid"}, 1},
		{"from another tenant", world.Client(world.Elm), "?includeSubOrgUsers=true", []string{"Eve"}, 1},
		{"the first page", world.Client(world.Acme), "?size=4", acme[:4], 6},
		{"the last page", world.Client(world.Acme), "?page=1&size=4", acme[4:], 6},
		{"a page of one", world.Client(world.Acme), "?page=2&size=1", []string{"Uma"}, 6},
		{"the largest page", world.Client(world.Acme), "?size=1000", acme, 6},
		{"a page beyond the end", world.Client(world.Acme), "?page=7", []string{}, 6},
		{"the last page there can be", world.Client(world.Acme), "?page=2147483647&size=1000", []string{}, 6},
		{"with unknown parameters", world.Client(world.Acme), "?orgId=111&sortBy=x", acme, 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			page := read[organization.UserPage](t, get(h, test.caller, listPath+test.query))
			if diff := cmp.Diff(test.want, names(page)); diff != "" || page.TotalElements != test.total {
				t.Errorf("%d of %d users (-want +got)\n%s", len(page.Content), page.TotalElements, diff)
			}
		})
	}
}

func TestAUserOnAPage(t *testing.T) {
	w := world.New(t)
	page := read[organization.UserPage](t, get(serve(t, w.Directory), world.Client(world.Acme), listPath+"?size=2"))
	want := []organization.UserSummary{
		{ID: 1001, Name: "Ann Admin", Email: "Ann@Admin.example", RoleID: 1, OrgID: 100, IsDev: true},
		{ID: 1002, Name: "Sam Staff", Email: "Sam@Staff.example", RoleID: 2, OrgID: 100},
	}
	if diff := cmp.Diff(want, page.Content); diff != "" {
		t.Errorf("the page (-want +got)\n%s", diff)
	}
}

func TestAnEmptyPageIsAList(t *testing.T) {
	w := world.New(t)
	got := strings.TrimSpace(get(serve(t, w.Directory), world.Client(world.Acme), searchPath+"?query=nobody").Body.String())
	if want := `{"content":[],"totalElements":0}`; got != want {
		t.Errorf("the answer is %s, want %s", got, want)
	}
}

func TestSearchUsers(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	for _, test := range []struct {
		name   string
		caller roster.Principal
		query  string
		want   []string
		total  int64
	}{
		{"by name", world.Client(world.Acme), "query=Ann", []string{"Ann", "Bob"}, 2},
		{"in any letters", world.Client(world.Acme), "query=aNN", []string{"Ann", "Bob"}, 2},
		{"by a part of the name", world.Client(world.Acme), "query=b+adm", []string{"Bob"}, 1},
		{"by nickname", world.Client(world.Acme), "query=UMI", []string{"Uma"}, 1},
		{"by e-mail", world.Client(world.Acme), "query=%40staff.example", []string{"Sam", "Cid"}, 2},
		{"by one character", world.Client(world.Acme), "query=%40", []string{"Ann", "Sam", "Uma", "Otto", "Pia", "Sue", "Bob", "Bea", "Cid", "Dot"}, 10},
		{"for nobody", world.Client(world.Acme), "query=nobody", []string{}, 0},
		{"for a wildcard", world.Client(world.Acme), "query=%25", []string{}, 0},
		{"for 255 characters", world.Client(world.Acme), "query=" + strings.Repeat("%C3%A9", 255), []string{}, 0},
		{"from a sub-organization", w.As(t, world.BobAdmin), "query=.example", []string{"Bob", "Bea", "Cid"}, 3},
		{"from a leaf", world.Client(world.Cedar), "query=.example", []string{"Cid"}, 1},
		{"from beside", world.Client(world.Dogwood), "query=.example", []string{"Dot"}, 1},
		{"from another tenant", w.As(t, world.EveAdmin), "query=.example", []string{"Eve"}, 1},
		{"as a custom role that may", w.As(t, world.OttoAuditor), "query=uma", []string{"Uma"}, 1},
		{"a page", world.Client(world.Acme), "query=.example&page=1&size=3", []string{"Otto", "Pia", "Sue"}, 10},
		{"a page beyond the end", world.Client(world.Acme), "query=.example&page=4&size=3", []string{}, 10},
		{"a sorted page", world.Client(world.Acme), "query=.example&sortBy=Name&page=1&size=3", []string{"Cid", "Dot", "Otto"}, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			page := read[organization.UserPage](t, get(h, test.caller, searchPath+"?"+test.query))
			if diff := cmp.Diff(test.want, names(page)); diff != "" || page.TotalElements != test.total {
				t.Errorf("%d of %d users (-want +got)\n%s", len(page.Content), page.TotalElements, diff)
			}
		})
	}
}

func TestSearchSortsByEveryValueOfSortBy(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	// In the order of their ids: Ann Sam Uma Otto Pia Sue Bob Bea Cid Dot. Those that are equal keep that order both ways.
	for _, test := range []struct{ sortBy, ascending, descending string }{
		{"User Id", "Ann Sam Uma Otto Pia Sue Bob Bea Cid Dot", "Dot Cid Bea Bob Sue Pia Otto Uma Sam Ann"},
		{"Name", "Ann Bea Bob Cid Dot Otto Pia Sam Sue Uma", "Uma Sue Sam Pia Otto Dot Cid Bob Bea Ann"},
		{"Email", "Ann Bea Bob Cid Dot Otto Pia Sam Sue Uma", "Uma Sue Sam Pia Otto Dot Cid Bob Bea Ann"},
		// Active, Inactive, Pending, Suspended
		{"Status", "Ann Sam Otto Bob Bea Cid Dot Uma Pia Sue", "Sue Pia Uma Ann Sam Otto Bob Bea Cid Dot"},
		// Admin, Auditor, Staff, User
		{"Role", "Ann Bob Dot Otto Sam Cid Uma Pia Sue Bea", "Uma Pia Sue Bea Sam Cid Otto Ann Bob Dot"},
		{"Organization Name", "Ann Sam Uma Otto Pia Sue Bob Bea Cid Dot", "Dot Cid Bob Bea Ann Sam Uma Otto Pia Sue"},
		{"Devices Count", "Otto Pia Sue Bob Bea Cid Dot Sam Uma Ann", "Ann Uma Sam Otto Pia Sue Bob Bea Cid Dot"},
		// none, austria, France, Germany
		{"Country", "Otto Pia Sue Bob Bea Cid Dot Uma Sam Ann", "Ann Sam Uma Otto Pia Sue Bob Bea Cid Dot"},
		{"Registered At", "Pia Uma Ann Sam Otto Sue Bob Bea Cid Dot", "Dot Cid Bea Bob Sue Otto Sam Ann Uma Pia"},
		{"Phone Number", "Otto Pia Sue Bob Bea Cid Dot Uma Sam Ann", "Ann Sam Uma Otto Pia Sue Bob Bea Cid Dot"},
	} {
		t.Run(test.sortBy, func(t *testing.T) {
			for order, want := range map[string]string{"": test.ascending, "&sortOrder=ASC": test.ascending, "&sortOrder=DESC": test.descending} {
				page := read[organization.UserPage](t, get(h, world.Client(world.Acme), searchPath+"?query=.example&sortBy="+url.QueryEscape(test.sortBy)+order))
				if got := strings.Join(names(page), " "); got != want {
					t.Errorf("sorted by %s%s\n%s, want\n%s", test.sortBy, order, got, want)
				}
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		page := read[organization.UserPage](t, get(h, world.Client(world.Acme), searchPath+"?query=.example&sortOrder=DESC"))
		if got, want := strings.Join(names(page), " "), "Dot Cid Bea Bob Sue Pia Otto Uma Sam Ann"; got != want {
			t.Errorf("sorted DESC by nothing\n%s, want\n%s", got, want)
		}
	})
}

func TestGetUser(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	t.Run("with everything set", func(t *testing.T) {
		ann := w.User(t, world.AnnAdmin)
		got := read[organization.UserDetails](t, get(h, world.Client(world.Acme), userPath+"?userId=1001"))
		want := organization.UserDetails{
			ID: 1001, Name: "Ann Admin", Email: "Ann@Admin.example", Title: "Head of Things", NickName: "annie", PhoneNumber: "+4915112345",
			RoleID: 1, OrgID: 100, TimeZone: "Europe/Berlin", Locale: "de_DE", Status: "Active",
			LastModifiedTs: ann.UpdatedAt.UnixMilli(), LastLoggedAt: ann.LastLoginAt.UnixMilli(), RegisteredAt: ann.RegisteredAt.UnixMilli(), IsDev: true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the details (-want +got)\n%s", diff)
		}
	})
	t.Run("leaves out what is absent", func(t *testing.T) {
		got := strings.TrimSpace(get(h, world.Client(world.Acme), userPath+"?userId=1005").Body.String())
		pia := w.User(t, world.PiaPending)
		want := `{"id":1005,"name":"Pia Pending","email":"Pia@Pending.example","roleId":3,"orgId":100,"status":"Pending","lastModifiedTs":` +
			strconv.FormatInt(pia.UpdatedAt.UnixMilli(), 10) + `,"isDev":false}`
		if got != want {
			t.Errorf("the details are\n%s, want\n%s", got, want)
		}
	})
}

func TestETagsOfUsers(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	for _, test := range []struct {
		target string
		caller roster.Principal
	}{{userPath + "?userId=1001", world.Client(world.Acme)}, {profilePath, w.As(t, world.AnnAdmin)}} {
		tag := get(h, test.caller, test.target).Header().Get("ETag")
		if !strings.HasPrefix(tag, `"`) || len(tag) < 3 {
			t.Fatalf("the ETag of %s is %s, want a strong one", test.target, tag)
		}
		for header, want := range map[string]int{tag: 304, "W/" + tag: 304, "*": 304, `"x", ` + tag: 304, `"x"`: 200, "": 200, tag[1:]: 200} {
			answer := get(h, test.caller, test.target, "If-None-Match", header)
			if answer.Code != want || answer.Header().Get("ETag") != tag || (want == 304) != (answer.Body.Len() == 0) {
				t.Errorf("GET %s, If-None-Match: %s is answered %d %s %v, want %d", test.target, header, answer.Code, answer.Body, answer.Header(), want)
			}
		}
	}
	if pages := get(h, world.Client(world.Acme), listPath).Header(); pages.Get("ETag") != "" {
		t.Errorf("a page has the ETag %s", pages.Get("ETag"))
	}
}

func TestTheETagChangesWhenTimeAloneChangesTheStatus(t *testing.T) {
	w := world.New(t)
	now := world.Now
	h := organization.New(w.Directory, api.Options{Now: func() time.Time { return now }})
	before := get(h, world.Client(world.Acme), userPath+"?userId=1001")
	now = now.Add(roster.InactiveAfter)
	after := get(h, world.Client(world.Acme), userPath+"?userId=1001", "If-None-Match", before.Header().Get("ETag"))
	if got := read[organization.UserDetails](t, after); got.Status != "Inactive" {
		t.Errorf("the status is %s, want Inactive", got.Status)
	}
}
