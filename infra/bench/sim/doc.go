// Package sim works out what tenants, users and requests mean for a deployed Roster: how many environments Lambda keeps, how
// many queries find their tenant's replica missing, what is read from the index, what a month costs, and where a limit bites.
// It deploys nothing and measures nothing: it goes by the constants of constants.go, each with its source.
//
// The model is a closed form (model.go), since what is asked about, 100,000 tenants with rates that differ a
// millionfold, over environments that live for hours, would take thousands of millions of events to settle. It rests on three
// known results. The environments are a queue without waiting (a request that finds none free starts one), of which as
// many stay as the busiest moment within the idle time needed: a quantile of the Poisson distribution. An environment's
// life is a run of requests without too long a gap, so its length in requests is geometric. And its memory is an LRU cache
// of whole tenants, whose hits follow Che's approximation: a tenant is resident if it was asked for within the last K queries,
// and K is what fills the memory. An environment starts empty, so the K first queries of each life are counted apart.
//
// What is left out: the daily rhythm beyond a ratio of peak to mean (costs go by the mean, limits by the peak), which
// environment Lambda prefers of several free ones (here any alike, which is the worst for caches), and retries.
//
// events.go is the same world event by event, from a seed. It is for small cases, which the tests and the report compare
// with the closed form: one mechanism, found in two ways.
package sim
