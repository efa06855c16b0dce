package sim

import (
	"math"
	"time"
)

// Result is what comes of a scenario.
type Result struct {
	Scenario Scenario
	// Rate is the mean of requests a second.
	Rate float64
	// Memory is the function's in MB, Largest the users of the largest tenant.
	Memory, Largest float64
	// Environments are kept at the mean rate, PeakEnvironments at the peak. Resident are the bytes of replicas in all of
	// the latter together.
	Environments, PeakEnvironments, Resident float64
	// ColdShare is the share of queries that load a replica first, ColdStarts the share of requests that start an environment,
	// RefusedShare the share of queries for tenants that do not fit, which are answered with 503.
	ColdShare, ColdStarts, RefusedShare float64
	// Load is how long the largest tenant takes to load when nobody else loads it, Surge when all environments of the peak that
	// serve it do so at once, as after a deployment.
	Load, Surge time.Duration
	// PartitionReads and PartitionWrites are how much of the throughput of one partition of the index, of the largest
	// tenant, the peak uses, from 0; above 1 it throttles.
	PartitionReads, PartitionWrites float64
	// TableReads are RRU/s at the peak.
	TableReads float64
	Cost       Cost
	// Bites are the limits that are passed.
	Bites []string
}

// Cost is what a month costs in US dollars.
type Cost struct {
	Gateway, Lambda, Reads, Writes, Storage, KMS, Quota, Snapshots float64
}

// Total returns the whole of it.
func (c Cost) Total() float64 {
	return c.Gateway + c.Lambda + c.Reads + c.Writes + c.Storage + c.KMS + c.Quota + c.Snapshots
}

// world is a scenario with what follows from it alone.
type world struct {
	Scenario
	sizes, shares []float64 // users, and the share of requests, by tenant
	bytes         []float64 // of a replica, by tenant; 0 for one that does not fit and is refused
	reach         float64
	mb            float64
	fits          bool
}

func newWorld(s Scenario) *world {
	w := &world{Scenario: s, sizes: s.sizes(), shares: zipf(s.Tenants, s.RateSkew)}
	w.bytes = make([]float64, len(w.sizes))
	w.mb, w.fits = s.memory(w.sizes[0])
	for i, users := range w.sizes {
		if bytes := users * memoryPerUser; bytes <= budget(w.mb) {
			w.bytes[i] = bytes
		}
	}
	w.reach = reach(w.shares, w.bytes, budget(w.mb))
	return w
}

// Cheapest works a scenario out with each size of memory that holds its largest tenant, and returns the one that costs
// least: more memory costs more by the second, but keeps more tenants, and a whole core is faster than half of one.
func Cheapest(s Scenario) (Result, error) {
	best, err := Run(s)
	if err != nil || s.Memory > 0 {
		return best, err
	}
	for _, mb := range memories {
		if mb <= best.Memory {
			continue
		}
		s.Memory = mb
		other, err := Run(s)
		if err != nil {
			return Result{}, err
		}
		if other.Cost.Total() < best.Cost.Total() {
			best = other
		}
	}
	return best, nil
}

// Run works a scenario out.
func Run(s Scenario) (Result, error) {
	if err := s.Validate(); err != nil {
		return Result{}, err
	}
	w := newWorld(s)
	r := Result{Scenario: s, Rate: s.rate(), Memory: w.mb, Largest: w.sizes[0]}
	mean, peak := w.settle(s.rate()), w.settle(s.rate()*s.Peak)
	r.Environments, r.PeakEnvironments = mean.environments, peak.environments
	r.ColdShare, r.ColdStarts = mean.coldShare, mean.coldStarts
	r.Resident = peak.environments * peak.resident
	for i, share := range w.shares {
		if w.bytes[i] == 0 {
			r.RefusedShare += share
		}
	}
	r.Load = w.loadTime(w.sizes[0], 1)
	holders := 1.0
	if w.fits {
		holders = peak.environments * (1 - missing(w.shares[0], min(peak.queries, w.reach)))
	}
	r.Surge = w.loadTime(w.sizes[0], max(1, holders))
	w.throughput(&r, peak)
	r.Cost = w.cost(mean)
	r.Bites = w.bites(&r)
	return r, nil
}

// settled is the state that a rate of requests settles to.
type settled struct {
	rate, environments    float64
	coldShare, coldStarts float64
	queries               float64   // of an environment's life
	perQuery              []float64 // loads of a tenant per query of any tenant
	service               float64   // seconds of a request on average
	resident              float64   // bytes in an environment
}

// settle finds the number of environments and the loads that go with each other: loads take time, and time takes environments.
func (w *world) settle(rate float64) settled {
	t := settled{rate: rate, environments: 1, perQuery: make([]float64, w.Tenants)}
	for range 20 {
		t.coldStarts = starts(rate / t.environments)
		t.queries = queriesOf(t.coldStarts)
		t.coldShare = 0
		loading := 0.0
		for i, share := range w.shares {
			if w.bytes[i] == 0 {
				continue // refused, and looked at again once a minute, which is left out
			}
			t.perQuery[i] = loads(share, t.queries, w.reach) / t.queries
			t.coldShare += t.perQuery[i]
			loading += t.perQuery[i] * w.loadTime(w.sizes[i], 1).Seconds()
		}
		t.coldShare = min(1, t.coldShare)
		t.service = w.warmTime() + queryShare*loading
		kept := idleLife.Seconds()
		if rate > 0 {
			kept = min(wholeLife.Seconds(), t.environments/(t.coldStarts*rate)) // requests of a life, by those of a second
		}
		next := atOnce(rate*t.service, t.service, kept)
		if next == t.environments {
			break
		}
		t.environments = next
	}
	for i, share := range w.shares {
		t.resident += w.bytes[i] * (1 - missing(share, min(t.queries, w.reach)))
	}
	return t
}

// processors returns the share of a core that the function has. More than one core does not make a single query faster.
func (w *world) processors() float64 { return min(1, w.mb/processorMemory) }

// warmTime returns the seconds of a request that finds its tenant in memory.
func (w *world) warmTime() float64 {
	query := 0.0
	for i, share := range w.shares {
		if w.bytes[i] > 0 {
			query += share * w.sizes[i] * queryPerUser.Seconds()
		}
	}
	computing := queryShare*query + createShare*hashTime.Seconds() + overheadTime.Seconds()
	return tableTime.Seconds() + computing/w.processors()
}

// saved reports whether a tenant is loaded from a snapshot.
func (w *world) saved(users float64) bool { return w.Snapshots && users >= snapshotUsers }

// copies returns how many snapshots of a tenant are written in so many seconds, in which so many of its users change.
func (w *world) copies(users, changes, seconds float64) float64 {
	if !w.saved(users) {
		return 0
	}
	return min(changes, seconds/snapshotOften.Seconds(), max(changes/(users*snapshotShare), seconds/snapshotSeldom.Seconds()))
}

// loadTime returns how long a tenant takes to load while as many environments as that load it at once. Reading and decoding go
// on side by side, so that the slower of the two counts.
func (w *world) loadTime(users, together float64) time.Duration {
	feed := func(users float64) (seconds float64) {
		bytes := users * itemBytes / shards // of one shard; all are read at the same time
		return max(together*bytes/partitionBytes, tableTime.Seconds(), bytes/(1<<20)*pageTime.Seconds(), users*feedLoadPerUser.Seconds()/w.processors())
	}
	seconds := feed(users)
	if w.saved(users) {
		// Each chunk is in a partition of its own, and some are read at a time; what changed since, half of what makes a new snapshot
		// on average, is in the feed.
		rounds := math.Ceil(math.Ceil(users*snapshotBytesPerUser/chunkBytes) / chunksAtOnce)
		seconds = max(rounds*chunkTime.Seconds(), together*chunkBytes/partitionBytes, users*snapshotLoadPerUser.Seconds()/w.processors()) + feed(users*snapshotShare/2)
	}
	return time.Duration(seconds * float64(time.Second))
}

// loadReads returns the RRU of loading a tenant: 0.5 for 4 KB.
func (w *world) loadReads(users float64) float64 {
	if w.saved(users) {
		return users * (snapshotBytesPerUser + itemBytes*snapshotShare/2) / 8192
	}
	return feedReads(users)
}

// feedReads returns the RRU of reading the whole feed of a tenant.
func feedReads(users float64) float64 { return users * itemBytes / 8192 }

// throughput works out what the peak asks of the index and the table.
func (w *world) throughput(r *Result, peak settled) {
	queries := peak.rate * queryShare
	reading := 0.0
	for i := range w.sizes {
		loading := queries * peak.perQuery[i] * w.loadReads(w.sizes[i])
		reading += loading
		if own := peak.rate * w.shares[i]; i == 0 {
			// A look at the feed is half a unit of each shard's partition, a load its share of the items.
			feed := loading / shards
			if w.saved(w.sizes[i]) {
				feed = queries * peak.perQuery[i] * w.sizes[i] * itemBytes * snapshotShare / 2 / 8192 / shards
				r.PartitionReads = queries * peak.perQuery[i] * min(w.sizes[i]*snapshotBytesPerUser, chunkBytes) / 8192 / partitionReads // of a chunk's partition
			}
			r.PartitionReads = max(r.PartitionReads, (own*queryShare*lookReads/shards+feed)/partitionReads)
			r.PartitionWrites = own * (createShare + 2*patchShare) / shards / partitionWrites
		}
	}
	r.TableReads = reading + queries*lookReads + peak.rate*(1-queryShare)*getReads
}

// cost works out a month at the mean rate.
func (w *world) cost(t settled) Cost {
	const seconds = float64(month / time.Second)
	requests := t.rate * seconds
	changes := requests * (createShare + patchShare)
	authorized, signed, leased, snapshots := 0.0, 0.0, 0.0, 0.0
	loading, storage := 0.0, 0.0
	for i, users := range w.sizes {
		own := t.rate * w.shares[i]
		authorized += min(own, 1/authorizerCache.Seconds()) * seconds
		signed += min(own, 1/tokenLife.Seconds()) * seconds
		// An environment leases anew when a block is used up, and each minute in which it serves the tenant at all.
		serving := t.environments * (1 - math.Exp(-own*60/t.environments))
		leased += min(own, own/leasedPermits+serving/60) * seconds
		loading += t.perQuery[i] * requests * queryShare * w.loadReads(users)
		storage += users * (3*(itemBytes+itemOverhead) + claimBytes) // the table, two indexes that hold all of a user, and the claims
		if w.saved(users) {
			// To find that a copy is worth making takes a load, and the copy is made from the whole feed.
			written := w.copies(users, own*(createShare+patchShare)*seconds, seconds)
			snapshots += written * (math.Ceil(users*snapshotBytesPerUser/1024)*writeUnit + (w.loadReads(users)+feedReads(users))*readUnit)
			snapshots += 2 * users * snapshotBytesPerUser / 1e9 * gigabyteMonth // the new ones stand before the old ones go
		}
	}
	gb := w.mb / 1024
	return Cost{
		Gateway: requests * gatewayRequest,
		Lambda: (requests+authorized+changes)*invocation + requests*t.service*gb*gigabyteSecond +
			authorized*tableTime.Seconds()*authorizerGB*gigabyteSecond,
		Reads:     (loading + requests*queryShare*lookReads + requests*(1-queryShare)*getReads + authorized*authorizerReads) * readUnit,
		Writes:    (requests*createShare*(createWrite+auditWrite) + requests*patchShare*(patchWrite+auditWrite)) * writeUnit,
		Storage:   storage / 1e9 * gigabyteMonth,
		KMS:       keyMonth + signed*signature,
		Quota:     leased * writeUnit,
		Snapshots: snapshots,
	}
}

// bites names the limits that a result passes.
func (w *world) bites(r *Result) []string {
	var list []string
	add := func(passed bool, what string) {
		if passed {
			list = append(list, what)
		}
	}
	add(!w.fits, "memory of a function")
	add(r.Load > answerTime, "load takes longer than an answer may")
	add(r.Surge > answerTime, "loads after a deployment take longer than an answer may")
	add(r.PartitionReads > 1, "reads of a partition")
	add(r.PartitionWrites > 1, "writes of an index partition")
	add(r.TableReads > tableReads, "quota of the table's reads")
	add(r.Rate*w.Peak > accountRequests, "quota of requests")
	add(r.PeakEnvironments > accountInstances, "quota of environments")
	return list
}
