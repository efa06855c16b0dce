package sim

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
)

func run(t interface {
	Helper()
	Fatal(...any)
}, s Scenario) Result {
	t.Helper()
	r, err := Run(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drawScenario draws a world small enough to be worked out often.
func drawScenario(t *rapid.T) Scenario {
	tenants := rapid.IntRange(1, 60).Draw(t, "tenants")
	return Scenario{
		Tenants: tenants, Users: tenants * rapid.IntRange(1, 50_000).Draw(t, "users each"),
		SizeSkew: rapid.Float64Range(0, 1.2).Draw(t, "size skew"), RateSkew: rapid.Float64Range(0, 1.2).Draw(t, "rate skew"),
		RequestsPerUserDay: rapid.Float64Range(0, 20).Draw(t, "rate"), Peak: rapid.Float64Range(1, 8).Draw(t, "peak"),
		Snapshots: rapid.Bool().Draw(t, "snapshots"),
	}
}

func TestTheConstantsAreThoseOfTheBuild(t *testing.T) {
	if shards != roster.Shards {
		t.Errorf("the model has %d shards, a feed has %d", shards, roster.Shards)
	}
	if snapshotUsers != replica.DefaultSnapshotUsers || snapshotOften != replica.DefaultSnapshotInterval {
		t.Errorf("the model has snapshots from %d users on, every %v, package replica from %d on, every %v",
			snapshotUsers, snapshotOften, replica.DefaultSnapshotUsers, replica.DefaultSnapshotInterval)
	}
}

func TestEveryFigureIsFiniteAndInItsRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := run(t, drawScenario(t))
		for name, v := range map[string]float64{
			"cold share": r.ColdShare, "cold starts": r.ColdStarts,
		} {
			if !(v >= 0 && v <= 1) {
				t.Errorf("%s = %v, want a share", name, v)
			}
		}
		for name, v := range map[string]float64{
			"environments": r.Environments - 1, "peak environments": r.PeakEnvironments - r.Environments, "resident": r.Resident,
			"partition reads": r.PartitionReads, "partition writes": r.PartitionWrites, "load": r.Load.Seconds(), "surge": (r.Surge - r.Load).Seconds(),
			"gateway": r.Cost.Gateway, "Lambda": r.Cost.Lambda, "reads": r.Cost.Reads, "writes": r.Cost.Writes,
			"storage": r.Cost.Storage, "KMS": r.Cost.KMS, "quota": r.Cost.Quota, "snapshots": r.Cost.Snapshots,
		} {
			if !(v >= 0) || math.IsInf(v, 0) {
				t.Errorf("%s = %v, want no less than 0", name, v)
			}
		}
	})
}

func TestMoreIsNeverLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := drawScenario(t)
		large := small
		large.Users *= rapid.IntRange(1, 4).Draw(t, "times the users")
		a, b := run(t, small), run(t, large)
		becomes := small.Snapshots && a.Largest < snapshotUsers && b.Largest >= snapshotUsers // one that is loaded from a snapshot
		if b.Load < a.Load && !becomes || b.Largest < a.Largest || b.Cost.Storage < a.Cost.Storage || b.Cost.Gateway < a.Cost.Gateway || b.Cost.Quota < a.Cost.Quota-1e-9 {
			t.Errorf("more users cost less: %+v, then %+v", a, b)
		}
		busy := small
		busy.RequestsPerUserDay *= rapid.Float64Range(1, 4).Draw(t, "times the requests")
		c := run(t, busy)
		// Not what loads take, and all that follows from it: more requests keep environments alive, which saves loads.
		if c.Cost.Gateway < a.Cost.Gateway || c.Cost.Writes < a.Cost.Writes || c.Cost.KMS < a.Cost.KMS || c.Cost.Storage != a.Cost.Storage {
			t.Errorf("more requests take less: %+v, then %+v", a, c)
		}
	})
}

func TestSnapshotsChangeLoadsAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		s.Snapshots = false
		without := run(t, s)
		s.Snapshots = true
		with := run(t, s)
		if with.Largest >= snapshotUsers && with.Load >= without.Load {
			t.Errorf("a load of %v users from a snapshot takes %v, from the feed %v", with.Largest, with.Load, without.Load)
		}
		if with.Largest < snapshotUsers && (with.Load != without.Load || with.Cost != without.Cost) {
			t.Errorf("snapshots change a world in which no tenant has one: %+v, %+v", without, with)
		}
		if with.Cost.Reads > without.Cost.Reads*1.0001 || without.Cost.Snapshots != 0 {
			t.Errorf("reads cost %v with snapshots and %v without; without, snapshots cost %v", with.Cost.Reads, without.Cost.Reads, without.Cost.Snapshots)
		}
		if with.Cost.Gateway != without.Cost.Gateway || with.Cost.Writes != without.Cost.Writes || with.Cost.Storage != without.Cost.Storage || with.Cost.KMS != without.Cost.KMS {
			t.Errorf("snapshots change what they have no part in: %+v, %+v", with.Cost, without.Cost)
		}
	})
}

// Nothing is lost: every query of a life either finds its tenant or loads it, and what is resident never exceeds what there is
// room for.
func TestQueriesAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		w := newWorld(s)
		got := w.settle(s.rate())
		loaded := 0.0
		for i, perQuery := range got.perQuery {
			if perQuery < 0 || perQuery > w.shares[i]*1.000001 {
				t.Fatalf("tenant %d has %v of the queries and %v loads per query", i, w.shares[i], perQuery)
			}
			loaded += perQuery
		}
		if math.Abs(loaded-got.coldShare) > 1e-9 {
			t.Fatalf("loads add up to %v, the cold share is %v", loaded, got.coldShare)
		}
		if w.fits && got.resident > budget(w.mb)*1.001 {
			t.Fatalf("%v bytes are resident where there is room for %v", got.resident, budget(w.mb))
		}
	})
}

func TestSharesAddUp(t *testing.T) {
	for _, exponent := range []float64{0, 0.8, 1, 2} {
		shares, sum := zipf(1000, exponent), 0.0
		for _, share := range shares {
			sum += share
		}
		if math.Abs(sum-1) > 1e-9 || !slices.IsSortedFunc(shares, func(a, b float64) int { return int(math.Copysign(1, b-a)) }) && exponent > 0 {
			t.Errorf("zipf(1000, %v) adds up to %v", exponent, sum)
		}
	}
	if got := zipf(3, 1); math.Abs(got[0]-6.0/11) > 1e-12 || math.Abs(got[2]-2.0/11) > 1e-12 { // 1 : 1/2 : 1/3
		t.Errorf("zipf(3, 1) = %v, want 6, 3 and 2 elevenths", got)
	}
}

func TestAnIdleMonthCostsStorageAndAKey(t *testing.T) {
	r := run(t, Idle())
	// A million users, each three times 519 bytes and 350 once: 1.907 GB at $0.25.
	if want := 0.25 * 1.907; math.Abs(r.Cost.Storage-want) > 1e-9 || math.Abs(r.Cost.Total()-want-1) > 1e-9 {
		t.Errorf("an idle month costs %+v, want %v of storage and 1 for a key", r.Cost, want)
	}
}

// Worked by hand: one tenant, a request every 7 minutes on average, the time that an idle environment stays. The next request
// comes too late with probability 1/e. Hardly any life comes to two hours: it is 12 minutes on average.
func TestOneTenantAskedNowAndThen(t *testing.T) {
	s := Scenario{Tenants: 1, Users: 1000, RequestsPerUserDay: 24 * 60 / 7.0 / 1000, Peak: 1}
	r := run(t, s)
	if want := 1 / math.E; math.Abs(r.ColdStarts-want) > 1e-4 || r.Environments != 1 {
		t.Errorf("%v of the requests start an environment of %v, want %v of 1", r.ColdStarts, r.Environments, want)
	}
}

// Worked by hand: with a life of 10 queries for two tenants alike, and room for both, each is loaded unless all ten are
// the other's: 2 (1 - 2^-10) loads. With room for one, a query loads unless the one before was for the same tenant.
func TestLoadsOfTwoTenants(t *testing.T) {
	if got, want := 2*loads(0.5, 10, math.Inf(1)), 2*(1-math.Pow(2, -10)); math.Abs(got-want) > 1e-12 {
		t.Errorf("with room for both %v loads, want %v", got, want)
	}
	if got, want := 2*loads(0.5, 10, 1), 1+9*0.5; math.Abs(got-want) > 1e-12 {
		t.Errorf("with room for one %v loads, want %v", got, want)
	}
	if k := reach([]float64{0.5, 0.5}, []float64{1, 1}, 1); math.Abs(k-1) > 1e-6 { // 2 (1 - 2^-1) = 1
		t.Errorf("with room for one the reach is %v queries, want 1", k)
	}
	if k := reach([]float64{0.5, 0.5}, []float64{1, 1}, 2); !math.IsInf(k, 1) {
		t.Errorf("with room for both the reach is %v, want no end", k)
	}
}

func TestLoadOfAMillionByHand(t *testing.T) {
	w := newWorld(Scenario{Tenants: 1, Users: 1_000_000, Peak: 1, Memory: 3008}) // a whole core
	// 419 MB in 4 shards are 99.9 pages of 60 ms in each, 5.994 s; the decoding takes 2.83 s, the partition 4.4 s.
	if got, want := w.loadTime(1_000_000, 1).Seconds(), 419e6/4/(1<<20)*0.060; math.Abs(got-want) > 1e-6 {
		t.Errorf("a load from the feed takes %v, want %v", got, want)
	}
	// Ten environments at once: 1,047.5 MB from each partition at 24 MB/s.
	if got, want := w.loadTime(1_000_000, 10).Seconds(), 10*419e6/4/24e6; math.Abs(got-want) > 1e-6 {
		t.Errorf("ten loads at once take %v s, want %v", got, want)
	}
	w.Snapshots = true
	// 86 MB are 216 chunks in 27 rounds of 30 ms, 810 ms, more than the decoding; a fortieth of the users, in 2.5 pages of each shard, 150 ms.
	if got, want := w.loadTime(1_000_000, 1).Seconds(), 0.81+419e6/40/4/(1<<20)*0.060; math.Abs(got-want) > 1e-6 {
		t.Errorf("a load from a snapshot takes %v, want %v", got, want)
	}
	// A hundred environments at once: 39.9 MB from each chunk's partition at 24 MB/s, and 262 MB of the feed from each of its own.
	if got, want := w.loadTime(1_000_000, 100).Seconds(), 100*390*1024/24e6+100*419e6/40/4/24e6; math.Abs(got-want) > 1e-6 {
		t.Errorf("a hundred loads from a snapshot at once take %v, want %v", got, want)
	}
}

// Worked by hand, for 100,000 users and 70 days.
func TestCopiesOfASnapshotByHand(t *testing.T) {
	const seconds = 70 * 86400
	w := newWorld(Scenario{Tenants: 1, Users: 100_000, Peak: 1, Snapshots: true})
	for _, tt := range []struct{ users, changes, want float64 }{
		{100_000, 0, 0}, {100_000, 3, 3}, // nothing is written for what has not changed
		{100_000, 40_000, 20},       // 8 times 5,000, but one each half week
		{100_000, 500_000, 100},     // 100 times 5,000
		{100_000, 20_000_000, 1680}, // 4,000 times 5,000, but one each hour
		{9_999, 500_000, 0},
	} {
		if got := w.copies(tt.users, tt.changes, seconds); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%v changes to %v users make %v copies, want %v", tt.changes, tt.users, got, tt.want)
		}
	}
	// 8.6 MB are 8,399 units to write; to read, 1,178 from a snapshot and the feed since, and 5,115 from the whole feed.
	s := Scenario{Tenants: 1, Users: 100_000, RequestsPerUserDay: 0.01, Peak: 1, Snapshots: true}
	copies := month.Hours() / 84
	want := copies*(8399*0.625+(1177.67+5114.75)*0.125)/1e6 + 2*8.6e6/1e9*0.25
	if got := run(t, s).Cost.Snapshots; math.Abs(got/want-1) > 1e-4 {
		t.Errorf("a tenant of 100,000 with few changes costs %v for its snapshots, want %v", got, want)
	}
}

func TestPoolHoldsTheBusiestMoment(t *testing.T) {
	for _, tt := range []struct{ busy, service, want float64 }{
		{0, 0.01, 1}, {1e-9, 0.01, 1}, {1, 420, 1}, // one chance: the number that is exceeded less than once
		{1, 0.01, 7}, // 42,000 chances; P(X > 6) = 8.3e-5, P(X > 7) = 1.0e-5
	} {
		if got := atOnce(tt.busy, tt.service, 420); got != tt.want {
			t.Errorf("atOnce(%v, %v) = %v, want %v", tt.busy, tt.service, got, tt.want)
		}
	}
	if got := atOnce(1000, 0.01, 420); got < 1000 || got > 1200 {
		t.Errorf("atOnce(1000, 0.01, 420) = %v, want somewhat more than 1000", got)
	}
}

func TestLimitsBite(t *testing.T) {
	whole := run(t, Scenario{Tenants: 1, Users: 30_000_000, RequestsPerUserDay: 1, Peak: 4})
	if !slices.Contains(whole.Bites, "memory of a function") {
		t.Errorf("a tenant of 30 million passes %v", whole.Bites)
	}
	if whole.RefusedShare != 1 || whole.ColdShare != 0 {
		t.Errorf("of the queries of a tenant that does not fit %v are refused and %v load it", whole.RefusedShare, whole.ColdShare)
	}
	ten := Scenario{Tenants: 1, Users: 10_000_000, RequestsPerUserDay: 1, Peak: 4}
	if got := run(t, ten).Bites; !slices.Contains(got, "load takes longer than an answer may") {
		t.Errorf("a tenant of 10 million passes %v", got)
	}
	if got := run(t, Scenario{Tenants: 1000, Users: 1_000_000, RequestsPerUserDay: 1, Peak: 4}).Bites; len(got) > 0 {
		t.Errorf("a thousand tenants of a thousand pass %v", got)
	}
}

func TestCheapestIsNoDearerThanTheLeastMemory(t *testing.T) {
	s := Scenario{Tenants: 2000, Users: 40_000_000, SizeSkew: 0.8, RateSkew: 0.5, RequestsPerUserDay: 2, Peak: 2}
	least := run(t, s)
	best, err := Cheapest(s)
	if err != nil {
		t.Fatal(err)
	}
	if best.Memory <= least.Memory || best.Cost.Total() >= least.Cost.Total() {
		t.Errorf("tenants that do not fit together cost %v with %v MB and %v with %v MB", least.Cost.Total(), least.Memory, best.Cost.Total(), best.Memory)
	}
	s.Memory = 3008
	if fixed, err := Cheapest(s); err != nil || fixed.Memory != 3008 {
		t.Errorf("a memory that is named becomes %v MB, %v", fixed.Memory, err)
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	for want, s := range map[string]Scenario{
		"a scenario needs a tenant":                {Users: 1, Peak: 1},
		"a scenario needs a user in each tenant":   {Tenants: 2, Users: 1, Peak: 1},
		"a skew cannot be negative":                {Tenants: 1, Users: 1, SizeSkew: -1, Peak: 1},
		"a rate cannot be negative":                {Tenants: 1, Users: 1, RequestsPerUserDay: -1, Peak: 1},
		"the peak cannot be below the mean":        {Tenants: 1, Users: 1},
		"a function has up to 10,240 MB of memory": {Tenants: 1, Users: 1, Peak: 1, Memory: 20_000},
	} {
		if _, err := Run(s); err == nil || err.Error() != want {
			t.Errorf("Run(%+v) = %v, want %q", s, err, want)
		}
	}
}

// The closed form and the events are two ways to the same figures.
func TestTheClosedFormIsWhatTheEventsGive(t *testing.T) {
	for _, s := range Checks() {
		r := run(t, s)
		got, err := Simulate(s, CheckRequests, 1)
		if err != nil {
			t.Fatal(err)
		}
		cold, starts := float64(got.Loads)/float64(got.Queries), float64(got.Starts)/float64(got.Requests)
		if near := 0.3*r.ColdShare + 0.005; math.Abs(cold-r.ColdShare) > near {
			t.Errorf("%+v: %v of the queries load, the closed form says %v", s, cold, r.ColdShare)
		}
		t.Logf("%d tenants: cold %.4f/%.4f starts %.5f/%.5f environments %.2f/%.0f", s.Tenants, cold, r.ColdShare, starts, r.ColdStarts, got.Environments, r.Environments)
	}
}

func TestSimulateIsTheSameForASeed(t *testing.T) {
	s := Checks()[1]
	a, _ := Simulate(s, 5000, 7)
	b, _ := Simulate(s, 5000, 7)
	c, _ := Simulate(s, 5000, 8)
	if a != b || a == c {
		t.Errorf("seed 7 gives %+v and %+v, seed 8 %+v", a, b, c)
	}
	if a.Requests != 5000 || a.Loads > a.Queries || a.Queries > a.Requests {
		t.Errorf("of 5000 requests %+v", a)
	}
}
