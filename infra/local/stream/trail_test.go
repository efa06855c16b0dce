package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/infra/local/stream"
	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/changes"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

// trail is a table, its stream, and the function that keeps the audit trail, as template.yaml puts them together.
type trail struct {
	*testing.T
	table *dynamo.Table
	place string
	file  string
	clock *rostertest.Clock
}

func newTrail(t *testing.T) *trail {
	t.Helper()
	c := &trail{T: t, place: rostertest.CreateTableWithStream(t), file: t.TempDir() + "/place.json", clock: rostertest.NewClock(time.Now().UTC().Truncate(time.Millisecond))}
	c.table = dynamo.New(rostertest.Client(t), c.place, dynamo.Options{Now: c.clock.Now})
	return c
}

// function returns the function as a new execution environment has it.
func (c *trail) function() stream.Function {
	c.Helper()
	f, err := changes.New(c.Context(), app.Environment{Log: io.Discard, Now: c.clock.Now, Getenv: func(name string) string {
		return map[string]string{
			"ROSTER_TABLE": c.place, "ROSTER_DYNAMODB_ENDPOINT": rostertest.Endpoint(c), "AWS_REGION": "local",
			"AWS_ACCESS_KEY_ID": "roster", "AWS_SECRET_ACCESS_KEY": "local",
		}[name]
	}})
	if err != nil {
		c.Fatal(err)
	}
	return f
}

// deliver gives the function what is new in the stream, as the template's mapping says, and returns what was given up.
func (c *trail) deliver(to stream.Function) []string {
	c.Helper()
	template, err := samtemplate.FindAndRead()
	if err != nil {
		c.Fatal(err)
	}
	mapping := template.Streams[0]
	if mapping.Function != "ChangesFunction" || !mapping.PartialFailures || !mapping.Bisect || mapping.MaxRetries < 3 {
		c.Fatalf("the mapping is %+v", mapping)
	}
	out, err := rostertest.Client(c).DescribeTable(c.Context(), &dynamodb.DescribeTableInput{TableName: &c.place})
	if err != nil {
		c.Fatal(err)
	}
	var lines []string
	poller, err := stream.New(stream.Config{
		API: dynamodbstreams.New(dynamodbstreams.Options{
			Region: "local", BaseEndpoint: aws.String(rostertest.Endpoint(c)),
			Credentials: credentials.NewStaticCredentialsProvider("roster", "local", ""),
		}),
		Stream: *out.Table.LatestStreamArn, Function: to, BatchSize: int32(mapping.BatchSize), MaxRetries: mapping.MaxRetries,
		Bisect: mapping.Bisect, PartialFailures: mapping.PartialFailures, Filters: mapping.Filters, File: c.file,
		Pause:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Report: func(line string) { lines = append(lines, line) },
	})
	if err != nil {
		c.Fatal(err)
	}
	for {
		read, err := poller.Poll(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		if read == 0 {
			return lines
		}
	}
}

// entries returns the trail of an organization in lines, oldest first, read in small pages.
func (c *trail) entries(org roster.OrgID) []string {
	c.Helper()
	var lines []string
	for before := ""; ; {
		page, err := c.table.AuditEntries(c.Context(), 7, org, before, 7)
		if err != nil {
			c.Fatal(err)
		}
		for _, e := range page.Entries {
			lines = append([]string{line(e.Action, e.Subject, e.Version)}, lines...)
		}
		if before = page.Next; before == "" {
			return lines
		}
	}
}

func line(action roster.Action, subject string, version int64) string {
	return fmt.Sprintf("%s %s %d", action, subject, version)
}

// write changes the table in every way that gives an entry, and in some that give none, and returns the trails to be.
func (c *trail) write(random *rand.Rand) map[roster.OrgID][]string {
	c.Helper()
	want := map[roster.OrgID][]string{}
	note := func(action roster.Action, subject string, version int64, orgs ...roster.OrgID) {
		for _, org := range orgs {
			want[org] = append(want[org], line(action, subject, version))
		}
	}
	check := func(err error) {
		c.Helper()
		if err != nil {
			c.Fatal(err)
		}
		c.clock.Advance(time.Second) // the order of entries is that of time
	}
	stamp := rostertest.Stamp()
	ctx := c.Context()
	created, err := c.table.CreateTenant(ctx, rostertest.Tenant(7), stamp)
	check(err)
	root := created.Organization.Path
	sales, _, err := c.table.CreateOrganization(ctx, rostertest.Organization(root, 9), stamp, nil)
	check(err)
	note(roster.ActionOrganizationCreated, "organization:9", 1, 9)
	role, err := c.table.CreateRole(ctx, roster.Role{Tenant: 7, Name: "Auditor", Permissions: roster.Permissions(roster.OrgViewAudit)}, stamp)
	check(err)
	note(roster.ActionRoleCreated, "role:"+strconv.Itoa(int(role.ID)), 1, 7)
	for n := 10; n < 40; n++ {
		path := root
		if n%2 == 0 {
			path = sales.Path
		}
		new := roster.NewUser{User: rostertest.User(path, n), Credential: &roster.Credential{PasswordHash: "$argon2id$v=19$secret"}}
		user, _, err := c.table.CreateUser(ctx, new, stamp, nil)
		check(err)
		subject := "user:" + user.ID.String()
		note(roster.ActionUserCreated, subject, 1, user.Org())
		check(c.table.RecordLogin(ctx, 7, user.ID, c.clock.Now()))
		for range random.IntN(4) {
			before, err := c.table.UserEvenDeleted(ctx, 7, user.ID)
			check(err)
			after := before
			switch k := random.IntN(4); {
			case before.Deleted():
				after, err = c.table.RestoreUser(ctx, before, stamp)
				check(err)
				note(roster.ActionUserRestored, subject, after.Revision.Version, after.Org())
			case k == 0:
				after, err = c.table.DeleteUser(ctx, before, stamp)
				check(err)
				note(roster.ActionUserDeleted, subject, after.Revision.Version, after.Org())
			case k == 1:
				after.Path = map[bool]roster.OrgPath{true: root, false: sales.Path}[before.Org() == 9]
				after, err = c.table.UpdateUser(ctx, before, after, stamp)
				check(err)
				note(roster.ActionUserTransferred, subject, after.Revision.Version, 7, 9)
			default:
				after.Name += " Jr"
				after, err = c.table.UpdateUser(ctx, before, after, stamp)
				check(err)
				note(roster.ActionUserUpdated, subject, after.Revision.Version, after.Org())
			}
		}
	}
	user, _, err := c.table.CreateUser(ctx, roster.NewUser{User: rostertest.User(sales.Path, 40)}, stamp, nil)
	check(err)
	note(roster.ActionUserCreated, "user:40", 1, 9)
	for version := range int64(2) {
		check(c.table.PutCredential(ctx, roster.Credential{Tenant: 7, User: user.ID, PasswordHash: "$argon2id$v=19$other" + strconv.Itoa(int(version))}, stamp))
		note(roster.ActionPasswordChanged, "user:40", version+2, 9) // 1 is that of a password which came with its user
	}
	return want
}

// without returns the trail of the root without what founding a tenant leaves there: that the tests of package dynamo hold.
func without(lines []string, subjects ...string) []string {
	var kept []string
	for _, l := range lines {
		founding := false
		for _, s := range subjects {
			founding = founding || strings.Contains(l, " "+s+" ")
		}
		if !founding {
			kept = append(kept, l)
		}
	}
	return kept
}

func (c *trail) compare(want map[roster.OrgID][]string) {
	c.Helper()
	for _, org := range []roster.OrgID{7, 9} {
		got := without(c.entries(org), "organization:7", "user:1", "client:client-7")
		if diff := cmp.Diff(want[org], got); diff != "" {
			c.Errorf("the trail of organization %d (-want +got):\n%s", org, diff)
		}
	}
}

// often is a function that is given everything several times.
type often struct{ stream.Function }

func (f often) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	for range 2 {
		if out, err := f.Function.Invoke(ctx, payload); err != nil {
			return out, err
		}
	}
	return f.Function.Invoke(ctx, payload)
}

func TestTrailTellsEverythingOnceHoweverOftenItIsDelivered(t *testing.T) {
	c := newTrail(t)
	want := c.write(rand.New(rand.NewPCG(1, 2)))
	if lines := c.deliver(often{c.function()}); len(lines) > 0 {
		t.Errorf("given up: %q", lines)
	}
	c.compare(want)
	// The entries came through the stream as well, and are no matter for the trail.
	c.deliver(c.function())
	c.compare(want)
}

// failing is a function that fails at random points: before it does anything, after some of the batch, and after all of it.
type failing struct {
	stream.Function
	random *rand.Rand
}

func (f failing) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event struct{ Records []json.RawMessage }
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	done := f.random.IntN(len(event.Records) + 1)
	part, err := json.Marshal(map[string]any{"Records": event.Records[:done]})
	if err != nil {
		return nil, err
	}
	if f.random.IntN(3) > 0 {
		if _, err := f.Function.Invoke(ctx, part); err != nil {
			return nil, err
		}
	}
	switch f.random.IntN(3) {
	case 0:
		return nil, errors.New("the answer was lost")
	case 1:
		ended, cancel := context.WithCancel(ctx)
		cancel() // the time is over at once
		return f.Function.Invoke(ended, payload)
	default:
		return f.Function.Invoke(ctx, payload)
	}
}

func TestTrailIsCompleteWhereTheFunctionFails(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(strconv.Itoa(int(seed)), func(t *testing.T) {
			c := newTrail(t)
			random := rand.New(rand.NewPCG(seed, 7))
			want := c.write(random)
			if lines := c.deliver(failing{c.function(), random}); len(lines) > 0 {
				t.Errorf("given up: %q", lines)
			}
			c.compare(want)
		})
	}
}
