package organization_test

import (
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// setPassword gives the user that the caller speaks for a password.
func setPassword(t testing.TB, w *world.World, p roster.Principal, password string) {
	t.Helper()
	credential := roster.Credential{Tenant: p.Tenant, User: p.User, PasswordHash: world.HashOf(password), ChangedAt: world.Now}
	if err := w.Table.PutCredential(t.Context(), credential, roster.Stamp{By: "test", Via: "test"}); err != nil {
		t.Fatal(err)
	}
}

func TestChangeOnesOwnPassword(t *testing.T) {
	w := world.New(t)
	h, log := logged(w.Directory)
	bea := w.As(t, world.BeaUser)
	setPassword(t, w, bea, "bea's old password")
	for _, test := range []struct {
		name   string
		caller roster.Principal
		body   string
		status int
		want   string
	}{
		{"of nobody", world.Client(world.Birch), `{"oldPassword":"bea's old password","newPassword":"bea's new password"}`, 403, "this needs a token that speaks for a user"},
		{"of somebody Pending", w.As(t, world.PiaPending), `{"oldPassword":"bea's old password","newPassword":"bea's new password"}`, 403, "only an active user can do this"},
		{"of somebody without one", w.As(t, world.BobAdmin), `{"oldPassword":"bob's guessed password","newPassword":"bob's new password"}`, 400, "oldPassword is not your password"},
		{"by a wrong one", bea, `{"oldPassword":"bea's guessed password","newPassword":"bea's new password"}`, 400, "oldPassword is not your password"},
		{"by the right one", bea, `{"oldPassword":"bea's old password","newPassword":"bea's new password"}`, 204, ""},
		{"by the one before", bea, `{"oldPassword":"bea's old password","newPassword":"bea's next password"}`, 400, "oldPassword is not your password"},
		{"again", bea, `{"oldPassword":"bea's new password","newPassword":"bea's next password"}`, 204, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := send(h, test.caller, "PUT", passwordPath, test.body)
			if answer.Code != test.status || test.status == 204 && answer.Body.Len() != 0 {
				t.Fatalf("the answer is %d %s, want %d", answer.Code, answer.Body, test.status)
			}
			if test.status != 204 && failure(t, answer) != test.want {
				t.Errorf("the answer is %s, want %q", answer.Body, test.want)
			}
		})
	}
	stored, err := w.Table.Credential(t.Context(), bea.Tenant, bea.User)
	if err != nil || stored.PasswordHash != world.HashOf("bea's next password") || !stored.ChangedAt.Equal(world.Now) {
		t.Errorf("the password is %+v, %v", stored, err)
	}
	if strings.Contains(log.String(), "'s old") || strings.Contains(log.String(), "'s new") || strings.Contains(log.String(), "guessed") || !strings.Contains(log.String(), `"status":204`) {
		t.Errorf("the log is %s", log)
	}
}
