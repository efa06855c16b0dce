package dynamo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// The hand of somebody who writes to the table past this package.

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }

// raw returns an item of the table, whose key is given as in Finding.Item.
func (w *world) raw(t *testing.T, item string) map[string]types.AttributeValue {
	t.Helper()
	pk, sk, _ := strings.Cut(item, " ")
	out, err := rostertest.Client(t).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &w.name, Key: map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk)}})
	if err != nil || out.Item == nil {
		t.Fatalf("reading %s: %v, %v", item, out, err)
	}
	return out.Item
}

// putRaw writes an item, changed.
func (w *world) putRaw(t *testing.T, item map[string]types.AttributeValue, change func(map[string]types.AttributeValue)) {
	t.Helper()
	change(item)
	if _, err := rostertest.Client(t).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.name, Item: item}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) removeRaw(t *testing.T, item string) {
	t.Helper()
	pk, sk, _ := strings.Cut(item, " ")
	if _, err := rostertest.Client(t).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.name, Key: map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk)}}); err != nil {
		t.Fatal(err)
	}
}

// set returns a change of one attribute; nil removes it.
func set(name string, value types.AttributeValue) func(map[string]types.AttributeValue) {
	return func(item map[string]types.AttributeValue) {
		item[name] = value
		if value == nil {
			delete(item, name)
		}
	}
}

// found returns what Check finds, as kind and item, sorted.
func (w *world) found(t *testing.T) ([]string, dynamo.Summary) {
	t.Helper()
	var found []string
	summary, err := w.Check(t.Context(), func(f dynamo.Finding) error {
		t.Log(f)
		found = append(found, string(f.Kind)+": "+f.Item)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if summary.Findings != len(found) {
		t.Errorf("the summary speaks of %d findings, and there are %d", summary.Findings, len(found))
	}
	slices.Sort(found)
	return found, summary
}

// furnish puts some of everything into a world: user 42 with an identity, a deleted user 43, a role, a group, a warehouse, an entry of a trail, and
// whatever else there can be.
func (w *world) furnish(t *testing.T) {
	t.Helper()
	w.create(t, w.child, 42, func(u *roster.User) { u.Identities = []roster.Identity{identity("42")} })
	if _, err := w.DeleteUser(t.Context(), w.create(t, w.child, 43), rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.CreateUser(t.Context(), roster.NewUser{User: rostertest.User(w.root, 44)}, rostertest.Stamp(), once(1, 1)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.CreateOrganization(t.Context(), rostertest.Organization(w.child, 9), rostertest.Stamp(), nil); err != nil {
		t.Fatal(err)
	}
	w.create(t, roster.OrgPath{7, 8, 9}, 45)
	if _, err := w.CreateRole(t.Context(), roster.Role{Tenant: 7, Name: "Auditor"}, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateGroup(t.Context(), roster.Group{Tenant: 7, ID: 5, Name: "Tax"}, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateWarehouse(t.Context(), roster.Warehouse{Tenant: 7, ID: 6, Name: "East", Active: true}, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if err := w.PutAudit(t.Context(), w.entries(2)); err != nil {
		t.Fatal(err)
	}
	if err := w.CreateGrant(t.Context(), roster.Grant{Family: [32]byte{1}, Tenant: 7, Client: "client-7", ExpiresAt: w.clock.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	integration := roster.Client{ID: "integration-7", Tenant: 7, Path: w.child, Name: "Sync", Integration: true}
	if _, _, err := w.CreateIntegration(t.Context(), integration, roster.IntegrationToken{ID: "a", Tenant: 7, Client: integration.ID}, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if err := w.RevokeToken(t.Context(), "token", w.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := w.PutSigningKey(t.Context(), roster.SigningKey{ID: "key"}); err != nil {
		t.Fatal(err)
	}
}

func TestCheckFindsNothingWhereAllIsWell(t *testing.T) {
	w := newWorld(t)
	w.furnish(t)
	found, summary := w.found(t)
	if len(found) != 0 {
		t.Errorf("it finds %q", found)
	}
	want := dynamo.Summary{Tenants: 1, Items: map[string]int{
		"organization": 3, "role": 1, "group": 1, "warehouse": 1, "user": 5, "credential": 2, "emailClaim": 4, "identityClaim": 1, "clientPointer": 2, "client": 2, "integrationToken": 1, "admins": 1,
		"once": 1, "audit": 2, "grant": 1, "revokedToken": 1, "signingKey": 1,
	}}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("the summary is (-want +got):\n%s", diff)
	}
}

// TestCheckFinds breaks one thing after the other, each in a world of its own.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	const user, claim, credential = "T#7#USER#42 USER", "EMAIL#user-42@tenant-7.example.com CLAIM", "T#7#USER#42 CREDENTIAL"
	const identityClaim, deleted, admins, child = "T#7#IDENTITY#8#azure#42 CLAIM", "T#7#USER#43 USER", "T#7#ORG#7 ADMINS", "T#7#ORG#8 ORG"
	change := func(item, name string, value types.AttributeValue) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.putRaw(t, w.raw(t, item), set(name, value)) }
	}
	remove := func(item string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.removeRaw(t, item) }
	}
	move := func(item, pk string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) { w.putRaw(t, w.raw(t, item), set("pk", text(pk))) }
	}
	for name, tt := range map[string]struct {
		hurt func(*testing.T, *world)
		want []string
	}{
		"a user without its address":          {remove(claim), []string{"missing claim: " + user}},
		"a user without its identity":         {remove(identityClaim), []string{"missing claim: " + user}},
		"an address held by another":          {change(claim, "userId", number("44")), []string{"missing claim: " + user, "stray claim: " + claim}},
		"an address held by another tenant's": {change(claim, "tenantId", number("8")), []string{"missing claim: " + user, "stray claim: " + claim}},
		"an address of nobody":                {move(claim, "EMAIL#nobody@example.com"), []string{"stray claim: EMAIL#nobody@example.com CLAIM"}},
		"an address of a deleted user": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, claim), func(i map[string]types.AttributeValue) {
				i["pk"], i["userId"] = text("EMAIL#user-43@tenant-7.example.com"), number("43")
			})
		}, []string{"stray claim: EMAIL#user-43@tenant-7.example.com CLAIM"}},
		"an identity in another organization":    {move(identityClaim, "T#7#IDENTITY#9#azure#42"), []string{"stray claim: T#7#IDENTITY#9#azure#42 CLAIM"}},
		"an address in the place of an identity": {change(identityClaim, "type", text("emailClaim")), []string{"wrong attributes: " + identityClaim}},
		"two users of one address": {change("T#7#USER#44 USER", "email", text("user-42@tenant-7.example.com")),
			[]string{"missing claim: T#7#USER#44 USER", "stray claim: EMAIL#user-44@tenant-7.example.com CLAIM"}},
		"a user who is gone": {remove(user), []string{"stray claim: " + claim, "stray claim: " + identityClaim, "stray credential: " + credential}},
		"a password of a deleted user": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, credential), func(i map[string]types.AttributeValue) { i["pk"], i["userId"] = text("T#7#USER#43"), number("43") })
		}, []string{"stray credential: T#7#USER#43 CREDENTIAL"}},
		"a password of nobody": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, credential), func(i map[string]types.AttributeValue) { i["pk"], i["userId"] = text("T#7#USER#99"), number("99") })
		}, []string{"stray credential: T#7#USER#99 CREDENTIAL"}},
		"a password of somebody else": {change(credential, "userId", number("44")), []string{"wrong attributes: " + credential}},
		"a user of nowhere": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, "T#7#USER#44 USER"), func(i map[string]types.AttributeValue) { i["path"], i["orgId"] = text("7/99"), number("99") })
		}, []string{"missing organization: T#7#USER#44 USER"}},
		"a deleted user of nowhere": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, deleted), func(i map[string]types.AttributeValue) { i["path"], i["orgId"] = text("7/99"), number("99") })
		}, []string{"missing organization: " + deleted}},
		"a user at a wrong path": {change("T#7#USER#45 USER", "path", text("7/9")), []string{"wrong path: T#7#USER#45 USER"}},
		"an organization that is gone": {remove(child), []string{
			"missing organization: CLIENT#integration-7 CLIENT", "missing organization: T#7#ORG#9 ORG", "missing organization: " + user, "missing organization: " + deleted}},
		"a root that is gone": {remove("T#7#ORG#7 ORG"), []string{
			"missing organization: CLIENT#client-7 CLIENT", "missing organization: T#7#ORG#7 ADMINS", "missing organization: T#7#ORG#7 GROUP#5", "missing organization: T#7#ORG#7 ROLE#4", "missing organization: T#7#ORG#7 WAREHOUSE#6",
			"missing organization: " + child, "missing organization: T#7#USER#1 USER", "missing organization: T#7#USER#44 USER"}},
		"an organization at a wrong path": {change("T#7#ORG#9 ORG", "path", text("7/9")), []string{
			"wrong attributes: T#7#ORG#9 ORG", "wrong path: T#7#USER#45 USER"}},
		"an organization of another id": {change("T#7#ORG#9 ORG", "id", number("10")), []string{"wrong attributes: T#7#ORG#9 ORG", "wrong path: T#7#ORG#9 ORG"}},
		"a client of nowhere":           {change("CLIENT#client-7 CLIENT", "path", text("7/99")), []string{"missing organization: CLIENT#client-7 CLIENT"}},
		"a client at a wrong path":      {change("CLIENT#client-7 CLIENT", "path", text("7/9")), []string{"wrong path: CLIENT#client-7 CLIENT"}},
		"a client without pointer":      {remove("T#7#CLIENTS CLIENT#client-7"), []string{"missing client pointer: CLIENT#client-7 CLIENT"}},
		"a pointer without client":      {remove("CLIENT#client-7 CLIENT"), []string{"missing client: T#7#CLIENTS CLIENT#client-7"}},
		"a pointer of another tenant":   {move("T#7#CLIENTS CLIENT#client-7", "T#8#CLIENTS"), []string{"missing client: T#8#CLIENTS CLIENT#client-7"}},
		"a pointer to another":          {change("T#7#CLIENTS CLIENT#client-7", "clientId", text("other")), []string{"wrong attributes: T#7#CLIENTS CLIENT#client-7"}},
		"a token of another id":         {change("CLIENT#integration-7 TOKEN#a", "tokenId", text("b")), []string{"wrong attributes: CLIENT#integration-7 TOKEN#a"}},
		"a token of another client":     {change("CLIENT#integration-7 TOKEN#a", "clientId", text("client-7")), []string{"wrong attributes: CLIENT#integration-7 TOKEN#a"}},
		"a token of nobody": {func(t *testing.T, w *world) {
			w.putRaw(t, w.raw(t, "CLIENT#integration-7 TOKEN#a"), func(i map[string]types.AttributeValue) {
				i["pk"], i["clientId"] = text("CLIENT#nobody"), text("nobody")
			})
		}, []string{"stray token: CLIENT#nobody TOKEN#a"}},
		"a token of another tenant":                  {change("CLIENT#integration-7 TOKEN#a", "tenantId", number("8")), []string{"stray token: CLIENT#integration-7 TOKEN#a"}},
		"a token of a client that is no integration": {change("CLIENT#integration-7 CLIENT", "integration", nil), []string{"stray token: CLIENT#integration-7 TOKEN#a"}},
		"a token that is purged":                     {change("CLIENT#integration-7 TOKEN#a", "expiresAt", number("4000000000")), []string{"wrong expiry: CLIENT#integration-7 TOKEN#a"}},
		"too many Admins counted":                    {change(admins, "count", number("2")), []string{"wrong count of Admins: " + admins}},
		"no Admins counted":                          {remove(admins), []string{"wrong count of Admins: " + admins}},
		"an Admin by hand":                           {change("T#7#USER#44 USER", "roles", &types.AttributeValueMemberL{Value: []types.AttributeValue{number("1")}}), []string{"wrong count of Admins: " + admins}},
		"a count elsewhere":                          {move(admins, "T#7#ORG#8"), []string{"wrong attributes: T#7#ORG#8 ADMINS"}},
		"a group of another id":                      {change("T#7#ORG#7 GROUP#5", "id", number("6")), []string{"wrong attributes: T#7#ORG#7 GROUP#5"}},
		"a group in the feed":                        {change("T#7#ORG#7 GROUP#5", "shard", number("1")), []string{"wrong attributes: T#7#ORG#7 GROUP#5"}},
		"a group that expires":                       {change("T#7#ORG#7 GROUP#5", "expiresAt", number("4102444800")), []string{"wrong expiry: T#7#ORG#7 GROUP#5"}},
		"a warehouse of another id":                  {change("T#7#ORG#7 WAREHOUSE#6", "id", number("7")), []string{"wrong attributes: T#7#ORG#7 WAREHOUSE#6"}},
		"a warehouse in no shard":                    {change("T#7#ORG#7 WAREHOUSE#6", "shard", nil), []string{"wrong attributes: T#7#ORG#7 WAREHOUSE#6"}},
		"a warehouse that expires":                   {change("T#7#ORG#7 WAREHOUSE#6", "expiresAt", number("4102444800")), []string{"wrong expiry: T#7#ORG#7 WAREHOUSE#6"}},
		"a user in a wrong shard":                    {change(user, "shard", number("3")), []string{"wrong attributes: " + user}},
		"a user in no shard":                         {change("T#7#USER#44 USER", "shard", nil), []string{"wrong attributes: T#7#USER#44 USER"}},
		"a user of a wrong kind":                     {change(user, "kind", text("deletedUser")), []string{"wrong attributes: " + user}},
		"a user listed elsewhere":                    {change(user, "orgId", number("7")), []string{"wrong attributes: " + user}},
		"a user never changed":                       {change(user, "changedAt", nil), []string{"wrong attributes: " + user}},
		"a role in no shard":                         {change("T#7#ORG#7 ROLE#4", "shard", nil), []string{"wrong attributes: T#7#ORG#7 ROLE#4"}},
		"a user of another id":                       {change("T#7#USER#44 USER", "id", number("48")), []string{"wrong attributes: T#7#USER#44 USER"}},
		"a user that will be purged":                 {change(user, "expiresAt", number("4000000000")), []string{"wrong expiry: " + user}},
		"a claim that will be purged":                {change(claim, "expiresAt", number("4000000000")), []string{"wrong expiry: " + claim}},
		"a deleted user for ever":                    {change(deleted, "expiresAt", nil), []string{"wrong expiry: " + deleted}},
		"a grant for ever":                           {change("GRANT#01"+strings.Repeat("00", 31)+" GRANT", "expiresAt", nil), []string{"wrong expiry: GRANT#01" + strings.Repeat("00", 31) + " GRANT"}},
		"a user of an unknown status":                {change("T#7#USER#45 USER", "status", text("Asleep")), []string{"unreadable item: T#7#USER#45 USER"}},
		"a version of letters":                       {change("KEYS KEY#key", "version", text("one")), []string{"unreadable item: KEYS KEY#key"}},
		"a client of no path":                        {change("CLIENT#client-7 CLIENT", "path", text("/")), []string{"unreadable item: CLIENT#client-7 CLIENT"}},
		"an item of another release":                 {change("KEYS KEY#key", "type", text("something new")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.furnish(t)
			tt.hurt(t, w)
			if found, _ := w.found(t); !slices.Equal(found, tt.want) {
				t.Errorf("it finds\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestCheckEndsWithItsReport(t *testing.T) {
	w := newWorld(t)
	w.removeRaw(t, "T#7#ORG#7 ORG")
	full := errors.New("enough")
	reported := 0
	_, err := w.Check(t.Context(), func(dynamo.Finding) error { reported++; return full })
	if !errors.Is(err, full) || reported != 1 {
		t.Errorf("it ends with %v after %d reports, want %v after one", err, reported, full)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Check(ctx, func(dynamo.Finding) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled check ends with %v", err)
	}
}

// TestCheckFindsNothingWhileOthersWrite runs checks beside writers: what moves in the meantime is no finding.
func TestCheckFindsNothingWhileOthersWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := dynamo.FirstError(w.CreateUsers(t.Context(), newUsers(w.child, 1000, 300), rostertest.Stamp())); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var writers sync.WaitGroup
	for n := range 3 {
		writers.Go(func() {
			random := newRandom(n)
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := w.writeSomething(t, random); err != nil {
					wantAnyKind(t, "a write", err, true, roster.KindConflict, roster.KindNotFound)
				}
			}
		})
	}
	for range 10 {
		w.mustFit(t)
	}
	close(done)
	writers.Wait()
	w.mustFit(t)
}
