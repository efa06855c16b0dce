package sim

import (
	"errors"
	"math"
)

// Scenario is a world to work out.
type Scenario struct {
	// Tenants and Users say how many there are; Users counts those of all tenants together.
	Tenants, Users int
	// SizeSkew and RateSkew are the exponents of the Zipf distributions of users and of requests over the tenants, which
	// have the same order in both; 0 means that all tenants are alike.
	SizeSkew, RateSkew float64
	// RequestsPerUserDay is the mean, Peak how many times that the busiest hour has.
	RequestsPerUserDay, Peak float64
	// Memory is the function's, in MB; 0 means the least that holds the largest tenant.
	Memory float64
	// Snapshots says that replicas of large tenants are loaded from snapshots and not from the feed.
	Snapshots bool
}

// Validate returns an error that names what is wrong with the scenario.
func (s *Scenario) Validate() error {
	switch {
	case s.Tenants < 1:
		return errors.New("a scenario needs a tenant")
	case s.Users < s.Tenants:
		return errors.New("a scenario needs a user in each tenant")
	case s.SizeSkew < 0 || s.RateSkew < 0:
		return errors.New("a skew cannot be negative")
	case s.RequestsPerUserDay < 0:
		return errors.New("a rate cannot be negative")
	case s.Peak < 1:
		return errors.New("the peak cannot be below the mean")
	case s.Memory < 0 || s.Memory > largestMemory:
		return errors.New("a function has up to 10,240 MB of memory")
	}
	return nil
}

// rate returns the mean of requests a second, of all tenants together.
func (s *Scenario) rate() float64 { return float64(s.Users) * s.RequestsPerUserDay / (24 * 3600) }

// zipf returns n shares that add up to 1 and fall with the rank.
func zipf(n int, exponent float64) []float64 {
	shares, sum := make([]float64, n), 0.0
	for i := range shares {
		shares[i] = math.Pow(float64(i+1), -exponent)
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

// sizes returns the users of each tenant. Each has one at least, so that all together may be a little more than there are.
func (s *Scenario) sizes() []float64 {
	sizes := zipf(s.Tenants, s.SizeSkew)
	for i := range sizes {
		sizes[i] = max(1, sizes[i]*float64(s.Users))
	}
	return sizes
}

// memories are the sizes of memory, in MB, that a function is given where a scenario names none: from the template's on.
var memories = [...]float64{1024, 1769, 3008, 5120, largestMemory}

// memory returns the function's memory, and whether the largest tenant fits.
func (s *Scenario) memory(largest float64) (mb float64, fits bool) {
	need := programMemory + loadFactor*largest*memoryPerUser/1e6
	if s.Memory > 0 {
		return s.Memory, need <= s.Memory
	}
	for _, mb := range memories {
		if need <= mb {
			return mb, true
		}
	}
	return largestMemory, false
}

// budget returns the bytes that replicas may take in a function of that memory. A load needs as much again as its tenant.
func budget(mb float64) float64 { return (mb - programMemory) * 1e6 / loadFactor }
