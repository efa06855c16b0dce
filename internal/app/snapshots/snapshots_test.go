package snapshots_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/snapshots"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

const (
	tenant = roster.TenantID(7)
	crowd  = 400 // and the admin
	bound  = 100 // users from which on there are snapshots
)

// place is a tenant in a table of its own, and those who read it.
type place struct {
	*testing.T
	name  string
	table *dynamo.Table
	clock *rostertest.Clock
	log   bytes.Buffer
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{T: t, name: rostertest.CreateTable(t), clock: rostertest.NewClock(time.Now().UTC().Truncate(time.Second))}
	p.table = p.over()
	if _, err := p.table.CreateTenant(t.Context(), rostertest.Tenant(tenant), rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	var batch []roster.NewUser
	for n := range crowd {
		batch = append(batch, roster.NewUser{User: rostertest.User(roster.OrgPath{7}, 100+n)})
	}
	if err := dynamo.FirstError(p.table.CreateUsers(t.Context(), batch, rostertest.Stamp())); err != nil {
		t.Fatal(err)
	}
	p.clock.Advance(time.Minute)
	return p
}

// over returns the table as another process has it. It is never throttled for long.
func (p *place) over(options ...func(*dynamodb.Options)) *dynamo.Table {
	options = append(options, func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
		})
	})
	return dynamo.New(rostertest.Client(p, options...), p.name, dynamo.Options{
		Now: p.clock.Now, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
}

// read is a cold read of all users. It returns their number with the given title, what it took, and whether it began with a snapshot.
func (p *place) read(title string) (titled int, cost roster.Cost, fromSnapshot bool) {
	p.Helper()
	r := replica.New(replica.Config{
		Feed: p.table, Snapshots: p.table, Now: p.clock.Now, SnapshotUsers: bound, Log: slog.New(slog.NewTextHandler(&p.log, nil)),
	})
	var page roster.UserPage
	seen := map[roster.UserID]bool{}
	cost = rostertest.CostOf(p, func(ctx context.Context) error {
		for offset := 0; ; offset += roster.MaxLimit {
			var err error
			if page, err = r.SearchUsers(ctx, tenant, roster.Query{Page: roster.Page{Limit: roster.MaxLimit, Offset: offset}}); err != nil {
				return err
			}
			for _, u := range page.Users {
				if seen[u.ID] = true; u.Title == title {
					titled++
				}
			}
			if !page.After {
				return nil
			}
		}
	})
	if len(seen) != crowd+1 || page.Total != crowd+1 {
		p.Fatalf("%d of %d users were read, want %d", len(seen), page.Total, crowd+1)
	}
	stats, _ := r.Stats(tenant)
	return titled, cost, stats.FromSnapshot > 0
}

// retitle gives so many users a title.
func (p *place) retitle(count int, title string) {
	p.Helper()
	for n := range count {
		before, err := p.table.User(p.Context(), tenant, rostertest.User(roster.OrgPath{7}, 100+n).ID)
		if err != nil {
			p.Fatal(err)
		}
		after := *before.Clone()
		after.Title = title
		if _, err := p.table.UpdateUser(p.Context(), before, after, rostertest.Stamp()); err != nil {
			p.Fatal(err)
		}
	}
}

// function returns the Lambda.
func (p *place) function() func(event string) error {
	p.Helper()
	f, err := snapshots.New(p.Context(), app.Environment{Log: &p.log, Now: p.clock.Now, Getenv: func(name string) string {
		return map[string]string{
			"ROSTER_TABLE": p.name, "ROSTER_DYNAMODB_ENDPOINT": rostertest.Endpoint(p), "AWS_REGION": "local",
			"AWS_ACCESS_KEY_ID": "roster", "AWS_SECRET_ACCESS_KEY": "local", "ROSTER_SNAPSHOT_USERS": fmt.Sprint(bound),
		}[name]
	}})
	if err != nil {
		p.Fatal(err)
	}
	return func(event string) error {
		_, err := f.Invoke(p.Context(), []byte(event))
		return err
	}
}

func (p *place) mustFit() {
	p.Helper()
	summary, err := p.over().Check(p.Context(), func(f dynamo.Finding) error {
		p.Error(f)
		return nil
	})
	if err != nil || summary.Items["user"] == 0 {
		p.Fatalf("the check has met %v, %v", summary.Items, err)
	}
}

// From a load that had to read the feed, by the list and the function, to one that reads a snapshot, for less.
func TestFromTheFeedToASnapshot(t *testing.T) {
	p := newPlace(t)
	event, err := os.ReadFile("../../../events/snapshots-scheduled.json")
	if err != nil {
		t.Fatal(err)
	}
	run := p.function()
	if err := run(string(event)); err != nil || !strings.Contains(p.log.String(), `"written":0`) {
		t.Fatalf("with nothing due: %v, %s", err, p.log.String())
	}
	_, before, from := p.read("")
	if from || before.Writes != 1 {
		t.Errorf("the first load costs %+v, want one unit to ask for a snapshot", before)
	}
	if err := run(string(event)); err != nil || !strings.Contains(p.log.String(), `"written":1`) {
		t.Fatalf("with a tenant due: %v, %s", err, p.log.String())
	}
	p.retitle(3, "Late")
	titled, after, from := p.read("Late")
	if !from || titled != 3 || after.Reads >= before.Reads || after.Writes != 0 {
		t.Errorf("from a snapshot (%t), %d users have the title, for %+v; want 3, for less than %+v", from, titled, after, before)
	}
	t.Logf("%d users: %v RRU in %d calls from the feed, %v in %d from a snapshot", crowd, before.Reads, before.Calls, after.Reads, after.Calls)
	p.mustFit()
}

// A writer is cut off at each of its calls to the table, with and without that call being done. Readers see everything, and the next writer
// goes on.
func TestAWriterIsCutOffAtEveryCall(t *testing.T) {
	p := newPlace(t)
	keeper := func(table *dynamo.Table) *replica.Keeper {
		return replica.NewKeeper(replica.KeeperConfig{
			Feed: table, Store: table, Now: p.clock.Now, MinUsers: bound, Log: slog.New(slog.NewTextHandler(&p.log, nil)),
		})
	}
	if _, err := keeper(p.table).Keep(t.Context(), tenant, &replica.Report{}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []rostertest.FaultKind{rostertest.ServerError, rostertest.LostAnswer} {
		for call, done := 0, false; !done; call++ {
			p.clock.Advance(2 * time.Hour)
			title := fmt.Sprint("Title ", kind, call)
			p.retitle(crowd/20+1, title)
			faults := rostertest.NewFaults(1, rostertest.Fault{Kind: kind, Skip: call})
			_, err := keeper(p.over(rostertest.WithTransport(faults))).Keep(t.Context(), tenant, &replica.Report{})
			if done = faults.Injected() == 0; done && (err != nil || call < 8) {
				t.Fatalf("undisturbed, in %d calls, the writer gives %v", call, err)
			}
			titled, _, from := p.read(title)
			if !from || titled != crowd/20+1 {
				t.Fatalf("after a writer that was cut off at call %d, %d have the title, from a snapshot: %t; %s", call, titled, from, p.log.String())
			}
			p.clock.Advance(16 * time.Minute)
			var r replica.Report
			if _, err := keeper(p.table).Keep(t.Context(), tenant, &r); err != nil || r.Busy+r.Failed > 0 {
				t.Fatalf("after a writer that was cut off at call %d, the next gives %+v, %v", call, r, err)
			}
			if titled, _, from := p.read(title); !from || titled != crowd/20+1 {
				t.Fatalf("after the next writer, %d have the title, from a snapshot: %t", titled, from)
			}
		}
	}
	p.mustFit()
}
