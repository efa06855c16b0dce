package dynamo_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// oneQuota is a quota of the invitations of organization 8.
func oneQuota(limit int64) []roster.Quota {
	return []roster.Quota{{Tenant: 7, Counter: "invitations/8", Limit: limit, Noun: "invitations of this organization"}}
}

// counted returns what is counted today under a quota.
func (w *world) counted(t *testing.T, q roster.Quota) string {
	t.Helper()
	item := "T#7#QUOTA#" + q.Counter + " DAY#" + w.clock.Now().Format(time.DateOnly)
	count, ok := w.raw(t, item)["count"].(*types.AttributeValueMemberN)
	if !ok {
		t.Fatalf("%s counts nothing", item)
	}
	return count.Value
}

func TestQuotasAreForADay(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(time.Date(2100, time.January, 31, 22, 0, 0, 0, time.UTC)) // late enough for the true clock to expire nothing
	address := roster.Quota{Tenant: 7, Counter: "address/jane#doe@example.com", Limit: 2, Noun: "mails to this address"}
	organization := roster.Quota{Tenant: 7, Counter: "links/8", Limit: 3, Noun: "mails of this organization"}
	ask := func(quotas ...roster.Quota) error {
		return w.PutInvitation(t.Context(), nil, quotas, rostertest.Stamp())
	}
	for range 2 {
		if err := ask(organization, address); err != nil {
			t.Fatal(err)
		}
	}
	err := ask(organization, address)
	e, ok := errors.AsType[*roster.Error](err)
	if !ok || e.Kind != roster.KindTooMany || e.Message != "too many mails to this address today" || e.RetryAfter != 2*time.Hour {
		t.Errorf("the third gives %v, retry after %v", err, e)
	}
	// What was refused is not counted anywhere.
	if n := w.counted(t, organization); n != "2" {
		t.Errorf("the organization is at %s, want 2", n)
	}
	if err := ask(organization); err != nil {
		t.Errorf("another address gives %v", err)
	}
	wantKind(t, "one more of the organization", ask(organization), roster.KindTooMany)
	other := organization
	other.Tenant = 20
	if err := ask(other); err != nil {
		t.Errorf("another tenant's gives %v", err)
	}
	w.clock.Advance(2*time.Hour - time.Millisecond)
	wantKind(t, "before midnight", ask(organization), roster.KindTooMany)
	w.clock.Advance(time.Millisecond)
	if err := ask(organization, address); err != nil {
		t.Errorf("the next day gives %v", err)
	}
	wantKind(t, "a quota of nothing", ask(roster.Quota{Tenant: 7, Counter: "none", Noun: "mails"}), roster.KindTooMany)
	w.mustFit(t)
}

// TestManyInvitesStopAtTheQuota lets 60 invite at once where 25 may.
func TestManyInvitesStopAtTheQuota(t *testing.T) {
	t.Parallel()
	onRoads(t, func(t *testing.T, w *world, sound bool) {
		const many, limit = 60, 25
		before := w.keys(t)
		errs := make([]error, many)
		var all sync.WaitGroup
		for n := range many {
			all.Go(func() {
				_, _, errs[n] = w.CreateInvitedUser(t.Context(), newcomer(rostertest.User(w.child, 100+n, pending)), w.offer(), oneQuota(limit), rostertest.Stamp(), nil)
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			wantAnyKind(t, "an invitation", err, sound, roster.KindTooMany)
		}
		items := len(w.added(t, before))
		invited := (items - 1) / 3 // a user, a claim and an invitation each, and the count
		if items != 3*invited+1 || w.counted(t, oneQuota(limit)[0]) != fmt.Sprint(invited) {
			t.Errorf("%d items came, and %s were counted", items, w.counted(t, oneQuota(limit)[0]))
		}
		// On a bad road one who was invited may never have heard of it.
		if invited > limit || won > invited || sound && (won != limit || invited != limit) {
			t.Errorf("%d were told that they are invited, %d are, want %d", won, invited, limit)
		}
	})
}
