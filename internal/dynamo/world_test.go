package dynamo_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

// world is a table with one tenant, and a clock that began at the true time, to the second, since DynamoDB Local may
// remove what has expired by that. The tenant has the root 7 with an admin (user 1) and a client, and
// below it organization 8.
type world struct {
	*dynamo.Table
	clock *rostertest.Clock
	name  string
	root  roster.OrgPath
	child roster.OrgPath
	// base are options for every client of the world, such as where its table is.
	base []func(*dynamodb.Options)
}

func newWorld(t *testing.T, options ...func(*dynamodb.Options)) *world {
	t.Helper()
	return newWorldIn(t, rostertest.CreateTable(t), options...)
}

// newWorldIn is newWorld in the empty table of that name.
func newWorldIn(t *testing.T, table string, options ...func(*dynamodb.Options)) *world {
	t.Helper()
	w := &world{clock: rostertest.NewClock(time.Now().UTC().Truncate(time.Second)), name: table}
	w.settle(t, options...)
	return w
}

// settle makes the world's tenant.
func (w *world) settle(t *testing.T, options ...func(*dynamodb.Options)) {
	t.Helper()
	w.Table = w.over(t, options...)
	w.root, w.child = roster.OrgPath{7}, roster.OrgPath{7, 8}
	// The tenant is made over a sound road, whatever the options are.
	sound := w.over(t)
	if _, err := sound.CreateTenant(t.Context(), rostertest.Tenant(7), rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := sound.CreateOrganization(t.Context(), rostertest.Organization(w.root, 8), rostertest.Stamp(), nil); err != nil {
		t.Fatal(err)
	}
}

// over returns another Table on the same table, as another process would have.
func (w *world) over(t *testing.T, options ...func(*dynamodb.Options)) *dynamo.Table {
	return dynamo.New(rostertest.Client(t, slices.Concat(w.base, options)...), w.name, dynamo.Options{
		Now: w.clock.Now, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
}

// newcomer is a user about to be created, with a password.
func newcomer(user roster.User) roster.NewUser {
	return roster.NewUser{User: user, Credential: &roster.Credential{PasswordHash: "$argon2id$"}}
}

// create creates the n-th user at the end of path, or fails the test.
func (w *world) create(t *testing.T, path roster.OrgPath, n int, changes ...func(*roster.User)) roster.User {
	t.Helper()
	user, _, err := w.CreateUser(t.Context(), newcomer(rostertest.User(path, n, changes...)), rostertest.Stamp(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// keys returns the primary keys of all items in the table, sorted: what a Scan is good for, in a test.
func (w *world) keys(t *testing.T) []string {
	t.Helper()
	var keys []string
	pages := dynamodb.NewScanPaginator(rostertest.Client(t), &dynamodb.ScanInput{TableName: &w.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			keys = append(keys, item["pk"].(*types.AttributeValueMemberS).Value+" "+item["sk"].(*types.AttributeValueMemberS).Value)
		}
	}
	slices.Sort(keys)
	return keys
}

// added returns the keys that are in the table since before.
func (w *world) added(t *testing.T, before []string) []string {
	t.Helper()
	return slices.DeleteFunc(w.keys(t), func(k string) bool { return slices.Contains(before, k) })
}

// mustFit fails the test for everything that Check finds.
func (w *world) mustFit(t *testing.T) {
	t.Helper()
	// Over a sound road, as another process.
	summary, err := w.over(t).Check(t.Context(), func(f dynamo.Finding) error {
		t.Error(f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if summary.Items["user"] == 0 {
		t.Errorf("the check has met %v", summary.Items)
	}
}

// admins returns the count of Admins of the root.
func (w *world) admins(t *testing.T) string {
	t.Helper()
	out, err := rostertest.Client(t).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &w.name, Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "T#7#ORG#7"}, "sk": &types.AttributeValueMemberS{Value: "ADMINS"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	count, ok := out.Item["count"].(*types.AttributeValueMemberN)
	if !ok {
		return "none"
	}
	return count.Value
}

// changes returns what the tenant's feed shows since a moment, all shards one after the other.
func (w *world) changes(t *testing.T, since time.Time) []roster.Change {
	t.Helper()
	var all []roster.Change
	for shard := range roster.Shards {
		err := w.Changes(t.Context(), 7, shard, since, func(c roster.Change) error {
			all = append(all, dynamo.Keep(c))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// wantKind fails the test unless err is of that kind.
func wantKind(t *testing.T, what string, err error, kind roster.Kind) {
	t.Helper()
	if err == nil || roster.KindOf(err) != kind {
		t.Errorf("%s gives %v, want an error of the kind %v", what, err, kind)
	}
}
