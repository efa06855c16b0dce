package organization_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api/organization"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// invitee is the body of an invitation, with more fields if there are any.
func invitee(email, more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"email":"` + email + `","name":"Nina Newcomer","roleId":3` + more + `}`
}

func TestInviteAUser(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	ann := w.As(t, world.AnnAdmin)
	answer := send(h, ann, "POST", invitePath, `{"email":"Nina@Example.com","name":"Nina 2 (Newcomer)","roleId":2,"orgId":111,"locale":"de_DE"}`)
	got := readAs[organization.UserDetails](t, 201, answer)
	want := organization.UserDetails{
		ID: got.ID, Name: "Nina 2 (Newcomer)", Email: "Nina@Example.com", RoleID: 2, OrgID: 111, Locale: "de_DE", Status: "Pending",
		LastModifiedTs: world.Now.UnixMilli(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the answer (-want +got)\n%s", diff)
	}
	again := get(h, ann, fmt.Sprintf("%s?userId=%d", userPath, got.ID))
	if answer.Body.String() != again.Body.String() || answer.Header().Get("ETag") != again.Header().Get("ETag") || answer.Header().Get("ETag") == "" {
		t.Errorf("what is invited is %s %s, what is there %s %s", answer.Body, answer.Header().Get("ETag"), again.Body, again.Header().Get("ETag"))
	}
	ref := roster.InvitationRef{Tenant: ann.Tenant, Purpose: roster.PurposeInvite, User: roster.UserID(got.ID)}
	first, err := w.Table.Invitation(t.Context(), ref)
	if err != nil || first.Locale != "de_DE" || first.InvitedBy != 1001 || first.Delivery != roster.DeliveryQueued || !first.ValidUntil.Equal(world.Now.Add(7*24*time.Hour)) {
		t.Errorf("the invitation is %+v, %v", first, err)
	}
	if stamp := (roster.Stamp{By: "user:1001", Via: "organization", RequestID: "request-7"}); first.Revision.Stamp != stamp {
		t.Errorf("the stamp is %+v, want %+v", first.Revision.Stamp, stamp)
	}
	t.Run("again gives a new link, name and role", func(t *testing.T) {
		got2 := readAs[organization.UserDetails](t, 201, send(h, ann, "POST", invitePath, `{"email":"nina@example.COM","name":"Nina Berg","roleId":3,"orgId":111}`))
		want.Name, want.RoleID = "Nina Berg", 3
		want.LastModifiedTs = got2.LastModifiedTs
		if diff := cmp.Diff(want, got2); diff != "" {
			t.Errorf("the answer (-want +got)\n%s", diff)
		}
		second, err := w.Table.Invitation(t.Context(), ref)
		if err != nil || second.ID == first.ID || second.Locale != "de_DE" {
			t.Errorf("the invitation is %+v, %v; want another one, in the user's language", second, err)
		}
	})
	t.Run("into the caller's own organization, in no language", func(t *testing.T) {
		got := readAs[organization.UserDetails](t, 201, send(h, world.Client(world.Birch), "POST", invitePath, invitee(newEmail(), "")))
		if got.OrgID != 110 || got.Locale != "" {
			t.Errorf("the user is %+v", got)
		}
	})
}

func TestInvitationsThatAreRefused(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	sam := w.As(t, world.SamStaff)
	for _, test := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"an address that has an account", invitee("ANN@admin.example", `"orgId":111`), 400, "email is taken"},
		{"an address of another tenant", invitee("eve@admin.example", ""), 400, "email is taken"},
		{"somebody who is Pending elsewhere", invitee("pia@pending.example", `"orgId":111`), 400, "email is taken"},
		{"a role that there is not", strings.Replace(invitee(newEmail(), ""), `"roleId":3`, `"roleId":77`, 1), 400, "roleId names no role"},
		{"a role that holds more", strings.Replace(invitee(newEmail(), ""), `"roleId":3`, `"roleId":1`, 1), 403, "the role Admin holds permissions that you lack: "},
		{"an organization that there is not", invitee(newEmail(), `"orgId":4711`), 404, "organization not found"},
		{"an organization of another tenant", invitee(newEmail(), `"orgId":200`), 404, "organization not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := send(h, sam, "POST", invitePath, test.body)
			if got := failure(t, answer); answer.Code != test.status || !strings.HasPrefix(got, test.want) {
				t.Errorf("the answer is %d %q, want %d %q", answer.Code, got, test.status, test.want)
			}
		})
	}
}

func TestTheSameInvitationUnderTheSameKeyIsSentOnce(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	client := world.Client(world.Acme)
	first := send(h, client, "POST", invitePath, invitee("one@example.com", ""), "Idempotency-Key", "key")
	again := send(h, client, "POST", invitePath, invitee("one@example.com", ""), "Idempotency-Key", "key")
	if first.Code != 201 || again.Code != 201 || again.Body.String() != first.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" || first.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("the answers are %d %s %v and %d %s %v", first.Code, first.Body, first.Header(), again.Code, again.Body, again.Header())
	}
	if other := send(h, client, "POST", invitePath, invitee("uno@example.com", ""), "Idempotency-Key", "key"); other.Code != 422 {
		t.Errorf("with another body the answer is %d %s, want 422", other.Code, other.Body)
	}
	if page := read[organization.InvitationPage](t, get(h, client, invitationsPath)); len(page.Content) != 1 {
		t.Errorf("there are %d invitations, want one", len(page.Content))
	}
}

func TestTooManyMailsInADayAreRefusedUntilItEnds(t *testing.T) {
	w := world.New(t)
	ports := w.Ports
	ports.Policy = directory.MessagePolicy{InvitationsPerDay: 2, LinksPerDay: 5, LinksPerAddress: 2}
	h := serve(t, directory.New(ports))
	client := world.Client(world.Birch)
	untilMidnight := strconv.Itoa(12 * 60 * 60) // it is noon
	refused := func(name, method, path, body, want string) {
		t.Helper()
		answer := send(h, client, method, path, body)
		if got := failure(t, answer); answer.Code != http.StatusTooManyRequests || got != want || answer.Header().Get("Retry-After") != untilMidnight {
			t.Errorf("%s is answered %d %q, Retry-After %q; want 429 %q until midnight", name, answer.Code, got, answer.Header().Get("Retry-After"), want)
		}
	}
	for range 2 {
		readAs[organization.UserDetails](t, 201, send(h, client, "POST", invitePath, invitee(newEmail(), "")))
	}
	third := newEmail()
	refused("the third invitation", "POST", invitePath, invitee(third, ""), "too many invitations of this organization today")
	if found := read[organization.UserPage](t, get(h, client, searchPath+"?query="+third)); found.TotalElements != 0 {
		t.Errorf("the third user was made: %+v", found)
	}
	// Whether the address has an account makes no difference.
	for _, email := range []string{"bob@admin.example", newEmail()} {
		for _, path := range []string{registerPath, resetPath} {
			if answer := send(h, client, "POST", path, `{"email":"`+email+`"}`); answer.Code != 204 {
				t.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
			}
		}
		refused("the third link to one address", "POST", registerPath, `{"email":"`+strings.ToUpper(email)+`"}`, "too many links to this address today")
	}
	if answer := send(h, client, "POST", resetPath, `{"email":"`+newEmail()+`"}`); answer.Code != 204 {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	refused("the sixth link of the organization", "POST", resetPath, `{"email":"`+newEmail()+`"}`, "too many links of this organization today")
	if answer := send(h, world.Client(world.Cedar), "POST", resetPath, `{"email":"`+newEmail()+`"}`); answer.Code != 204 {
		t.Errorf("another organization is answered %d %s", answer.Code, answer.Body)
	}
}

// TestWhetherAnAddressIsKnownIsNotTold holds the answers about addresses that have an account, and about such that have none, to be the
// same in all that a caller sees.
func TestWhetherAnAddressIsKnownIsNotTold(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	for _, path := range []string{registerPath, resetPath} {
		var seen []string
		for _, email := range []string{newEmail(), "bob@admin.example", "cid@staff.example", "ann@admin.example", "eve@admin.example", "pia@pending.example", "sue@suspended.example"} {
			answer := send(h, world.Client(world.Birch), "POST", path, `{"email":"`+email+`","locale":"uk_UA"}`)
			seen = append(seen, fmt.Sprint(answer.Code, answer.Body, answer.Header()))
		}
		for _, one := range seen {
			if one != seen[0] || !strings.HasPrefix(one, "204 ") {
				t.Errorf("%s is answered %s, and %s for an address that nobody has", path, one, seen[0])
			}
		}
	}
}

func TestLinksAreMailedToThoseWhomTheyAreFor(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	birch := world.Client(world.Birch)
	for _, test := range []struct {
		name, path, email string
		ref               roster.InvitationRef
		mailed            bool
	}{
		{"a sign-up of a new address", registerPath, "New@Example.com", roster.InvitationRef{Purpose: roster.PurposeSignUp, Org: world.Birch, Email: "new@example.com"}, true},
		{"a sign-up of an address in use", registerPath, "bob@admin.example", roster.InvitationRef{Purpose: roster.PurposeSignUp, Org: world.Birch, Email: "bob@admin.example"}, false},
		{"a reset in the caller's organization", resetPath, "BOB@admin.example", roster.InvitationRef{Purpose: roster.PurposeReset, User: 1007}, true},
		{"a reset further down", resetPath, "cid@staff.example", roster.InvitationRef{Purpose: roster.PurposeReset, User: 1009}, true},
		{"a reset above", resetPath, "ann@admin.example", roster.InvitationRef{Purpose: roster.PurposeReset, User: 1001}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if answer := send(h, birch, "POST", test.path, `{"email":"`+test.email+`","locale":"pt_BR"}`); answer.Code != 204 || answer.Body.Len() != 0 {
				t.Fatalf("the answer is %d %s", answer.Code, answer.Body)
			}
			test.ref.Tenant = birch.Tenant
			i, err := w.Table.Invitation(t.Context(), test.ref)
			if mailed := err == nil; mailed != test.mailed || mailed && (i.Locale != "pt_BR" || !strings.EqualFold(string(i.Email), test.email)) {
				t.Errorf("the invitation is %+v, %v; want one: %t", i, err, test.mailed)
			}
		})
	}
}

func TestOpenInvitationsAreListedPageByPage(t *testing.T) {
	w := world.New(t)
	h := serve(t, w.Directory)
	ann := w.As(t, world.AnnAdmin)
	var users []int64
	for range 5 {
		users = append(users, readAs[organization.UserDetails](t, 201, send(h, ann, "POST", invitePath, invitee(newEmail(), `"orgId":110,"locale":"fr_FR"`))).ID)
	}
	if answer := send(h, world.Client(world.Birch), "POST", registerPath, `{"email":"sign@up.example"}`); answer.Code != 204 {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	// What is about a password is nobody's business.
	if answer := send(h, ann, "POST", resetPath, `{"email":"bob@admin.example"}`); answer.Code != 204 {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	// One of them came back, and its user's address is known to be bad.
	ref := roster.InvitationRef{Tenant: ann.Tenant, Purpose: roster.PurposeInvite, User: roster.UserID(users[1])}
	bounced, err := w.Table.Invitation(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Table.RecordFeedback(t.Context(), roster.Feedback{Delivery: roster.DeliveryBounced, Email: bounced.Email, Ref: ref, ID: bounced.ID, Reason: "bounce, General"}); err != nil {
		t.Fatal(err)
	}
	whole := read[organization.InvitationPage](t, get(h, ann, invitationsPath+"?orgId=110"))
	if len(whole.Content) != 6 || whole.Next != 0 {
		t.Fatalf("there are %d invitations, next %d; want 6 and no more", len(whole.Content), whole.Next)
	}
	now, until := world.Now.UnixMilli(), world.Now.Add(7*24*time.Hour).UnixMilli()
	got := whole.Content[1]
	want := organization.Invitation{
		ID: int64(bounced.ID), Purpose: "invite", Email: string(bounced.Email), UserID: users[1], OrgID: 110, Locale: "fr_FR", InvitedBy: 1001,
		CreatedAt: now, ValidUntil: until, Delivery: "bounced", DeliveredAt: got.DeliveredAt, Reason: "bounce, General",
	}
	if diff := cmp.Diff(want, got); diff != "" || got.DeliveredAt == 0 {
		t.Errorf("the second (-want +got)\n%s", diff)
	}
	signUp := whole.Content[5]
	want = organization.Invitation{ID: signUp.ID, Purpose: "sign-up", Email: "sign@up.example", OrgID: 110, CreatedAt: now, ValidUntil: until, Delivery: "queued"}
	if diff := cmp.Diff(want, signUp); diff != "" {
		t.Errorf("the sign-up (-want +got)\n%s", diff)
	}
	user := read[map[string]any](t, get(h, ann, fmt.Sprintf("%s?userId=%d", userPath, users[1])))
	if user["emailBounced"] != true || user["emailComplained"] != nil {
		t.Errorf("the user is %v, want emailBounced alone", user)
	}
	for _, size := range []int{1, 2, 5, 6, 50} {
		var ids []int64
		for after, pages := "", 0; ; pages++ {
			page := read[organization.InvitationPage](t, get(h, world.Client(world.Birch), fmt.Sprintf("%s?size=%d%s", invitationsPath, size, after)))
			for _, i := range page.Content {
				ids = append(ids, i.ID)
			}
			if len(page.Content) > size || pages > 8 {
				t.Fatalf("page %d of size %d has %d invitations", pages, size, len(page.Content))
			}
			if page.Next == 0 {
				break
			}
			after = fmt.Sprintf("&after=%d", page.Next)
		}
		var all []int64
		for _, i := range whole.Content {
			all = append(all, i.ID)
		}
		if diff := cmp.Diff(all, ids); diff != "" {
			t.Errorf("in pages of %d (-want +got)\n%s", size, diff)
		}
	}
	if page := read[organization.InvitationPage](t, get(h, ann, invitationsPath)); page.Content == nil || len(page.Content) != 0 {
		t.Errorf("another organization has %+v", page)
	}
}
