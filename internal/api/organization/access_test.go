package organization_test

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// TestWhoSeesWhom is the matrix of callers and users: 200 where the user is in the caller's tree, and otherwise 404, in
// the very words of a user that does not exist; 403 for who lacks the permission, whoever is asked for.
func TestWhoSeesWhom(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	targets := []string{world.AnnAdmin, world.BobAdmin, world.CidStaff, world.DotAdmin, world.EveAdmin}
	unknown := get(h, world.Client(world.Acme), userPath+"?userId=424242")
	if got := failure(t, unknown); unknown.Code != 404 || got != "user not found" {
		t.Fatalf("an unknown user is answered %d %q", unknown.Code, got)
	}
	for _, test := range []struct {
		name   string
		caller roster.Principal
		want   []int // by target
	}{
		{"client of Acme", world.Client(world.Acme), []int{200, 200, 200, 200, 404}},
		{"client of Birch", world.Client(world.Birch), []int{404, 200, 200, 404, 404}},
		{"client of Cedar", world.Client(world.Cedar), []int{404, 404, 200, 404, 404}},
		{"client of Dogwood", world.Client(world.Dogwood), []int{404, 404, 404, 200, 404}},
		{"client of Elm", world.Client(world.Elm), []int{404, 404, 404, 404, 200}},
		{world.AnnAdmin, w.As(t, world.AnnAdmin), []int{200, 200, 200, 200, 404}},
		{world.SamStaff, w.As(t, world.SamStaff), []int{200, 200, 200, 200, 404}},
		{world.OttoAuditor, w.As(t, world.OttoAuditor), []int{200, 200, 200, 200, 404}},
		{world.BobAdmin, w.As(t, world.BobAdmin), []int{404, 200, 200, 404, 404}},
		{world.CidStaff, w.As(t, world.CidStaff), []int{404, 404, 200, 404, 404}},
		{world.EveAdmin, w.As(t, world.EveAdmin), []int{404, 404, 404, 404, 200}},
		{world.UmaUser, w.As(t, world.UmaUser), []int{403, 403, 403, 403, 403}},
		{world.BeaUser, w.As(t, world.BeaUser), []int{403, 403, 403, 403, 403}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, target := range targets {
				answer := get(h, test.caller, userPath+"?userId="+w.User(t, target).ID.String())
				if answer.Code != test.want[i] {
					t.Errorf("asking for %s is answered %d %s, want %d", target, answer.Code, answer.Body, test.want[i])
				}
				if answer.Code == 404 && !bytes.Equal(answer.Body.Bytes(), unknown.Body.Bytes()) {
					t.Errorf("%s is hidden with %s, an unknown user with %s", target, answer.Body, unknown.Body)
				}
				// How long the table took is nobody's secret.
				answer.Header().Del("Server-Timing")
				unknown.Header().Del("Server-Timing")
				if answer.Code == 404 && !cmp.Equal(answer.Header(), unknown.Header()) {
					t.Errorf("%s is hidden with %v, an unknown user with %v", target, answer.Header(), unknown.Header())
				}
			}
		})
	}
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	for _, target := range []string{listPath, searchPath + "?query=a", userPath + "?userId=1001", userPath + "?userId=424242"} {
		answer := get(h, w.As(t, world.UmaUser), target)
		if got := failure(t, answer); answer.Code != 403 || got != "this needs the permission ORG_VIEW_USERS" {
			t.Errorf("GET %s is answered %d %q, want 403", target, answer.Code, got)
		}
	}
}

func TestWithoutAPrincipal(t *testing.T) {
	h := serve(t, world.New(t).Directory)
	for _, line := range []string{
		"GET " + profilePath, "GET " + listPath, "GET " + searchPath, "GET " + userPath, "GET " + organizationsPath, "GET " + rolesPath, "GET " + auditPath,
		"POST " + createPath, "POST " + createInOrgPath, "PUT " + rolePath, "POST " + transferPath, "PUT " + statusPath, "DELETE " + listPath,
		"POST " + restorePath, "POST " + createOrgPath,
	} {
		method, target, _ := strings.Cut(line, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader("{}")))
		if w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s without a principal is answered %d %v, want 401", line, w.Code, w.Header())
		}
	}
}
