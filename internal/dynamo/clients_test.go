package dynamo_test

import (
	"testing"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// TestAServiceUserComesWithItsClientOrNotAtAll lets each half of the transaction fail.
func TestAServiceUserComesWithItsClientOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	client := func(id roster.ClientID) roster.Client {
		return roster.Client{ID: id, Path: w.child, Name: "Robot", SecretHash: [32]byte{1}}
	}
	robot := rostertest.User(w.child, 30)
	robot.ID = 0
	user, made, err := w.CreateServiceUser(t.Context(), roster.NewUser{User: robot}, client("robot"), rostertest.Stamp())
	if err != nil || user.ID == 0 || made.ServiceUser != user.ID || made.Tenant != user.Tenant || made.CreatedAt.IsZero() {
		t.Fatalf("CreateServiceUser = %+v, %+v, %v", user, made, err)
	}
	if stored, err := w.Client(t.Context(), "robot"); err != nil || stored.ServiceUser != user.ID || stored.Path.String() != w.child.String() {
		t.Errorf("the client is %+v, %v", stored, err)
	}
	if stored, err := w.User(t.Context(), user.Tenant, user.ID); err != nil || stored.Email != robot.Email {
		t.Errorf("the user is %+v, %v", stored, err)
	}

	_, _, err = w.CreateServiceUser(t.Context(), roster.NewUser{User: robot}, client("other"), rostertest.Stamp())
	wantKind(t, "a taken address", err, roster.KindConflict)
	other := rostertest.User(w.child, 31)
	_, _, err = w.CreateServiceUser(t.Context(), roster.NewUser{User: other}, client("robot"), rostertest.Stamp())
	wantKind(t, "a taken client id", err, roster.KindConflict)
	other.Path = roster.OrgPath{w.root[0], 4711}
	_, _, err = w.CreateServiceUser(t.Context(), roster.NewUser{User: other}, client("other"), rostertest.Stamp())
	wantKind(t, "an organization that is not there", err, roster.KindNotFound)
	_, err = w.Client(t.Context(), "other")
	wantKind(t, "the client without a user", err, roster.KindNotFound)
	_, err = w.User(t.Context(), 7, other.ID)
	wantKind(t, "the user without a client", err, roster.KindNotFound)
	clients, err := w.Clients(t.Context(), 7)
	if err != nil || len(clients) != 2 {
		t.Errorf("the tenant has the clients %v, %v, want its first one and the robot", clients, err)
	}
}
