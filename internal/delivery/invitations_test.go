package delivery_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// invited returns the invitation of a new Pending user whom the Admin invites.
func (w *world) invited(t *testing.T, changes ...func(*roster.Invitation)) roster.Invitation {
	t.Helper()
	user := rostertest.User(w.admin.Path, 4711, func(u *roster.User) { u.Status, u.RegisteredAt = roster.StatusPending, time.Time{} })
	i := roster.Invitation{Locale: "de_CH", InvitedBy: w.admin.ID, ValidUntil: w.clock.Now().Add(7 * 24 * time.Hour)}
	for _, change := range changes {
		change(&i)
	}
	if _, _, err := w.table.CreateInvitedUser(t.Context(), roster.NewUser{User: user}, i, nil, rostertest.Stamp(), nil); err != nil {
		t.Fatal(err)
	}
	return must[roster.Invitation](t)(w.table.Invitation(t.Context(), roster.InvitationRef{Tenant: tenant, Purpose: roster.PurposeInvite, User: user.ID}))
}

func outgoing(i roster.Invitation) roster.Outgoing {
	ref := i.Ref()
	return roster.Outgoing{Invitation: &ref, InvitationID: i.ID}
}

// stands returns the invitation as it stands.
func (w *world) stands(t *testing.T, i roster.Invitation) roster.Invitation {
	t.Helper()
	return must[roster.Invitation](t)(w.table.Invitation(t.Context(), i.Ref()))
}

// token returns the token in a mail.
func token(t *testing.T, mail delivery.Mail) string {
	t.Helper()
	_, rest, ok := strings.Cut(mail.Text, "\nhttps://roster.example.com/in/invitations/")
	token, _, _ := strings.Cut(rest, "\n")
	if !ok || strings.Count(mail.HTML, "https://roster.example.com/in/invitations/"+token) != 3 {
		t.Fatalf("the mail does not have its link as it should:\n%s\n%s", mail.Text, mail.HTML)
	}
	return token
}

// leadsTo returns what the link in a mail leads to.
func (w *world) leadsTo(t *testing.T, mail delivery.Mail) roster.Link {
	t.Helper()
	hash, ok := roster.ParseLinkToken(token(t, mail))
	if !ok {
		t.Fatalf("the mail's token is none:\n%s", mail.Text)
	}
	return must[roster.Link](t)(w.table.Link(t.Context(), hash))
}

func TestInvitationIsMailedOnce(t *testing.T) {
	w := newWorld(t)
	i := w.invited(t)
	w.clock.Advance(time.Minute)
	for range 3 { // a record can come several times
		w.deliver(t, outgoing(i))
	}
	if len(w.mailer.sent) != 1 {
		t.Fatalf("%d mails were sent, want 1", len(w.mailer.sent))
	}
	mail := w.mailer.sent[0]
	if mail.To != i.Email || mail.Subject != "Ann Admin lädt Sie zu „Organization 7“ ein" || !strings.Contains(mail.Text, "7\u00a0Tage") {
		t.Errorf("the mail is %+v", mail)
	}
	tags := []delivery.Tag{{Name: "tenant", Value: "7"}, {Name: "purpose", Value: "invite"}, {Name: "organization", Value: "7"}, {Name: "user", Value: "4711"}, {Name: "invitation", Value: i.ID.String()}}
	if diff := cmp.Diff(tags, mail.Tags); diff != "" {
		t.Errorf("tags (-want +got)\n%s", diff)
	}
	if got, want := w.leadsTo(t, mail), (roster.Link{Ref: i.Ref(), ID: i.ID, ExpiresAt: i.ValidUntil}); got != want {
		t.Errorf("the link leads to %+v, want %+v", got, want)
	}
	got := w.stands(t, i)
	if got.Delivery != roster.DeliverySent || got.MessageID != "mail-1" || got.Reason != "" || !got.DeliveredAt.Equal(w.clock.Now()) {
		t.Errorf("the invitation is %+v", got)
	}
	if w.log.Len() > 0 || w.store.count("PutLink") != 1 {
		t.Errorf("%d links were written, and the log is %s", w.store.count("PutLink"), w.log)
	}
}

func TestRecordsOfOneInvitationAtOnceSendOneMail(t *testing.T) {
	w := newWorld(t)
	i := w.invited(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := w.courier.Deliver(t.Context(), outgoing(i)); err != nil {
				t.Errorf("Deliver: %v", err)
			}
		})
	}
	all.Wait()
	if len(w.mailer.sent) != 1 {
		t.Errorf("%d mails were sent, want 1", len(w.mailer.sent))
	}
}

func TestSignUpsAndNewPasswordsAreMailed(t *testing.T) {
	w := newWorld(t)
	tomorrow := w.clock.Now().Add(24 * time.Hour)
	for _, test := range []struct {
		invitation roster.Invitation
		subject    string
		users      int // that are read for it
	}{
		{roster.Invitation{Purpose: roster.PurposeSignUp, Email: "New@example.com", InvitedBy: w.admin.ID}, "Create your account at “Organization 7”", 0},
		{roster.Invitation{Purpose: roster.PurposeReset, User: w.admin.ID, Email: w.admin.Email, InvitedBy: w.admin.ID, Locale: "ja"}, "「Organization 7」のパスワード再設定のご案内", 1},
	} {
		i := test.invitation
		i.Tenant, i.Path, i.ValidUntil = tenant, w.admin.Path, tomorrow
		if err := w.table.PutInvitation(t.Context(), &i, nil, rostertest.Stamp()); err != nil {
			t.Fatal(err)
		}
		before := w.store.count("User")
		w.deliver(t, outgoing(i))
		if got := w.store.count("User") - before; got != test.users {
			t.Errorf("for %s %d users were read, want %d", i.Purpose, got, test.users)
		}
		mail := w.mailer.sent[len(w.mailer.sent)-1]
		if mail.To != i.Email || mail.Subject != test.subject || strings.Contains(mail.Text, "Ann Admin") {
			t.Errorf("the mail for %s is %+v", i.Purpose, mail)
		}
		if got := w.leadsTo(t, mail); got.Ref != i.Ref() || got.ID != i.ID {
			t.Errorf("the link for %s leads to %+v, want %+v", i.Purpose, got, i.Ref())
		}
		if got := w.stands(t, i).Delivery; got != roster.DeliverySent {
			t.Errorf("the invitation for %s is %s", i.Purpose, got)
		}
	}
}

func TestInviterWhoIsGoneIsNotNamed(t *testing.T) {
	for name, by := range map[string]roster.UserID{"a program": 0, "somebody who is gone": 815} {
		w := newWorld(t)
		w.deliver(t, outgoing(w.invited(t, func(i *roster.Invitation) { i.InvitedBy = by })))
		if got, want := w.mailer.sent[0].Subject, "Einladung zu „Organization 7“"; got != want {
			t.Errorf("invited by %s the subject is %q, want %q", name, got, want)
		}
	}
}

// TestCrashBetweenMailAndMark shows the one moment in which a mail is sent twice, and that it does no harm.
func TestCrashBetweenMailAndMark(t *testing.T) {
	w := newWorld(t)
	i := w.invited(t)
	w.store.fail("MarkInvitation", 1)
	w.deliverFails(t, outgoing(i))
	if got := w.stands(t, i).Delivery; got != roster.DeliveryQueued {
		t.Fatalf("the invitation is %s", got)
	}
	w.deliver(t, outgoing(i))
	w.deliver(t, outgoing(i))
	if len(w.mailer.sent) != 2 {
		t.Fatalf("%d mails were sent, want 2", len(w.mailer.sent))
	}
	first, second := w.mailer.sent[0], w.mailer.sent[1]
	if token(t, first) == token(t, second) {
		t.Error("two mails have the same token")
	}
	for _, mail := range w.mailer.sent {
		if got := w.leadsTo(t, mail); got.Ref != i.Ref() || got.ID != i.ID {
			t.Errorf("a link leads to %+v", got)
		}
	}
	if got := w.stands(t, i); got.Delivery != roster.DeliverySent || got.MessageID != "mail-2" {
		t.Errorf("the invitation is %+v", got)
	}
}

func TestFailuresThatPassAreTriedAgain(t *testing.T) {
	for _, call := range []string{"Invitation", "User", "Organization", "PutLink", "MarkInvitation"} {
		t.Run(call, func(t *testing.T) {
			w := newWorld(t)
			i := w.invited(t)
			w.store.fail(call, 2)
			w.deliverFails(t, outgoing(i))
			w.deliverFails(t, outgoing(i))
			sent := len(w.mailer.sent)
			if want := map[string]int{"MarkInvitation": 2}[call]; sent != want {
				t.Errorf("%d mails were sent, want %d", sent, want)
			}
			if got := w.stands(t, i).Delivery; got != roster.DeliveryQueued {
				t.Errorf("the invitation is %s", got)
			}
			w.deliver(t, outgoing(i))
			if got := w.stands(t, i).Delivery; len(w.mailer.sent) != sent+1 || got != roster.DeliverySent {
				t.Errorf("%d mails were sent, want %d, and the invitation is %s", len(w.mailer.sent), sent+1, got)
			}
		})
	}
	t.Run("SendMail", func(t *testing.T) {
		w := newWorld(t)
		i := w.invited(t)
		w.mailer.err = fmt.Errorf("sending: %w", errBroken)
		w.deliverFails(t, outgoing(i))
		if got := w.stands(t, i); got.Delivery != roster.DeliveryQueued || w.store.count("MarkInvitation") != 0 || len(w.refusals.kept) != 0 {
			t.Errorf("the invitation is %+v", got)
		}
		w.mailer.err = nil
		w.deliver(t, outgoing(i))
		w.deliver(t, outgoing(i))
		if len(w.mailer.sent) != 1 {
			t.Errorf("%d mails were sent, want 1", len(w.mailer.sent))
		}
	})
}

func TestNewerInvitationEndsTheOneBefore(t *testing.T) {
	w := newWorld(t)
	first := w.invited(t)
	user := must[roster.User](t)(w.table.User(t.Context(), tenant, first.User))
	again := roster.Invitation{ValidUntil: first.ValidUntil}
	if _, _, err := w.table.InviteAgain(t.Context(), user, user, again, nil, rostertest.Stamp(), nil); err != nil {
		t.Fatal(err)
	}
	w.deliver(t, outgoing(first))
	if len(w.mailer.sent) != 0 || w.store.count("PutLink") != 0 {
		t.Fatalf("an invitation that was replaced was mailed")
	}
	second := w.stands(t, first)
	if second.ID == first.ID || second.Delivery != roster.DeliveryQueued {
		t.Fatalf("the second invitation is %+v", second)
	}
	w.deliver(t, outgoing(second))
	w.deliver(t, outgoing(first)) // its record comes once more, late
	if len(w.mailer.sent) != 1 || w.leadsTo(t, w.mailer.sent[0]).ID != second.ID {
		t.Errorf("%d mails were sent, want the second invitation's", len(w.mailer.sent))
	}
}

func TestMailThatIsRefusedForGood(t *testing.T) {
	w := newWorld(t)
	i := w.invited(t)
	w.mailer.err = errRefused
	w.deliver(t, outgoing(i))
	w.deliver(t, outgoing(i))
	want := []delivery.Refusal{{Tenant: tenant, Kind: "invite", ID: i.ID.String(), User: i.User, Reason: errRefused.Error()}}
	if diff := cmp.Diff(want, w.refusals.kept); diff != "" {
		t.Errorf("refusals (-want +got)\n%s", diff)
	}
	if got := w.stands(t, i); got.Delivery != roster.DeliveryRefused || got.Reason != errRefused.Error() || got.MessageID != "" {
		t.Errorf("the invitation is %+v", got)
	}
	line := w.log.String()
	if strings.Count(line, "\n") != 1 || !strings.Contains(line, `msg="message refused" tenant=7 kind=invite id=`+i.ID.String()+" user=4711 reason=") {
		t.Errorf("the log is %s", line)
	}
	w.tellsNothing(t, line)
}

func TestRefusalIsKeptBeforeItIsMarked(t *testing.T) {
	w := newWorld(t)
	i := w.invited(t)
	w.mailer.err = errRefused
	w.refusals.fail("Refuse", 1)
	w.deliverFails(t, outgoing(i))
	if got := w.stands(t, i).Delivery; got != roster.DeliveryQueued || w.log.Len() > 0 {
		t.Fatalf("the invitation is %s although nobody would learn why; the log is %s", got, w.log)
	}
	w.store.fail("MarkInvitation", 1)
	w.deliverFails(t, outgoing(i))
	if w.log.Len() > 0 {
		t.Errorf("a refusal is logged that is not marked: %s", w.log)
	}
	w.deliver(t, outgoing(i))
	if got := w.stands(t, i).Delivery; got != roster.DeliveryRefused || len(w.refusals.kept) != 2 || strings.Count(w.log.String(), "\n") != 1 {
		t.Errorf("the invitation is %s, %d refusals were kept, and the log is %s", got, len(w.refusals.kept), w.log)
	}
}

func TestMailThatNobodyHasAnyUseForIsDropped(t *testing.T) {
	change := func(change func(*roster.User)) func(*testing.T, *world, roster.Invitation) {
		return func(t *testing.T, w *world, i roster.Invitation) {
			user := must[roster.User](t)(w.table.User(t.Context(), tenant, i.User))
			after := user
			change(&after)
			must[roster.User](t)(w.table.UpdateUser(t.Context(), user, after, rostertest.Stamp()))
		}
	}
	for _, test := range []struct {
		name    string
		purpose roster.Purpose
		meddle  func(*testing.T, *world, roster.Invitation)
		reason  string
	}{
		{"too late", roster.PurposeInvite, func(_ *testing.T, w *world, i roster.Invitation) { w.clock.Set(i.ValidUntil) }, "its time was over before it could be sent"},
		{"another address", roster.PurposeReset, change(func(u *roster.User) { u.Email = "other@example.com" }), "its user is gone, has another address or has no use for it"},
		{"a suspended user", roster.PurposeReset, change(func(u *roster.User) { u.Status = roster.StatusSuspended }), "its user is gone, has another address or has no use for it"},
		{"a Pending user who wants a new password", roster.PurposeReset, change(func(u *roster.User) { u.Status = roster.StatusPending }), "its user is gone, has another address or has no use for it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			i := w.invited(t)
			if test.purpose == roster.PurposeReset {
				change(func(u *roster.User) { u.Status = roster.StatusActive })(t, w, i)
				i.Purpose = roster.PurposeReset
				if err := w.table.PutInvitation(t.Context(), &i, nil, rostertest.Stamp()); err != nil {
					t.Fatal(err)
				}
			}
			test.meddle(t, w, i)
			w.deliver(t, outgoing(i))
			if got := w.stands(t, i); got.Delivery != roster.DeliveryDropped || got.Reason != test.reason {
				t.Errorf("the invitation is %s: %q", got.Delivery, got.Reason)
			}
			if len(w.mailer.sent)+len(w.refusals.kept)+w.store.count("PutLink") != 0 {
				t.Error("something was sent, refused or linked")
			}
		})
	}
}

func TestAddressIsTheSameInAnyCase(t *testing.T) {
	w := newWorld(t)
	i := w.invited(t)
	user := must[roster.User](t)(w.table.User(t.Context(), tenant, i.User))
	after := user
	after.Email = roster.Email(strings.ToUpper(string(user.Email)))
	must[roster.User](t)(w.table.UpdateUser(t.Context(), user, after, rostertest.Stamp()))
	w.deliver(t, outgoing(i))
	if len(w.mailer.sent) != 1 {
		t.Errorf("%d mails were sent, want 1", len(w.mailer.sent))
	}
}

func TestInvitationThatIsGoneNeedsNothing(t *testing.T) {
	w := newWorld(t)
	revoked := w.invited(t)
	if err := w.table.RemoveInvitation(t.Context(), revoked); err != nil {
		t.Fatal(err)
	}
	w.deliver(t, outgoing(revoked))
	if len(w.mailer.sent)+len(w.refusals.kept)+w.store.count("PutLink")+w.store.count("MarkInvitation") != 0 {
		t.Error("something was done about an invitation that was revoked")
	}
}

func TestMailOfAnOrganizationThatIsGoneIsDropped(t *testing.T) {
	w := newWorld(t)
	i := w.invited(t)
	gone := &noOrganizations{w.store}
	courier := must[*delivery.Courier](t)(delivery.NewCourier(delivery.Config{
		Store: gone, Mailer: w.mailer, Pusher: w.pusher, Refusals: w.refusals, LinkBase: "https://roster.example.com", Now: w.clock.Now,
	}))
	if err := courier.Deliver(t.Context(), outgoing(i)); err != nil {
		t.Fatal(err)
	}
	if got := w.stands(t, i); got.Delivery != roster.DeliveryDropped || got.Reason != "its organization is gone" || len(w.mailer.sent) != 0 {
		t.Errorf("the invitation is %s: %q", got.Delivery, got.Reason)
	}
}

type noOrganizations struct{ delivery.Store }

func (noOrganizations) Organization(context.Context, roster.TenantID, roster.OrgID) (roster.Organization, error) {
	return roster.Organization{}, roster.NotFound("organization")
}
