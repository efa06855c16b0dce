package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// calls is what a use of the table costs: requests, RRU, WRU of the table for single writes, and legs of transactions. A
// leg is 2 WRU per KB at DynamoDB. That is counted here, because DynamoDB Local reports less for two items of one
// partition, and its figures for the indexes in a transaction are no more to be relied on.
type calls struct {
	calls         int
	reads, writes float64
	legs          int
}

// legCounter counts the legs of the transactions that go through it.
type legCounter struct{ legs int }

func (c *legCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		var transaction struct{ TransactItems []json.RawMessage }
		if err := json.Unmarshal(body, &transaction); err != nil {
			return nil, err
		}
		c.legs += len(transaction.TransactItems)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestCostsDoNotGrow pins what each access pattern costs, in a tenant of few users and in one of many.
func TestCostsDoNotGrow(t *testing.T) {
	t.Parallel()
	for name, users := range map[string]int{"few": 10, "many": 2000} {
		t.Run(name, func(t *testing.T) {
			counter := &legCounter{}
			w := newWorld(t, rostertest.WithTransport(counter))
			for first := 0; first < users; first += 500 {
				if err := dynamo.FirstError(w.CreateUsers(t.Context(), newUsers(w.child, 1000+first, min(500, users)), rostertest.Stamp())); err != nil {
					t.Fatal(err)
				}
			}
			w.clock.Advance(time.Hour)
			pinCosts(t, w, counter)
		})
	}
}

func pinCosts(t *testing.T, w *world, counter *legCounter) {
	t.Helper()
	pin := func(what string, want calls, do func(context.Context) error) {
		t.Helper()
		counter.legs = 0
		cost := rostertest.CostOf(t, do)
		if counter.legs > 0 {
			cost.TableWrites = 0
		}
		got := calls{cost.Calls, cost.Reads, cost.TableWrites, counter.legs}
		if got != want {
			t.Errorf("%s costs %+v, want %+v", what, got, want)
		}
		rostertest.NoteCost(t, rostertest.PinnedCost{What: what, Calls: got.calls, Reads: got.reads, Writes: got.writes, Legs: got.legs})
	}
	pinCreations(t, w, counter, pin)
	pinReads(t, w, pin)
	pinChanges(t, w, pin)
	pinAudit(t, w, pin)
	pinMessages(t, w, pin)
	pinDevices(t, w, pin)
}

type pinner func(what string, want calls, do func(context.Context) error)

// pinCreations leaves the users 10 and 11 in organization 8.
func pinCreations(t *testing.T, w *world, counter *legCounter, pin pinner) {
	t.Helper()
	create := func(table *dynamo.Table, n int, o *roster.Once, changes ...func(*roster.User)) func(context.Context) error {
		return func(ctx context.Context) error {
			_, _, err := table.CreateUser(ctx, newcomer(rostertest.User(w.child, n, changes...)), rostertest.Stamp(), o)
			return err
		}
	}
	own := roster.Organization{Tenant: 7, Path: w.child, Name: "Own"}
	pin("CreateUser", calls{1, 0, 0, 3}, create(w.Table, 10, nil))
	pin("CreateUser in an organization not seen before", calls{2, 1, 0, 3}, create(w.over(t, rostertest.WithTransport(counter)), 11, nil))
	pin("CreateUser with a record", calls{1, 0, 0, 4}, create(w.Table, 12, once(1, 1)))
	pin("CreateUser with an identity", calls{1, 0, 0, 4}, create(w.Table, 13, nil, func(u *roster.User) { u.Identities = []roster.Identity{identity("13")} }))
	pin("CreateUser of an Admin of the root", calls{2, 1, 0, 4}, create(w.Table, 14, nil, admin, func(u *roster.User) { u.Path = w.root }))
	pin("CreateUserWithOrganization", calls{1, 0, 0, 4}, func(ctx context.Context) error {
		_, _, _, err := w.CreateUserWithOrganization(ctx, own, newcomer(rostertest.User(w.child, 15)), rostertest.Stamp(), nil)
		return err
	})
	pin("CreateUserWithOrganization with a record", calls{1, 0, 0, 5}, func(ctx context.Context) error {
		_, _, _, err := w.CreateUserWithOrganization(ctx, own, newcomer(rostertest.User(w.child, 16)), rostertest.Stamp(), once(2, 1))
		return err
	})
	pin("CreateOrganization", calls{1, 0, 1, 0}, func(ctx context.Context) error {
		_, _, err := w.CreateOrganization(ctx, own, rostertest.Stamp(), nil)
		return err
	})
	pin("CreateIntegration", calls{1, 0, 0, 3}, func(ctx context.Context) error {
		client := roster.Client{ID: "integration-8", Tenant: 7, Path: w.root, Name: "Sync", Integration: true}
		_, _, err := w.CreateIntegration(ctx, client, roster.IntegrationToken{ID: "a", Tenant: 7, Client: client.ID}, rostertest.Stamp())
		return err
	})
	pin("CreateIntegrationToken", calls{1, 0, 1, 0}, func(ctx context.Context) error {
		_, err := w.CreateIntegrationToken(ctx, roster.IntegrationToken{ID: "b", Tenant: 7, Client: "integration-8"}, rostertest.Stamp())
		return err
	})
	pin("RevokeIntegrationToken", calls{1, 0, 1, 0}, func(ctx context.Context) error {
		return w.RevokeIntegrationToken(ctx, 7, "integration-8", "b", w.clock.Now(), rostertest.Stamp())
	})
	pin("CreateWarehouse", calls{1, 0, 1, 0}, func(ctx context.Context) error {
		_, err := w.CreateWarehouse(ctx, roster.Warehouse{Tenant: 7, Name: "East"}, rostertest.Stamp())
		return err
	})
	pin("CreateOrganization with a record", calls{1, 0, 0, 2}, func(ctx context.Context) error {
		_, _, err := w.CreateOrganization(ctx, own, rostertest.Stamp(), once(3, 1))
		return err
	})
}

func pinReads(t *testing.T, w *world, pin pinner) {
	t.Helper()
	pin("User", calls{1, 1, 0, 0}, func(ctx context.Context) error { _, err := w.User(ctx, 7, 10); return err })
	pin("EmailOwner", calls{1, 1, 0, 0}, func(ctx context.Context) error {
		_, _, err := w.EmailOwner(ctx, rostertest.User(w.child, 10).Email)
		return err
	})
	pin("Credential", calls{1, 1, 0, 0}, func(ctx context.Context) error { _, err := w.Credential(ctx, 7, 10); return err })
	pin("Client", calls{1, 0.5, 0, 0}, func(ctx context.Context) error { _, err := w.Client(ctx, "client-7"); return err })
	integration := roster.Client{ID: "integration-7", Tenant: 7, Path: w.root, Name: "Sync", Integration: true}
	if _, _, err := w.CreateIntegration(t.Context(), integration, roster.IntegrationToken{ID: "a", Tenant: 7, Client: integration.ID}, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	pin("IntegrationToken", calls{1, 0.5, 0, 0}, func(ctx context.Context) error { _, err := w.IntegrationToken(ctx, integration.ID, "a"); return err })
	pin("TokenRevoked", calls{1, 0.5, 0, 0}, func(ctx context.Context) error { _, err := w.TokenRevoked(ctx, "x"); return err })
	pin("a built-in Role", calls{}, func(ctx context.Context) error { _, err := w.Role(ctx, 7, roster.RoleUser); return err })
	if _, err := w.CreateWarehouse(t.Context(), roster.Warehouse{Tenant: 7, ID: 6, Name: "East"}, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	pin("Warehouses", calls{1, 1, 0, 0}, func(ctx context.Context) error { _, err := w.Warehouses(ctx, 7); return err })
	pin("UsersOf", calls{1, 0.5, 0, 0}, func(ctx context.Context) error { _, _, err := w.UsersOf(ctx, 7, 8, 0, 5); return err })
	// One change in each shard, since DynamoDB Local reports nothing for an answer of nothing. DynamoDB charges the same.
	w.clock.Advance(time.Minute)
	for n := range roster.Shards {
		w.create(t, w.child, 20+n)
	}
	pin("a look at the feed", calls{roster.Shards, 0.5 * roster.Shards, 0, 0}, func(ctx context.Context) error {
		for shard := range roster.Shards {
			if err := w.Changes(ctx, 7, shard, w.clock.Now(), func(roster.Change) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}

func pinChanges(t *testing.T, w *world, pin pinner) {
	t.Helper()
	w.clock.Advance(time.Second)
	if _, err := w.Organization(t.Context(), 7, 7); err != nil { // as a use case would have, to know the path
		t.Fatal(err)
	}
	pin("RecordLogin", calls{1, 0, 1, 0}, func(ctx context.Context) error { return w.RecordLogin(ctx, 7, 11, w.clock.Now()) })
	user, err := w.User(t.Context(), 7, 10)
	if err != nil {
		t.Fatal(err)
	}
	change := func(what string, want calls, change func(*roster.User)) {
		t.Helper()
		pin(what, want, func(ctx context.Context) error {
			before, after := user, *user.Clone()
			change(&after)
			var err error
			user, err = w.UpdateUser(ctx, before, after, rostertest.Stamp())
			return err
		})
	}
	remove := func(ctx context.Context) (err error) {
		user, err = w.DeleteUser(ctx, user, rostertest.Stamp())
		return err
	}
	restore := func(ctx context.Context) (err error) {
		user, err = w.RestoreUser(ctx, user, rostertest.Stamp())
		return err
	}
	alone := calls{1, 0, 1, 0}

	change("a patch", alone, func(u *roster.User) { u.Title = "CEO" })
	change("a change of role", alone, func(u *roster.User) { u.Roles = []roster.RoleID{roster.RoleStaff} })
	change("the role Admin below the root", alone, admin)
	change("a suspension", alone, func(u *roster.User) { u.Status = roster.StatusSuspended })
	change("a transfer", alone, func(u *roster.User) { u.Path = w.root })
	change("an Admin who may act again", calls{1, 0, 0, 2}, func(u *roster.User) { u.Status = roster.StatusActive })
	change("an Admin who becomes Staff", calls{1, 0, 0, 2}, func(u *roster.User) { u.Roles = []roster.RoleID{roster.RoleStaff} })
	change("a new e-mail address", calls{1, 0, 0, 3}, func(u *roster.User) { u.Email = "other@example.com" })
	change("a new identity", calls{1, 0, 0, 2}, func(u *roster.User) { u.Identities = []roster.Identity{identity("10")} })
	change("a transfer of a user with an identity", calls{1, 0, 0, 3}, func(u *roster.User) { u.Path = w.child })
	change("without the identity", calls{1, 0, 0, 2}, func(u *roster.User) { u.Identities = nil })
	pin("DeleteUser", calls{1, 0, 0, 3}, remove)
	pin("RestoreUser", calls{1, 0, 0, 2}, restore)
	change("an Admin by transfer", calls{1, 0, 0, 2}, func(u *roster.User) { u.Path = w.root; admin(u) })
	pin("DeleteUser of an Admin", calls{1, 0, 0, 4}, remove)
	pin("RestoreUser of an Admin", calls{1, 0, 0, 3}, restore)
	pin("PutCredential", calls{1, 0, 0, 2}, func(ctx context.Context) error {
		return w.PutCredential(ctx, roster.Credential{Tenant: 7, User: 11, PasswordHash: "x"}, rostertest.Stamp())
	})
}

func pinAudit(t *testing.T, w *world, pin pinner) {
	t.Helper()
	pin("PutAudit of five", calls{1, 0, 5, 0}, func(ctx context.Context) error { return w.PutAudit(ctx, w.entries(5)) })
	pin("PutAudit of a password", calls{2, 1, 1, 0}, func(ctx context.Context) error {
		return w.PutAudit(ctx, []roster.AuditEntry{{Tenant: 7, At: w.clock.Now(), Action: roster.ActionPasswordChanged, Subject: "user:11", Version: 2}})
	})
	pin("AuditEntries", calls{1, 0.5, 0, 0}, func(ctx context.Context) error { _, err := w.AuditEntries(ctx, 7, 8, "", 3); return err })
}

func pinMessages(t *testing.T, w *world, pin pinner) {
	t.Helper()
	quotas := []roster.Quota{{Tenant: 7, Counter: "links/8", Limit: 1000}, {Tenant: 7, Counter: "address/jane@example.com", Limit: 1000}}
	create := func(n int, o *roster.Once, quotas ...roster.Quota) func(context.Context) error {
		return func(ctx context.Context) error {
			_, _, err := w.CreateInvitedUser(ctx, newcomer(rostertest.User(w.child, n, pending)), w.offer(), quotas, rostertest.Stamp(), o)
			return err
		}
	}
	pin("CreateInvitedUser", calls{1, 0, 0, 4}, create(50, nil, quotas[0]))
	pin("CreateInvitedUser with a record", calls{1, 0, 0, 5}, create(51, once(50, 1), quotas[0]))
	user, err := w.User(t.Context(), 7, 50)
	if err != nil {
		t.Fatal(err)
	}
	again := func(after roster.User, o *roster.Once) func(context.Context) error {
		return func(ctx context.Context) (err error) {
			user, _, err = w.InviteAgain(ctx, user, after, w.offer(), quotas[:1], rostertest.Stamp(), o)
			return err
		}
	}
	renamed := user
	renamed.Name = "Renamed"
	pin("InviteAgain", calls{1, 0, 0, 3}, again(user, nil))
	pin("InviteAgain with another name", calls{1, 0, 0, 3}, again(renamed, nil))
	pin("InviteAgain with a record", calls{1, 0, 0, 4}, again(renamed, once(51, 1)))
	i := w.invitation(t, inviteRef(50))
	link := roster.Link{Ref: i.Ref(), ID: i.ID, ExpiresAt: i.ValidUntil}
	pin("Invitation", calls{1, 1, 0, 0}, func(ctx context.Context) error { _, err := w.Invitation(ctx, i.Ref()); return err })
	pin("InvitationsOf", calls{1, 0.5, 0, 0}, func(ctx context.Context) error { _, err := w.InvitationsOf(ctx, 7, 8, 0, 5); return err })
	pin("PutLink", calls{1, 0, 1, 0}, func(ctx context.Context) error { return w.PutLink(ctx, roster.LinkHash{1}, link) })
	pin("Link", calls{1, 1, 0, 0}, func(ctx context.Context) error { _, err := w.Link(ctx, roster.LinkHash{1}); return err })
	pin("MarkInvitation", calls{1, 0, 1, 0}, func(ctx context.Context) error {
		return w.MarkInvitation(ctx, i.Ref(), i.ID, roster.DeliverySent, "message", "")
	})
	pin("RecordFeedback", calls{3, 1, 2, 0}, func(ctx context.Context) error {
		return w.RecordFeedback(ctx, roster.Feedback{Delivery: roster.DeliveryBounced, Email: user.Email, Ref: i.Ref(), ID: i.ID})
	})
	if user, err = w.User(t.Context(), 7, 50); err != nil {
		t.Fatal(err)
	}
	pin("a transfer of a Pending user", calls{2, 1, 0, 2}, func(ctx context.Context) (err error) {
		after := *user.Clone()
		after.Path = w.root
		user, err = w.UpdateUser(ctx, user, after, rostertest.Stamp())
		return err
	})
	i = w.invitation(t, i.Ref())
	credential := roster.Credential{PasswordHash: "$argon2id$mine"}
	pin("AcceptInvitation", calls{1, 0, 0, 4}, func(ctx context.Context) (err error) {
		user, err = w.AcceptInvitation(ctx, i, roster.LinkHash{1}, user, w.come(user), credential, rostertest.Stamp())
		return err
	})
	reset, signUp := w.reset(user), w.signUp(w.child, "jane@example.com")
	pin("PutInvitation of a reset", calls{1, 0, 0, 3}, func(ctx context.Context) error { return w.PutInvitation(ctx, &reset, quotas, rostertest.Stamp()) })
	pin("PutInvitation of nothing", calls{1, 0, 0, 2}, func(ctx context.Context) error { return w.PutInvitation(ctx, nil, quotas, rostertest.Stamp()) })
	pin("PutInvitation of a sign-up", calls{1, 0, 0, 3}, func(ctx context.Context) error { return w.PutInvitation(ctx, &signUp, quotas, rostertest.Stamp()) })
	pin("AcceptInvitation of a reset", calls{1, 0, 0, 4}, func(ctx context.Context) error {
		_, err := w.AcceptInvitation(ctx, reset, roster.LinkHash{2}, user, user, credential, rostertest.Stamp())
		return err
	})
	pin("AcceptSignUp", calls{1, 0, 0, 6}, func(ctx context.Context) error {
		_, _, err := w.AcceptSignUp(ctx, signUp, roster.LinkHash{3}, roster.Organization{Name: "Own"}, newcomer(rostertest.User(w.child, 0)), rostertest.Stamp())
		return err
	})
	pending, revoked := w.invite(t, w.child, 52)
	pin("RemoveInvitation", calls{1, 0, 0, 1}, func(ctx context.Context) error { return w.RemoveInvitation(ctx, revoked) })
	pin("DeleteUser of a Pending user", calls{1, 0, 0, 4}, func(ctx context.Context) error {
		_, err := w.DeleteUser(ctx, pending, rostertest.Stamp())
		return err
	})
}

func pinDevices(t *testing.T, w *world, pin pinner) {
	t.Helper()
	w.create(t, w.child, 60)
	w.create(t, w.child, 61)
	register := func(user roster.UserID, token string) func(context.Context) error {
		return func(ctx context.Context) error {
			return w.RegisterDevice(ctx, phone(7, user, token), rostertest.Stamp())
		}
	}
	if err := register(60, "first")(t.Context()); err != nil { // since DynamoDB Local reports nothing for an answer of nothing
		t.Fatal(err)
	}
	pin("RegisterDevice", calls{4, 3, 0, 3}, register(60, "second"))
	pin("RegisterDevice again", calls{2, 2, 0, 0}, register(60, "second"))
	w.clock.Advance(time.Minute)
	pin("RegisterDevice a minute later", calls{3, 2, 1, 0}, register(60, "second"))
	if err := register(61, "third")(t.Context()); err != nil {
		t.Fatal(err)
	}
	pin("RegisterDevice of another's", calls{5, 4, 0, 5}, register(61, "second"))
	for n := range roster.MaxDevices - 2 {
		if err := register(61, fmt.Sprint(n))(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	pin("Devices", calls{1, 1, 0, 0}, func(ctx context.Context) error { _, err := w.Devices(ctx, 7, 60); return err })
	pin("DeviceByHash", calls{2, 2, 0, 0}, func(ctx context.Context) error {
		_, err := w.DeviceByHash(ctx, phone(7, 60, "first").Hash)
		return err
	})
	first := w.device(t, 60, "first")
	pin("RemoveDevice", calls{4, 3, 0, 3}, func(ctx context.Context) error { return w.RemoveDevice(ctx, first) })
	user, err := w.User(t.Context(), 7, 61)
	if err != nil {
		t.Fatal(err)
	}
	pin("DeleteUser of twenty devices", calls{2, 2, 0, 43}, func(ctx context.Context) error {
		_, err := w.DeleteUser(ctx, user, rostertest.Stamp())
		return err
	})
	var n roster.Notification
	pin("CreateNotification", calls{1, 0, 1, 0}, func(ctx context.Context) (err error) {
		n, _, err = w.CreateNotification(ctx, news(60), rostertest.Stamp(), nil)
		return err
	})
	pin("CreateNotification with a record", calls{1, 0, 0, 2}, func(ctx context.Context) error {
		_, _, err := w.CreateNotification(ctx, news(60), rostertest.Stamp(), once(60, 1))
		return err
	})
	pin("Notification", calls{1, 1, 0, 0}, func(ctx context.Context) error { _, err := w.Notification(ctx, n.Ref()); return err })
	pin("MarkDevice", calls{1, 0, 1, 0}, func(ctx context.Context) error {
		return w.MarkDevice(ctx, n.Ref(), phone(7, 60, "a").Hash, roster.DeviceDelivery{Delivery: roster.DeliverySent})
	})
	pin("MarkNotification", calls{1, 0, 1, 0}, func(ctx context.Context) error { return w.MarkNotification(ctx, n.Ref(), roster.DeliverySent) })
}
