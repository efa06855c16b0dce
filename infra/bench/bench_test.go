package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// small are options for tests: few users, no databases but SQLite, one round.
func small(t *testing.T, arguments ...string) options {
	t.Helper()
	o, err := parseOptions(append([]string{
		"-users=2000", "-organizations=20", "-rounds=1", "-stretch=100ms", "-postgres=false", "-output=" + filepath.Join(t.TempDir(), "REPORT.md"),
	}, arguments...))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestParseOptionsNamesWhatIsWrong(t *testing.T) {
	for argument, want := range map[string]string{
		"-users=10":       `"10" is not a number of at least 1000`,
		"-users=1000,x":   `"x" is not a number of at least 1000`,
		"-only=queries,x": `there is no section "x"`,
		"-rounds=0":       "-rounds",
		"x":               `"x" is not a flag`,
	} {
		if _, err := parseOptions([]string{argument}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseOptions(%s) = %v, want %s", argument, err, want)
		}
	}
}

// The engines' answers are compared inside of measure, so this is a test of each of them, too.
func TestReportOfWhatNeedsNoServer(t *testing.T) {
	o := small(t, "-only=queries,load,changes")
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.output)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Measurements\n", "SQLite 3.", "## Queries, side by side\n", "| text by name, offset 150: reyes123 |", "SQLite FTS5", "## Cold load from the feed\n", "## Queries while changes arrive\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "could not be measured") || strings.Contains(string(text), "## Memory") {
		t.Errorf("the report holds what was not asked for:\n%s", text)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if strings.Contains(line, "/tmp/") || strings.Contains(line, "/home/") {
			t.Errorf("the report tells of this machine: %s", line)
		}
	}
}

// wrongEngine is a replica that leaves somebody out.
type wrongEngine struct{ *replicaEngine }

func (e wrongEngine) name() string { return "wrong" }

func (e wrongEngine) answer(ctx context.Context, c *class) (int, []int64, error) {
	total, ids, err := e.replicaEngine.answer(ctx, c)
	return total, ids[:len(ids)-1], err
}

func TestMeasureRefusesAnswersThatDiffer(t *testing.T) {
	o := small(t)
	p := o.population(1000)
	e, err := loadReplica(t.Context(), p, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	c := &class{group: "g", name: "n", text: "a", column: roster.FieldName}
	if _, err := measure(t.Context(), c, []engine{e, wrongEngine{e}}, &o); err == nil || !strings.Contains(err.Error(), "or other ones on the page") {
		t.Errorf("measure = %v, want it to tell of the difference", err)
	}
}

func TestTheSDKsWayReadsTheSameUsers(t *testing.T) {
	const users = 6000 // more than one page in each shard
	o := small(t)
	p := o.population(users)
	canned, err := fillCanned(t.Context(), p, users)
	if err != nil {
		t.Fatal(err)
	}
	if pages, _ := canned.size(); pages <= roster.Shards {
		t.Fatalf("%d users are in %d pages, want more than one in each shard", users, pages)
	}
	read := func(feed replica.Feed) map[roster.UserID]roster.User {
		all := map[roster.UserID]roster.User{}
		for shard := range roster.Shards {
			err := feed.Changes(t.Context(), p.Tenant(), shard, time.Time{}, func(c roster.Change) error {
				all[c.User.ID] = *c.User.Clone()
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	ours, theirs := read(canned.open()), read(&sdkFeed{canned.client()})
	if len(ours) != users || len(theirs) != users {
		t.Fatalf("read %d and %d users, want %d", len(ours), len(theirs), users)
	}
	for id, user := range ours {
		other := theirs[id]
		user.Revision.Stamp, other.Revision.Stamp = roster.Stamp{}, roster.Stamp{} // which the replica does not hold
		if diff := cmp.Diff(user, other, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("package dynamo reads (-) and the SDK (+):\n%s", diff)
		}
	}
}

func TestLiveFeedShowsWhatChangedSince(t *testing.T) {
	o := small(t)
	const users = 1000
	feed, tenant := newLiveFeed(&o, users)
	at := madeFor.Add(time.Minute)
	changed := feed.renewed(0, 100, users, at)
	feed.append(changed...)
	count := func(since time.Time) (n int) {
		for shard := range roster.Shards {
			if err := feed.Changes(t.Context(), tenant, shard, since, func(roster.Change) error { n++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	for since, want := range map[time.Time]int{{}: users + 100, at: 100, at.Add(1): 0} {
		if got := count(since); got != want {
			t.Errorf("since %v the feed shows %d changes, want %d", since, got, want)
		}
	}
	ids := map[roster.UserID]bool{}
	for _, c := range changed {
		ids[c.User.ID] = true
	}
	if len(ids) != 100 {
		t.Errorf("100 changes are of %d users", len(ids))
	}
}

func TestBarsSayWhatHolds(t *testing.T) {
	r := newReport()
	r.bars([]bar{
		{what: "a", limit: 2, value: 2, unit: "ms"}, {what: "b", limit: 2, value: 2.5, unit: "ms"},
		{what: "c", limit: 15, value: 20, atLeast: true, unit: "x"}, {what: "d", limit: 15, value: 14.9, atLeast: true, unit: "x"},
	})
	want := []string{
		"| a | <= 2 ms | 2.00 ms | met |", "| b | <= 2 ms | 2.50 ms | **not met** |",
		"| c | >= 15 x | 20.0 x | met |", "| d | >= 15 x | 14.9 x | **not met** |",
	}
	if got := strings.Split(strings.TrimSpace(r.text.String()), "\n")[2:]; !slices.Equal(got, want) {
		t.Errorf("bars wrote\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCostBarsNeedEveryPinnedCost(t *testing.T) {
	var costs []rostertest.PinnedCost
	for _, what := range []string{"a get in dialect 1", "a search in dialect 1", "a list in dialect 1", "a list in dialect 2", "CreateUser", "a patch", "a change of role", "a transfer"} {
		if _, err := costBars(costs); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("without the cost of %s: %v", what, err)
		}
		costs = append(costs, rostertest.PinnedCost{What: what, Reads: 0.5, Writes: 1, Legs: 3})
	}
	bars, err := costBars(costs)
	if err != nil || bars[0].value != 0.5 || bars[4].value != 7 { // a leg is two units
		t.Errorf("costBars = %+v, %v", bars, err)
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0412: "0.041", 0.5: "0.50", 9.99: "9.99", 12.34: "12.3", 123.4: "123", 1234567: "1,234,567"} {
		if got := digits(v); got != want {
			t.Errorf("digits(%v) = %q, want %q", v, got, want)
		}
	}
	if got := thousands(-1234); got != "-1,234" {
		t.Errorf("thousands(-1234) = %q", got)
	}
}
