package workspace_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/api/workspace"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// The plain words of a user, by the description of the dialect and without its code.

func plainRole(u *roster.User) string {
	switch u.Roles[0] {
	case 1:
		return "ADMIN"
	case 3:
		return "READ_ONLY_API_KEY"
	}
	return "OPERATOR"
}

func plainDevice(u *roster.User) string {
	if u.DeviceType == roster.DeviceTypeNone {
		return "SOFT_PSD"
	}
	return u.DeviceType.String()
}

func plainStatus(u *roster.User) string {
	if u.StatusAt(world.Now) == roster.StatusActive {
		return "ACTIVE"
	}
	return "INACTIVE"
}

// plainList is what a list has by a loop over all users.
func plainList(users []roster.User, query url.Values, only roster.UserID) []string {
	ids := append(slices.Clone(query["ids"]), query["ids[]"]...)
	keeps := func(name, word string) bool { return query.Get(name) == "" || query.Get(name) == word }
	var found []roster.User
	for _, u := range users {
		if u.Org() == world.Acme && (only == 0 || u.ID == only) && keeps("role", plainRole(&u)) && keeps("deviceType", plainDevice(&u)) &&
			keeps("status", plainStatus(&u)) && (ids == nil || slices.Contains(ids, workspace.UserID(u.ID))) {
			found = append(found, u)
		}
	}
	slices.SortFunc(found, func(a, b roster.User) int {
		c := 0
		switch query.Get("sortBy") {
		case "name":
			c = cmp.Compare(roster.Fold(a.Name), roster.Fold(b.Name))
		case "role":
			c = cmp.Compare(plainRole(&a), plainRole(&b))
		case "status":
			c = cmp.Compare(plainStatus(&a), plainStatus(&b))
		case "updatedAt":
			c = a.UpdatedAt.Compare(b.UpdatedAt)
		default:
			c = a.CreatedAt.Compare(b.CreatedAt)
		}
		if query.Get("sortOrder") == "desc" {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(workspace.UserID(a.ID), workspace.UserID(b.ID)))
	})
	list := []string{}
	for _, u := range found {
		list = append(list, workspace.UserID(u.ID))
	}
	return list
}

// drawQuery draws parameters, any of them alone or together.
func drawQuery(t *rapid.T, users []roster.User) url.Values {
	query := url.Values{}
	for _, words := range [][]string{
		{"role", "ADMIN", "OPERATOR", "READ_ONLY_API_KEY"}, {"deviceType", "PSD", "SOFT_PSD", "API"}, {"status", "ACTIVE", "INACTIVE"},
		{"sortBy", "name", "role", "status", "createdAt", "updatedAt"}, {"sortOrder", "asc", "desc"},
	} {
		if word := rapid.SampledFrom(words).Draw(t, words[0]); word != words[0] {
			query.Set(words[0], word)
		}
	}
	for _, name := range []string{"ids", "ids[]"} {
		if rapid.IntRange(0, 3).Draw(t, "with "+name) > 0 {
			continue
		}
		for range rapid.IntRange(1, 8).Draw(t, name) {
			id := rapid.SampledFrom([]string{"me", "nobody", workspace.UserID(1)}).Draw(t, "absent")
			if len(users) > 0 && rapid.IntRange(0, 4).Draw(t, "present") > 0 {
				id = workspace.UserID(rapid.SampledFrom(users).Draw(t, "id").ID)
			}
			query.Add(name, id)
		}
	}
	return query
}

// page asks for one page.
func page(t tester, h http.Handler, p roster.Principal, query url.Values, number int64, size int) workspace.UserPage {
	t.Helper()
	asked := url.Values{"page": {strconv.FormatInt(number, 10)}, "pageSize": {strconv.Itoa(size)}}
	for name, values := range query {
		asked[name] = values
	}
	got := read[workspace.UserPage](t, get(h, p, workspace.UsersPath+"?"+asked.Encode()))
	if got.Page != number || got.PageSize != size || len(got.Results) > size {
		t.Fatalf("page %d of %d users is %+v", number, size, got)
	}
	return got
}

func idsOf(page workspace.UserPage) []string {
	ids := []string{}
	for _, u := range page.Results {
		ids = append(ids, u.ID)
	}
	return ids
}

// maxPages is more than any walk in these tests has.
const maxPages = 200

// TestEveryListIsAPlainLoop holds each filter alone and all together, each sort, and who is seen, to a loop over all users; and a walk
// by next to the whole list: it ends, keeps to the size, repeats nobody and loses nobody. A walk back by prev has the same pages.
func TestEveryListIsAPlainLoop(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		users := drawUsers(rt, 60)
		_, h := townOf(t, users...)
		p, only := world.Client(world.Acme), roster.UserID(0)
		if len(users) > 0 && rapid.Bool().Draw(rt, "as a user") {
			me := rapid.SampledFrom(users).Draw(rt, "caller")
			if me.Org() == world.Acme {
				p = roster.Principal{Tenant: me.Tenant, Path: me.Path, Client: "c", User: me.ID}
				if !me.ViewAll && !slices.Contains(me.Roles, roster.RoleAdmin) {
					only = me.ID
				}
			}
		}
		query := drawQuery(rt, users)
		size := rapid.IntRange(1, 30).Draw(rt, "size")
		want := plainList(users, query, only)
		byID := map[string]roster.User{}
		for _, u := range users {
			byID[workspace.UserID(u.ID)] = u
		}
		var pages [][]string
		walked := []string{}
		for number := int64(1); ; {
			got := page(rt, h, p, query, number, size)
			if got.Total != len(want) || (got.Prev == nil) != (number == 1) || got.Prev != nil && *got.Prev != number-1 {
				rt.Fatalf("page %d of %v says %+v, want a total of %d", number, query, got, len(want))
			}
			for _, shown := range got.Results {
				u := byID[shown.ID]
				if shown.Role != plainRole(&u) || shown.Status != plainStatus(&u) || shown.DeviceType != plainDevice(&u) || shown.IsSuspended != (u.Status == roster.StatusSuspended) {
					rt.Fatalf("%+v is shown as %+v", u, shown)
				}
			}
			pages, walked = append(pages, idsOf(got)), append(walked, idsOf(got)...)
			if got.Next == nil {
				break
			}
			if *got.Next != number+1 || len(pages) > maxPages || len(got.Results) != size {
				rt.Fatalf("page %d of %v says %+v", number, query, got)
			}
			number = *got.Next
		}
		if diff := gocmp.Diff(want, walked); diff != "" {
			rt.Fatalf("the walk over %v (-loop +walk)\n%s", query, diff)
		}
		for number := int64(len(pages)); number >= 1; number-- {
			if diff := gocmp.Diff(pages[number-1], idsOf(page(rt, h, p, query, number, size))); diff != "" {
				rt.Fatalf("page %d on the way back (-there +back)\n%s", number, diff)
			}
		}
		behind := page(rt, h, p, query, int64(len(pages))+rapid.Int64Range(1, 1<<50).Draw(rt, "behind"), size)
		if len(behind.Results) != 0 || behind.Next != nil || behind.Prev == nil || behind.Total != len(want) {
			rt.Fatalf("a page behind the last is %+v", behind)
		}
	})
}

// TestWhatPagesPromiseWhileUsersComeAndGo states what numbered pages can hold while the list changes between them, and holds them to it:
// a walk ends, it shows nobody who never stood, who stays is missed by no more than have gone, and shown again by no more than have
// come. Newcomers who sort behind everybody make nobody be shown again.
func TestWhatPagesPromiseWhileUsersComeAndGo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		users := drawUsers(rt, 60)
		for i := range users {
			users[i].Path = roster.OrgPath{world.Acme}
		}
		p, h := townOf(t, users...)
		// By default newcomers, who are the youngest, are behind everybody.
		query, behind := url.Values{}, true
		if rapid.Bool().Draw(rt, "sorted") {
			query.Set("sortBy", rapid.SampledFrom([]string{"name", "role", "status", "createdAt", "updatedAt"}).Draw(rt, "by"))
			query.Set("sortOrder", rapid.SampledFrom([]string{"asc", "desc"}).Draw(rt, "order"))
			behind = false
		}
		size := rapid.IntRange(1, 10).Draw(rt, "size")
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "dice"), 3))
		stays := map[string]bool{}
		for _, u := range users {
			stays[workspace.UserID(u.ID)] = true
		}
		came, gone, next := 0, 0, firstID+1_000_000
		ever := map[string]bool{}
		for id := range stays {
			ever[id] = true
		}
		shown := map[string]int{}
		for number, walked := int64(1), 0; ; walked++ {
			got := page(rt, h, world.Client(world.Acme), query, number, size)
			for _, id := range idsOf(got) {
				shown[id]++
			}
			if got.Next == nil {
				break
			}
			if walked > maxPages {
				rt.Fatal("the walk does not end")
			}
			number = *got.Next
			if walked > 10 { // who comes all the time can be walked after all the time
				continue
			}
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				if standing := p.standing(); rapid.Bool().Draw(rt, "goes") && len(standing) > 0 {
					id := standing[dice.IntN(len(standing))].ID
					p.remove(id)
					delete(stays, workspace.UserID(id))
					gone++
					continue
				}
				u := rollUser(dice, next)
				u.Path = roster.OrgPath{world.Acme}
				if behind {
					u.CreatedAt = world.Now
				}
				p.put(u)
				ever[workspace.UserID(u.ID)] = true
				next += 1000
				came++
			}
		}
		missed, again := 0, 0
		for id := range stays {
			if shown[id] == 0 {
				missed++
			}
		}
		for id, times := range shown {
			if !ever[id] {
				rt.Fatalf("%s was shown, and never stood", id)
			}
			again += times - 1
		}
		if missed > gone {
			rt.Fatalf("%d who stay were missed, though only %d have gone", missed, gone)
		}
		if again > came || behind && again > 0 {
			rt.Fatalf("users were shown %d times again, though only %d have come (behind everybody: %t)", again, came, behind)
		}
	})
}

// TestManyUsersAreWalkedInEveryOrder walks a list that is larger than what the replica sorts as a whole, in every order.
func TestManyUsersAreWalkedInEveryOrder(t *testing.T) {
	dice := rand.New(rand.NewPCG(5, 6))
	var users []roster.User
	for i := range 2500 {
		users = append(users, rollUser(dice, firstID+roster.UserID(i*1000)))
	}
	_, h := townOf(t, users...)
	for _, by := range []string{"name", "role", "status", "createdAt", "updatedAt"} {
		for _, order := range []string{"asc", "desc"} {
			t.Run(fmt.Sprint(by, " ", order), func(t *testing.T) {
				query := url.Values{"sortBy": {by}, "sortOrder": {order}}
				walked := []string{}
				for number := int64(1); ; number++ {
					got := page(t, h, world.Client(world.Acme), query, number, 30)
					walked = append(walked, idsOf(got)...)
					if got.Next == nil {
						break
					}
				}
				if diff := gocmp.Diff(plainList(users, query, 0), walked); diff != "" {
					t.Errorf("the walk (-loop +walk)\n%s", diff)
				}
			})
		}
	}
}
