package sim

import "math"

// starts returns the share of requests that start an environment, of one that gets rate requests a second: it ends when it has
// been idle for too long, which takes (1/p - 1)/rate on average where p is the share of gaps that are too long, and about
// exponentially long; or at the end of its whole life, whichever comes first.
func starts(rate float64) float64 {
	if rate <= 0 {
		return 1
	}
	p := math.Exp(-rate * idleLife.Seconds())
	if p < 1e-12 {
		return min(1, 1/(rate*wholeLife.Seconds()))
	}
	idle := (1/p - 1) / rate
	return min(1, p/-math.Expm1(-wholeLife.Seconds()/idle))
}

// queriesOf returns how many queries an environment answers in a life that has one at all, where started is the share of
// requests that start one: a life goes on from request to request by chance, and so from query to query.
func queriesOf(started float64) float64 {
	on := (1 - started) * queryShare
	return 1 / (1 - on/(on+started))
}

// reach returns K, the number of queries within which a tenant must be asked for to stay in memory, by Che's approximation: the
// K at which the tenants that are expected to be there fill the budget. It is infinite where all fit. shares are of the
// queries, bytes what a tenant takes.
func reach(shares, bytes []float64, budget float64) float64 {
	total := 0.0
	for i, b := range bytes {
		if shares[i] > 0 {
			total += b
		}
	}
	if total <= budget {
		return math.Inf(1)
	}
	logs := make([]float64, len(shares)) // of the share of the others; see missing
	for i, share := range shares {
		logs[i] = math.Log1p(-share)
	}
	held := func(k float64) float64 {
		sum := 0.0
		for i := range shares {
			sum -= bytes[i] * math.Expm1(k*logs[i])
		}
		return sum
	}
	low, high := 0.0, 1.0
	for held(high) < budget {
		low, high = high, 2*high
	}
	for range 40 {
		if middle := (low + high) / 2; held(middle) < budget {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// missing returns the probability that none of n queries is for a tenant with that share of them.
func missing(share, n float64) float64 {
	if share >= 1 {
		if n > 0 {
			return 0
		}
		return 1
	}
	return math.Exp(n * math.Log1p(-share))
}

// loads returns how often a tenant with that share of the queries is loaded in a life of n queries that begins with an empty
// memory of reach k.
func loads(share, n, k float64) float64 {
	if n <= k {
		return 1 - missing(share, n)
	}
	return 1 - missing(share, k) + (n-k)*share*missing(share, k)
}

// atOnce returns how many environments are kept where on average busy requests are under way, each for service seconds: the number
// that is exceeded less than once while an environment lives, for kept seconds.
func atOnce(busy, service, kept float64) float64 {
	if busy <= 0 || service <= 0 {
		return 1
	}
	chances := max(1, kept/service) // how often within that time it is decided anew
	if busy > 100 {
		return math.Ceil(busy + math.Sqrt(2*math.Log(chances)*busy))
	}
	// term is the Poisson probability of n, above that of more.
	term := math.Exp(-busy)
	above := 1 - term
	n := 0.0
	for above*chances > 1 && n < 1000 {
		n++
		term *= busy / n
		above -= term
	}
	return max(1, n)
}
