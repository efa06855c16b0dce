package app_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	dialect "github.com/rosterhq/roster/internal/api/global"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func (h *house) askGlobal(t testing.TB, file, token string, change func(*lambdaio.Request)) lambdaio.Response {
	t.Helper()
	return h.askOf(t, h.global, file, token, change)
}

// readGlobal decodes a page of the global dialect.
func readGlobal(t testing.TB, response lambdaio.Response) dialect.UserList {
	t.Helper()
	var list dialect.UserList
	if err := json.Unmarshal([]byte(response.Body), &list); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the list: %d %s (%v)", response.StatusCode, response.Body, err)
	}
	return list
}

// TestGlobalFromTokenToAnswer takes every sample of the global dialect through the function, before and after somebody is made and
// deleted through another.
func TestGlobalFromTokenToAnswer(t *testing.T) {
	h := build(t)
	token := h.token(t, "tokens-client-credentials.json")
	everybody := func() []int64 {
		var ids []int64
		for _, u := range readGlobal(t, h.askGlobal(t, "global-list.json", token, nil)).Collection {
			ids = append(ids, u.ID)
		}
		return ids
	}
	admin := int64(h.tenant.Admin.ID)
	if got := everybody(); !slices.Equal(got, []int64{admin}) { // loads the replica, which must see what follows
		t.Fatalf("at first the list is %d, want the Admin alone", got)
	}
	created := h.ask(t, "organization-create-in-org.json", token, h.about(0, ""))
	var user struct{ ID int64 }
	if err := json.Unmarshal([]byte(created.Body), &user); err != nil || created.StatusCode != http.StatusCreated {
		t.Fatalf("create-in-org: %d %s (%v)", created.StatusCode, created.Body, err)
	}
	if got := everybody(); !slices.Equal(got, []int64{user.ID, admin}) {
		t.Errorf("after a creation the list is %d, want %d", got, []int64{user.ID, admin})
	}
	filtered := readGlobal(t, h.askGlobal(t, "global-list-filtered.json", token, nil))
	if len(filtered.Collection) != 1 || filtered.Collection[0].ID != admin || *filtered.Meta.Count != 1 || len(filtered.Included.OrganizationRole) != 1 || len(filtered.Included.OrganizationRole[0].Permissions) < 30 {
		t.Errorf("the filters find %+v", filtered)
	}
	if got := readGlobal(t, h.askGlobal(t, "global-list-clients.json", token, nil)); len(got.Collection) != 0 {
		t.Errorf("there are deleted users of clients: %+v", got)
	}
	removed := h.ask(t, "organization-remove.json", token, func(e *lambdaio.Request) {
		id := strconv.FormatInt(user.ID, 10)
		e.QueryStringParameters, e.MultiValueQueryStringParameters = map[string]string{"userId": id}, map[string][]string{"userId": {id}}
		delete(e.MultiValueHeaders, "If-Match")
	})
	if removed.StatusCode != http.StatusNoContent {
		t.Fatalf("remove: %d %s", removed.StatusCode, removed.Body)
	}
	deleted := readGlobal(t, h.askGlobal(t, "global-list.json", token, func(e *lambdaio.Request) {
		e.MultiValueQueryStringParameters = map[string][]string{"is_deleted": {"true"}}
	}))
	if got := everybody(); !slices.Equal(got, []int64{admin}) || len(deleted.Collection) != 1 || deleted.Collection[0].ID != user.ID || deleted.Collection[0].IsActive {
		t.Errorf("after a removal the list is %d, and that of the deleted %+v", got, deleted)
	}
	for _, secret := range []string{h.clientSecret, token, "starts:"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	if !strings.Contains(h.log.String(), `"route":"GET /api/global/v1/system/users/{type}"`) {
		t.Errorf("the log does not name the route:\n%s", h.log)
	}
}

// TestGlobalFailures asks for what there is not, badly, and as nobody.
func TestGlobalFailures(t *testing.T) {
	h := build(t)
	token := h.token(t, "tokens-client-credentials.json")
	for name, test := range map[string]struct {
		change func(*lambdaio.Request)
		status int
		has    string
	}{
		"another type": {func(e *lambdaio.Request) {
			e.Path, e.PathParameters["type"] = strings.Replace(e.Path, "any", "everyone", 1), "everyone"
		}, http.StatusNotFound, `{"errors":[{"type":"application","message":"path not found"}]}`},
		"a bad filter": {func(e *lambdaio.Request) {
			e.MultiValueQueryStringParameters = map[string][]string{"filter": {"id:1", "id{gt:'x'}"}}
		}, http.StatusBadRequest, `"details":[{"key":"filter[1].id.gt","message":"must be an integer`},
		"nobody": {func(e *lambdaio.Request) { e.RequestContext.Authorizer = nil }, http.StatusUnauthorized, `"message":"a bearer token is required"`},
	} {
		response := h.askGlobal(t, "global-list.json", token, func(e *lambdaio.Request) { test.change(e) })
		if response.StatusCode != test.status || !strings.Contains(response.Body, test.has) {
			t.Errorf("%s: %d %s, want %d with %s", name, response.StatusCode, response.Body, test.status, test.has)
		}
	}
}
