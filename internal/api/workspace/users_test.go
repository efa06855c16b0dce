package workspace_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api/workspace"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

const aPublicKey = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

func TestAUserIsShownWhole(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	id, key := "0A1B2C3D4E5F6071", aPublicKey
	u := w.NewUser(t, world.Acme, roster.RoleStaff, func(u *roster.User) {
		u.DeviceType, u.DeviceUserID, u.PublicKey, u.ViewAll = roster.DeviceTypePSD, id, key, true
		u.CreatedAt, u.UpdatedAt = time.Date(2069, 5, 1, 10, 0, 0, 0, time.UTC), time.Date(2069, 6, 1, 11, 0, 0, 7_000_000, time.FixedZone("", 3600))
	})
	want := workspace.User{
		ID: workspace.UserID(u.ID), LegacyID: int64(u.ID), LegacyViewAll: true, WorkspaceName: "Acme", Name: u.Name, DeviceUserID: &id, DeviceType: "PSD",
		Role: "OPERATOR", PubKey: key, Status: "ACTIVE", CreatedAt: "2069-05-01T10:00:00.000Z", UpdatedAt: "2069-06-01T10:00:00.007Z",
	}
	for target, caller := range map[string]roster.Principal{
		pathOf(u.ID): world.Client(world.Acme), workspace.UsersPath + "/me": w.Principal(&u), strings.ToUpper(pathOf(u.ID)[7:]): w.As(t, world.AnnAdmin),
	} {
		if !strings.HasPrefix(target, "/") {
			target = workspace.UsersPath + "/" + target
		}
		if diff := cmp.Diff(want, read[workspace.User](t, get(h, caller, target))); diff != "" {
			t.Errorf("GET %s (-want +got)\n%s", target, diff)
		}
	}
	page := read[workspace.UserPage](t, get(h, w.Principal(&u), workspace.UsersPath+"?ids="+workspace.UserID(u.ID)))
	if diff := cmp.Diff(workspace.UserPage{Page: 1, PageSize: 30, Total: 1, Results: []workspace.User{want}}, page); diff != "" {
		t.Errorf("the list (-want +got)\n%s", diff)
	}
	// The keys are there whatever their values.
	body := get(h, world.Client(world.Acme), pathOf(w.User(t, world.SueSuspended).ID)).Body.String()
	for _, has := range []string{`"deviceUserId":null`, `"pubKey":""`, `"legacyViewAll":false`, `"status":"INACTIVE","isSuspended":true`, `"deviceType":"SOFT_PSD"`, `"role":"READ_ONLY_API_KEY"`} {
		if !strings.Contains(body, has) {
			t.Errorf("Sue is %s, want %s", body, has)
		}
	}
	body = get(h, world.Client(world.Acme), workspace.UsersPath+"?page=7").Body.String()
	if want := `{"page":7,"next":null,"prev":6,"pageSize":30,"total":7,"results":[]}` + "\n"; body != want {
		t.Errorf("a page behind the last is %s, want %s", body, want)
	}
}

func TestAPIUsersHaveNoDeviceUserID(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	u := w.NewUser(t, world.Acme, roster.RoleUser, func(u *roster.User) { u.DeviceType, u.DeviceUserID = roster.DeviceTypeAPI, "left over" })
	if shown := read[workspace.User](t, get(h, w.Principal(&u), workspace.UsersPath+"/me")); shown.DeviceUserID != nil || shown.DeviceType != "API" {
		t.Errorf("the API user is %+v", shown)
	}
}

func TestTheEntityTagChangesWhenTheAnswerDoes(t *testing.T) {
	w := world.New(t)
	now := world.Now
	h := workspace.New(w.Directory, workspace.Options{Now: func() time.Time { return now }})
	p, path := world.Client(world.Acme), pathOf(w.User(t, world.SamStaff).ID)
	first := get(h, p, path).Header().Get("ETag")
	again := get(h, p, path, "If-None-Match", `"x", W/`+first)
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 || again.Header().Get("ETag") != first {
		t.Errorf("with the tag that it has: %d %s", again.Code, again.Body)
	}
	now = now.Add(roster.InactiveAfter) // Sam becomes inactive by time alone
	second := get(h, p, path, "If-None-Match", first)
	if second.Code != http.StatusOK || second.Header().Get("ETag") == first {
		t.Errorf("after the status changed: %d %s", second.Code, second.Header().Get("ETag"))
	}
	before := w.User(t, world.SamStaff)
	after := before
	after.Name = "Sam Other"
	if _, err := w.Table.UpdateUser(t.Context(), before, after, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if third := get(h, p, path, "If-None-Match", second.Header().Get("ETag")); third.Code != http.StatusOK || third.Header().Get("ETag") == second.Header().Get("ETag") {
		t.Errorf("after the name changed: %d", third.Code)
	}
}

// TestATransferredOrDeletedCallerIsNobody holds that the caller's user is read from the table, whatever the token and the replica say.
func TestATransferredOrDeletedCallerIsNobody(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	u := w.NewUser(t, world.Acme, roster.RoleAdmin)
	token := w.Principal(&u)
	if page := read[workspace.UserPage](t, get(h, token, workspace.UsersPath)); page.Total != 7 {
		t.Fatalf("the Admin sees %d users, want 7", page.Total)
	}
	demoted := u
	demoted.Roles = []roster.RoleID{roster.RoleUser}
	demoted, err := w.Table.UpdateUser(t.Context(), u, demoted, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	// The token still has an Admin's permissions.
	if page := read[workspace.UserPage](t, get(h, token, workspace.UsersPath)); page.Total != 1 || page.Results[0].ID != workspace.UserID(u.ID) {
		t.Errorf("the Admin who is one no more sees %+v, want itself", page)
	}
	refuse(t, get(h, token, pathOf(w.User(t, world.UmaUser).ID)), 404, "NOT_FOUND", "Not found")
	moved := demoted
	moved.Path = world.Path(world.Birch)
	if moved, err = w.Table.UpdateUser(t.Context(), demoted, moved, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{workspace.UsersPath, workspace.UsersPath + "/me", pathOf(u.ID)} {
		refuse(t, get(h, token, target), 401, "UNAUTHORIZED", "the token's user belongs to another organization by now")
	}
	if _, err := w.Table.DeleteUser(t.Context(), moved, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{workspace.UsersPath, workspace.UsersPath + "/me", pathOf(u.ID)} {
		refuse(t, get(h, token, target), 401, "UNAUTHORIZED", "the token's user is no longer there")
	}
}
