package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/changes"
	"github.com/rosterhq/roster/internal/lambdaio"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// about returns a change of a sample event to one that is about the tenant at hand: its organization in the place of the sample's
// 101 and 704, and a user in the place of the sample's, in the state of that entity tag.
func (h *house) about(user roster.UserID, etag string) func(*lambdaio.Request) {
	org := h.tenant.Organization.ID.String()
	return func(e *lambdaio.Request) {
		e.Body = strings.NewReplacer(`"orgId":101`, `"orgId":`+org, `"targetOrgId":704`, `"targetOrgId":`+org, "4810363371520", user.String()).Replace(e.Body)
		for _, lists := range []map[string][]string{e.MultiValueQueryStringParameters, e.MultiValueHeaders} {
			if lists["userId"] != nil {
				lists["userId"] = []string{user.String()}
			}
			if lists["If-Match"] != nil && etag != "" {
				lists["If-Match"] = []string{etag}
			}
		}
	}
}

// etagOf returns the entity tag of a user as it stands.
func (h *house) etagOf(t *testing.T, token string, user roster.UserID) string {
	t.Helper()
	response := h.ask(t, "organization-user.json", token, h.about(user, ""))
	if response.StatusCode != http.StatusOK || len(response.MultiValueHeaders["Etag"]) != 1 {
		t.Fatalf("user %s: %d %v %s", user, response.StatusCode, response.MultiValueHeaders, response.Body)
	}
	return response.MultiValueHeaders["Etag"][0]
}

// TestWritesFromTokenToAnswer takes every sample of a write through the functions, one after the other.
func TestWritesFromTokenToAnswer(t *testing.T) {
	h := build(t)
	token := h.token(t, "tokens-client-credentials.json")
	h.ask(t, "organization-list.json", token, nil) // loads the replica, which must see what follows

	created := h.ask(t, "organization-create-in-org.json", token, h.about(0, ""))
	var user struct {
		ID    roster.UserID
		Email string
	}
	if err := json.Unmarshal([]byte(created.Body), &user); err != nil || created.StatusCode != http.StatusCreated || user.ID == 0 {
		t.Fatalf("create-in-org: %d %s (%v)", created.StatusCode, created.Body, err)
	}
	again := h.ask(t, "organization-create-in-org.json", token, h.about(0, ""))
	if again.StatusCode != http.StatusCreated || again.Body != created.Body {
		t.Errorf("the same key and body again: %d %s, want the first answer", again.StatusCode, again.Body)
	}
	other := h.ask(t, "organization-create-in-org.json", token, func(e *lambdaio.Request) {
		h.about(0, "")(e)
		e.Body = strings.Replace(e.Body, "zoe.lind", "zoe.other", 1)
	})
	if other.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the same key, another body: %d %s, want 422", other.StatusCode, other.Body)
	}
	list := h.ask(t, "organization-list.json", token, nil)
	if !strings.Contains(list.Body, user.Email) || !strings.Contains(list.Body, `"totalElements":2`) {
		t.Errorf("the same environment's list does not have the new user at once: %s", list.Body)
	}
	for _, step := range []struct {
		file   string
		status int
	}{
		{"organization-role.json", http.StatusOK},
		{"organization-transfer.json", http.StatusCreated},
		{"organization-status.json", http.StatusOK},
		{"organization-remove.json", http.StatusNoContent},
	} {
		stale := h.ask(t, step.file, token, h.about(user.ID, `"999-1"`))
		if stale.StatusCode != http.StatusPreconditionFailed {
			t.Errorf("%s of a state that is not there: %d %s, want 412", step.file, stale.StatusCode, stale.Body)
		}
		response := h.ask(t, step.file, token, h.about(user.ID, h.etagOf(t, token, user.ID)))
		if response.StatusCode != step.status {
			t.Fatalf("%s: %d %s, want %d", step.file, response.StatusCode, response.Body, step.status)
		}
	}
	for _, step := range []struct {
		file   string
		status int
		has    string
	}{
		{"organization-restore.json", http.StatusOK, user.Email},
		{"organization-create.json", http.StatusOK, user.Email}, // the address has an account
		{"organization-create-organization.json", http.StatusCreated, `"name":"Sales"`},
		{"organization-organizations.json", http.StatusOK, `"name":"Sales"`},
		{"organization-roles.json", http.StatusOK, `"Admin"`},
		{"organization-audit.json", http.StatusOK, `"content":[`},
	} {
		response := h.ask(t, step.file, token, h.about(user.ID, ""))
		if response.StatusCode != step.status || !strings.Contains(response.Body, step.has) {
			t.Errorf("%s: %d %s, want %d with %s", step.file, response.StatusCode, response.Body, step.status, step.has)
		}
	}
	if strings.Contains(h.log.String(), "a sample password") || strings.Contains(h.log.String(), "argon2id") {
		t.Errorf("a password is in the log:\n%s", h.log)
	}
}

// TestRetentionIsTheFunctionsOwn holds that the days of the environment get to the table.
func TestRetentionIsTheFunctionsOwn(t *testing.T) {
	env := environment(rostertest.CreateTable(t), rostertest.Endpoint(t), "ROSTER_DELETED_RETENTION_DAYS", "2")
	config, err := app.Load(env, app.Retention)
	if err != nil {
		t.Fatal(err)
	}
	clock := rostertest.NewClock(time.Time{})
	table := config.NewTable(clock.Now, nil)
	tenant, err := table.CreateTenant(t.Context(), rostertest.Tenant(7), rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	user, _, err := table.CreateUser(t.Context(), roster.NewUser{User: rostertest.User(tenant.Organization.Path, 42)}, rostertest.Stamp(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.DeleteUser(t.Context(), user, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	clock.Advance(47 * time.Hour)
	if _, err := table.UserEvenDeleted(t.Context(), 7, 42); err != nil {
		t.Errorf("after 47 hours: %v", err)
	}
	clock.Advance(2 * time.Hour)
	if _, err := table.UserEvenDeleted(t.Context(), 7, 42); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("after 49 hours: %v, want not found", err)
	}
}

// environment returns the lookup of a function's environment on a table, with more names and values.
func environment(table, endpoint string, more ...string) func(string) string {
	env := map[string]string{
		"ROSTER_TABLE": table, "ROSTER_DYNAMODB_ENDPOINT": endpoint, "AWS_REGION": "local",
		"AWS_ACCESS_KEY_ID": "roster", "AWS_SECRET_ACCESS_KEY": "local",
	}
	for i := 0; i+1 < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return func(name string) string { return env[name] }
}

// TestSampleBatchesBecomeEntries gives the samples, which were recorded from a stream, to the function, each of them twice.
func TestSampleBatchesBecomeEntries(t *testing.T) {
	name := rostertest.CreateTable(t)
	clock := rostertest.NewClock(time.Date(2026, time.November, 21, 10, 16, 0, 0, time.UTC))
	var log strings.Builder
	env := app.Environment{Getenv: environment(name, rostertest.Endpoint(t)), Log: &log, Now: clock.Now}
	function, err := changes.New(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../events/changes-*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range append(files, files...) {
		out, err := function.Invoke(t.Context(), sample(t, filepath.Base(file)))
		if err != nil || string(out) != `{"batchItemFailures":[]}` {
			t.Fatalf("%s: %s, %v\n%s", file, out, err, &log)
		}
	}
	config, err := app.Load(env.Getenv, app.Retention)
	if err != nil {
		t.Fatal(err)
	}
	page, err := config.NewTable(clock.Now, nil).AuditEntries(t.Context(), 7, 7, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Entries {
		var fields []string
		for _, f := range e.Fields {
			if strings.Contains(f.Old+f.New, "argon2id") {
				t.Errorf("a password is in an entry: %+v", e)
			}
			if e.Action != roster.ActionUserCreated {
				fields = append(fields, f.Field+" "+f.Old+" to "+f.New)
			}
		}
		got = append(got, fmt.Sprintf("%s %s %d by %q via %q: %s", e.Action, e.Subject, e.Version, e.Stamp.By, e.Stamp.Via, strings.Join(fields, ", ")))
	}
	want := []string{
		`user.purged user:42 4 by "expiry" via "expiry": `,
		`user.deleted user:42 3 by "client:roster-sample-client" via "organization": `,
		`password.changed user:42 2 by "user:42" via "password": `,
		`user.updated user:42 2 by "client:roster-sample-client" via "organization": title  to Field engineer, roles 3 to 2`,
		`user.created user:42 1 by "client:roster-sample-client" via "organization": `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}
