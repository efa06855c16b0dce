package dynamo_test

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// meddler has something done before each request whose target ends in before.
type meddler struct {
	before string
	meddle func()
}

func (m *meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), m.before) {
		m.meddle()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// isDead reports whether err is that of a dead link.
func isDead(err error) bool {
	return roster.KindOf(err) == roster.KindNotFound && strings.Contains(err.Error(), roster.DeadLink(nil).Message)
}

// TestOneOfManyAccepts lets 50 press the button of one invitation at the same moment, of each purpose.
func TestOneOfManyAccepts(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		user, invited := w.invite(t, w.child, 42)
		active := w.createSoundly(t, w.child, 43)
		reset, signUp := w.put(t, w.reset(active)), w.put(t, w.signUp(w.child, "stranger@example.com"))
		stamp := func() roster.Stamp { return roster.Stamp{Via: "invitations", RequestID: rand.Text()} }
		for name, accept := range map[string]func() (roster.InvitationRef, error){
			"invite": func() (roster.InvitationRef, error) {
				_, err := w.AcceptInvitation(t.Context(), invited, roster.LinkHash{1}, user, w.come(user), roster.Credential{PasswordHash: rand.Text()}, stamp())
				return invited.Ref(), err
			},
			"reset": func() (roster.InvitationRef, error) {
				_, err := w.AcceptInvitation(t.Context(), reset, roster.LinkHash{2}, active, active, roster.Credential{PasswordHash: rand.Text()}, stamp())
				return reset.Ref(), err
			},
			"sign-up": func() (roster.InvitationRef, error) {
				_, _, err := w.AcceptSignUp(t.Context(), signUp, roster.LinkHash{3}, roster.Organization{Name: "Own"}, newcomer(rostertest.User(w.child, 0)), stamp())
				return signUp.Ref(), err
			},
		} {
			const many = 50
			before := w.keys(t)
			errs := make([]error, many)
			var ref roster.InvitationRef
			var mu sync.Mutex
			var all sync.WaitGroup
			for i := range many {
				all.Go(func() {
					r, err := accept()
					mu.Lock()
					defer mu.Unlock()
					ref, errs[i] = r, err
				})
			}
			all.Wait()
			won := 0
			for _, err := range errs {
				switch {
				case err == nil:
					won++
				case isDead(err) || !sound && roster.KindOf(err) == roster.KindUnavailable:
				default:
					t.Errorf("%s: a loser gets %v", name, err)
				}
			}
			if won > 1 || sound && won != 1 {
				t.Errorf("%s: %d of %d won", name, won, many)
			}
			_, err := w.over(t).Invitation(t.Context(), ref)
			wantKind(t, name+": the invitation", err, roster.KindNotFound)
			// What came: a first password, nothing, or all of a user with an organization.
			want := map[string]int{"invite": 1, "reset": 0, "sign-up": 4}[name]
			if added := w.added(t, before); len(added) != want {
				t.Errorf("%s: they left %q, want %d items", name, added, want)
			}
		}
		if c, err := w.over(t).Credential(t.Context(), 7, 43); err != nil || c.PasswordHash == "$argon2id$" {
			t.Errorf("after the reset the password is %v, %v", c, err)
		}
	})
}

// TestAcceptAgainstAllElse lets users accept their invitations while they are invited again, transferred, revoked, deleted and
// told to have bounced.
func TestAcceptAgainstAllElse(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		const users = 12
		accepted := make([]bool, users)
		resent := make([]bool, users)
		var all sync.WaitGroup
		for n := range users {
			user, i := w.invite(t, w.child, 100+n)
			what := func(what string, err error) {
				if err != nil {
					wantAnyKind(t, what, err, sound, roster.KindNotFound, roster.KindConflict)
				}
			}
			all.Go(func() {
				_, err := w.accept(t, i, user)
				accepted[n] = err == nil
				what("accepting", err)
			})
			others := []func(){
				func() {
					_, _, err := w.InviteAgain(t.Context(), user, user, w.offer(), nil, rostertest.Stamp(), nil)
					resent[n] = err == nil
					what("inviting again", err)
				},
				func() { what("deleting", w.deleteUser(t, user.ID)) },
				func() {
					_, err := w.changeUser(t, user.ID, func(u *roster.User) { u.Path = w.root })
					what("a transfer", err)
				},
				func() { what("revoking", w.RemoveInvitation(t.Context(), i)) },
				func() {
					f := roster.Feedback{Delivery: roster.DeliveryBounced, Email: user.Email, Ref: i.Ref(), ID: i.ID}
					what("feedback", w.RecordFeedback(t.Context(), f))
				},
				func() {
					what("a mark", w.MarkInvitation(t.Context(), i.Ref(), i.ID, roster.DeliverySent, "m", ""))
				},
			}
			for k := range 3 { // three of the six, others for each user
				all.Go(others[(n+2*k)%len(others)])
			}
		}
		all.Wait()
		for n := range users {
			user, err := w.over(t).UserEvenDeleted(t.Context(), 7, roster.UserID(100+n))
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.over(t).Invitation(t.Context(), inviteRef(user.ID))
			stands := err == nil
			if accepted[n] && (stands || user.Status != roster.StatusActive) {
				t.Errorf("user %v accepted, is %v, and has an invitation: %v", user.ID, user.Status, stands)
			}
			if accepted[n] && resent[n] {
				t.Errorf("user %v accepted an invitation that another had taken the place of, or was invited again when active", user.ID)
			}
		}
	})
}

// writeMessage does one write of a message or a device, drawn by random, to one of few users or addresses.
func (w *world) writeMessage(t *testing.T, random *mathrand.Rand) error {
	n := 100 + random.IntN(12)
	id, ref := roster.UserID(n), inviteRef(roster.UserID(n))
	path := []roster.OrgPath{w.root, w.child}[random.IntN(2)]
	address := roster.Email(fmt.Sprintf("address-%d@example.com", random.IntN(12)))
	token := fmt.Sprint(random.IntN(30))
	stamp := rostertest.Stamp()
	stamp.RequestID = rand.Text() // two requests never write the same item
	invitation, _ := w.Invitation(t.Context(), ref)
	user, _ := w.User(t.Context(), 7, id)
	switch random.IntN(10) {
	case 0:
		newcomer := newcomer(rostertest.User(path, n, pending, func(u *roster.User) { u.Email = address }))
		_, _, err := w.CreateInvitedUser(t.Context(), newcomer, w.offer(), oneQuota(1000), stamp, once(byte(random.IntN(200)), 2))
		return err
	case 1:
		if user.Status != roster.StatusPending {
			return nil
		}
		after := *user.Clone()
		after.Path, after.Name = path, rand.Text()
		_, _, err := w.InviteAgain(t.Context(), user, after, w.offer(), oneQuota(1000), stamp, nil)
		return err
	case 2:
		if invitation.ID == 0 || user.ID == 0 {
			return nil
		}
		_, err := w.AcceptInvitation(t.Context(), invitation, roster.LinkHash{}, user, w.come(user), roster.Credential{PasswordHash: "$argon2id$mine"}, stamp)
		return err
	case 3:
		if invitation.ID == 0 {
			return nil
		}
		return w.RemoveInvitation(t.Context(), invitation)
	case 4:
		if invitation.ID == 0 {
			return nil
		}
		return w.RecordFeedback(t.Context(), roster.Feedback{Delivery: roster.DeliveryBounced, Email: address, Ref: ref, ID: invitation.ID})
	case 5:
		i := w.signUp(path, address)
		return w.PutInvitation(t.Context(), &i, nil, stamp)
	case 6:
		i, err := w.Invitation(t.Context(), roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeSignUp, Org: path.Last(), Email: address})
		if err != nil {
			return err
		}
		_, _, err = w.AcceptSignUp(t.Context(), i, roster.LinkHash{}, roster.Organization{Name: "Own"}, newcomer(rostertest.User(path, 0)), stamp)
		return err
	case 7:
		return w.removeDevice(t, id, token)
	default:
		return w.RegisterDevice(t.Context(), phone(7, id, token), stamp)
	}
}
