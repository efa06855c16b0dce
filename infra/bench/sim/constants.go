package sim

import "time"

// Prices in US dollars, list prices of the first tier without the free one, as AWS.md has them (read in August and
// September 2026). Volume tiers make the largest scenarios cheaper than they are shown.
const (
	gatewayRequest = 3.50 / 1e6    // REST API, AWS.md 1.1
	invocation     = 0.20 / 1e6    // AWS.md 7.3
	gigabyteSecond = 0.0000133334  // arm64, AWS.md 7.3
	readUnit       = 0.125 / 1e6   // RRU, AWS.md 3.4
	writeUnit      = 0.625 / 1e6   // WRU, AWS.md 3.4
	gigabyteMonth  = 0.25          // the table and its indexes, AWS.md 3.4
	keyMonth       = 1.0           // KMS, AWS.md 8
	signature      = 0.15 / 10_000 // KMS Sign by the price of ECC keys, AWS.md 8; an RSA key signs for less
	month          = 30 * 24 * time.Hour
)

// Limits of AWS.
const (
	partitionReads   = 3000.0           // RRU/s, AWS.md 3.2
	partitionWrites  = 1000.0           // WRU/s, AWS.md 3.2
	partitionBytes   = 24e6             // bytes/s of eventually consistent reads, AWS.md 3.2: 3,000 x 8 KB
	tableReads       = 40_000.0         // RRU/s and index, the quota one starts with, AWS.md 3.1
	accountRequests  = 10_000.0         // requests/s, the quota one starts with, AWS.md 1.1
	accountInstances = 1000.0           // concurrent environments, the quota one starts with, AWS.md 7.3
	answerTime       = 29 * time.Second // of a REST API, AWS.md 1.1
	largestMemory    = 10_240           // MB, the most a function can have
	processorMemory  = 1769.0           // MB for one vCPU, AWS.md 7.3
)

// How long environments live.
const (
	// idleLife is how long one stays without a request: minutes, says AWS.md 10.1; 5 to 10 were measured.
	idleLife = 7 * time.Minute
	// wholeLife is how long a busy one stays: AWS.md 10.1 has 2 to 4 hours.
	wholeLife = 2 * time.Hour
)

// What was measured on one core, by SEARCH.md B unless another source is named; REPORT.md has the figures of the build at hand.
const (
	queryPerUser         = 11 * time.Millisecond / 1_000_000 // median of the mix, in order of ids, 1M users
	feedLoadPerUser      = 2830 * time.Millisecond / 1_000_000
	snapshotLoadPerUser  = 500 * time.Millisecond / 1_000_000 // section "Cold load from a snapshot" of REPORT.md
	memoryPerUser        = 222.0                              // bytes, with two sort orders and what a page shows
	itemBytes            = 419.0                              // of a user in the table, and in each index
	itemOverhead         = 100.0                              // bytes that DynamoDB adds to each stored item
	claimBytes           = 350.0                              // of a user's e-mail claim and credential (assumed)
	snapshotBytesPerUser = 86.0                               // the same section
	chunkBytes           = 390 << 10                          // roster.MaxSnapshotChunk
	chunksAtOnce         = 8                                  // package replica reads so many side by side
	// loadFactor is how much of a tenant's replica a load needs for a moment: as much again (package replica, MemoryBudget).
	loadFactor = 2.0
	// programMemory is what a function takes without a replica: DESIGN.md 9 allows 16 MB, and the heap needs room.
	programMemory = 128.0 // MB
)

// What an operation costs at the table, as the tests in internal/dynamo/costs_test.go and internal/app/costs_test.go pin it.
const (
	shards      = 4    // roster.Shards; a test holds the two together
	lookReads   = 2.0  // RRU of a look at the feed: half a unit per shard
	getReads    = 1.0  // RRU
	createWrite = 10.0 // WRU: three legs of a transaction at 2, and 2 for each entry in two indexes
	patchWrite  = 4.0  // WRU: the item, delete and put in the index search, and put in the index organization
	auditWrite  = 1.0  // WRU for the entry of a change in the trail
)

// What is assumed, because nothing here can measure it.
const (
	tableTime       = 5 * time.Millisecond  // one call of DynamoDB within a Region, or several side by side
	overheadTime    = time.Millisecond      // of a function beside it
	hashTime        = 20 * time.Millisecond // argon2id on one core, SEARCH.md D
	pageTime        = 60 * time.Millisecond // one page of 1 MB; a shard's pages come one after the other
	authorizerCache = time.Minute           // DESIGN.md 6
	tokenLife       = 15 * time.Minute      // DESIGN.md 6
	authorizerReads = 1.0                   // RRU: client and revocation, half a unit each
	authorizerGB    = 0.25                  // memory, template.yaml
	chunkTime       = 30 * time.Millisecond // one item of 390 KB
	leasedPermits   = 66.0                  // requests that an environment leases of a tenant's quota with one write, at first
	// When a snapshot is written, by package replica: for tenants of so many users, which a test holds together, once that share of them has
	// changed; at most hourly, and at half of the age at which it is not used any more if anything has changed.
	snapshotUsers  = 10_000
	snapshotShare  = 1.0 / 20
	snapshotOften  = time.Hour
	snapshotSeldom = 7 * 24 * time.Hour / 2
)

// The mix of requests: shares of all. What is left are gets.
const (
	queryShare  = 0.40
	createShare = 0.01
	patchShare  = 0.04
)
