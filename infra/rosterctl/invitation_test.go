package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// far is when the tests of invitations take place: DynamoDB Local removes what has expired by the machine's clock.
var far = time.Date(2070, time.November, 20, 9, 30, 0, 0, time.UTC)

// invite invites somebody into the root organization of a tenant, for a week.
func (c *console) invite(table *dynamo.Table, tenant roster.TenantID, email roster.Email) roster.User {
	c.Helper()
	n := roster.NewUser{User: roster.User{
		Tenant: tenant, Path: roster.OrgPath{tenant.Root()}, Email: email, Name: "Jane Doe", Roles: []roster.RoleID{roster.RoleUser}, Status: roster.StatusPending,
	}}
	i := roster.Invitation{Locale: "de_DE", ValidUntil: c.clock.Now().Add(7 * 24 * time.Hour)}
	u, _, err := table.CreateInvitedUser(c.Context(), n, i, nil, rostertest.Stamp(), nil)
	if err != nil {
		c.Fatal(err)
	}
	return u
}

// newTenant makes a tenant and returns it as text too.
func (c *console) newTenant() (string, roster.TenantID) {
	c.Helper()
	text := string(c.bootstrap("ann@northfield.example").Tenant)
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		c.Fatal(err)
	}
	return text, roster.TenantID(id)
}

func TestInvitationsAreListedMailedAgainAndEnded(t *testing.T) {
	c := newConsole(t)
	c.clock.Set(far)
	text, tenant := c.newTenant()
	table := c.open()
	jane := c.invite(table, tenant, "jane@northfield.example")
	ref := roster.InvitationRef{Tenant: tenant, Purpose: roster.PurposeInvite, User: jane.ID}
	first, err := table.Invitation(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	c.clock.Advance(time.Minute)
	if err := table.MarkInvitation(t.Context(), ref, first.ID, roster.DeliverySent, "message-1", ""); err != nil {
		t.Fatal(err)
	}
	bounce := roster.Feedback{Delivery: roster.DeliveryBounced, Email: jane.Email, Ref: ref, ID: first.ID, Reason: "no such\nmailbox"}
	if err := table.RecordFeedback(t.Context(), bounce); err != nil {
		t.Fatal(err)
	}
	signUp := roster.Invitation{
		Tenant: tenant, Purpose: roster.PurposeSignUp, Path: roster.OrgPath{tenant.Root()}, Email: "kim@northfield.example",
		CreatedAt: c.clock.Now(), ValidUntil: c.clock.Now().Add(time.Hour),
	}
	if err := table.PutInvitation(t.Context(), &signUp, nil, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	want := `E-MAIL                   PURPOSE  DELIVERY  SINCE                VALID UNTIL          REASON
jane@northfield.example  invite   bounced   2070-11-20 09:31:00  2070-11-27 09:30:00  "no such\nmailbox"
kim@northfield.example   sign-up  queued    -                    2070-11-20 10:31:00  -
`
	if got := c.must("invitation", "list", "--tenant", text); got != want {
		t.Errorf("list prints\n%s, want\n%s", got, want)
	}
	if got := c.must("invitation", "list", "--tenant", text, "--organization", text); got != want {
		t.Errorf("the root by its id: %s", got)
	}

	c.clock.Advance(time.Minute)
	out := c.must("invitation", "resend", "--tenant", text, "--email", "Jane@Northfield.example")
	if out != "jane@northfield.example is mailed a new link (invite), valid until 2070-11-27T09:32:00Z\n" {
		t.Errorf("resend prints %q", out)
	}
	views := mustJSON[[]invitationView](c, "invitation", "list", "--tenant", text, "--json")
	if len(views) != 2 || views[1].Email != jane.Email || views[1].ID == first.ID || views[1].Delivery != "queued" || views[1].DeliveredAt != nil ||
		views[1].Reason != "" || views[1].User != jane.ID || views[1].Locale != "de_DE" || views[1].Organization != tenant.Root() {
		t.Errorf("list prints %+v", views)
	}
	again := mustJSON[invitationView](c, "invitation", "resend", "--tenant", text, "--email", "kim@northfield.example", "--organization", text, "--json")
	if again.Purpose != "sign-up" || again.ID == signUp.ID || !again.ValidUntil.Equal(far.Add(62*time.Minute)) {
		t.Errorf("resend prints %+v", again)
	}

	if out := c.must("invitation", "revoke", "--tenant", text, "--email", "kim@northfield.example"); out != "the links that kim@northfield.example was mailed (sign-up) are ended\n" {
		t.Errorf("revoke prints %q", out)
	}
	revoked := mustJSON[invitationView](c, "invitation", "revoke", "--tenant", text, "--email", "jane@northfield.example", "--json")
	if revoked.ID != views[1].ID {
		t.Errorf("revoke prints %+v", revoked)
	}
	if got := c.must("invitation", "list", "--tenant", text, "--json"); got != "[]\n" {
		t.Errorf("list prints %q", got)
	}
	if out := c.must("invitation", "resend", "--tenant", text, "--email", "jane@northfield.example"); !strings.Contains(out, "is mailed a new link (invite)") {
		t.Errorf("resend of a Pending user without an invitation prints %q", out)
	}
	c.clock.Advance(10 * 24 * time.Hour)
	if out := c.must("invitation", "resend", "--tenant", text, "--email", "jane@northfield.example"); !strings.Contains(out, "valid until 2070-12-07T09:32:00Z") {
		t.Errorf("resend of an invitation that has expired prints %q", out)
	}
	c.must("check", "--quiet")
}

func TestTheListOfInvitationsFollowsPages(t *testing.T) {
	c := newConsole(t)
	c.clock.Set(far)
	text, tenant := c.newTenant()
	table := c.open()
	const n = roster.MaxLimit + 5
	for i := range n {
		signUp := roster.Invitation{
			Tenant: tenant, Purpose: roster.PurposeSignUp, Path: roster.OrgPath{tenant.Root()}, Email: roster.Email(fmt.Sprintf("p%d@northfield.example", i)),
			ValidUntil: far.Add(time.Hour),
		}
		if err := table.PutInvitation(t.Context(), &signUp, nil, rostertest.Stamp()); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[roster.Email]bool{}
	for _, v := range mustJSON[[]invitationView](c, "invitation", "list", "--tenant", text, "--json") {
		seen[v.Email] = true
	}
	if len(seen) != n {
		t.Errorf("%d invitations are listed, want %d", len(seen), n)
	}
}

func TestInvitationsThatThereAreNot(t *testing.T) {
	c := newConsole(t)
	text, _ := c.newTenant()
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"list --tenant 12", exitFailed, "tenant 12 not found"},
		{"list --tenant " + text + " --organization 13", exitFailed, "organization not found"},
		{"list", exitUsage, `required flag(s) "tenant" not set`},
		{"resend --tenant " + text, exitUsage, `required flag(s) "email" not set`},
		{"revoke --email x@y.example", exitUsage, `required flag(s) "tenant" not set`},
		{"resend --tenant " + text + " --email x@y.example", exitFailed, "no invitation of x@y.example is open"},
		{"revoke --tenant " + text + " --email x@y.example", exitFailed, "no invitation of x@y.example is open"},
		{"resend --tenant " + text + " --email ann@northfield.example", exitFailed, "no invitation of ann@northfield.example is open"},
		{"revoke --tenant 12 --email x@y.example", exitFailed, "tenant 12 not found"},
		{"revoke --tenant " + text + " --email x@y.example --organization 13", exitFailed, "organization not found"},
	} {
		r := c.run(t.Context(), "", append([]string{"invitation"}, strings.Fields(test.args)...)...)
		if r.code != test.code || r.stderr != "rosterctl: "+test.want+"\n" || r.stdout != "" {
			t.Errorf("%s: exit code %d, %q, %q; want %d, %s", test.args, r.code, r.stdout, r.stderr, test.code, test.want)
		}
	}
}
