package sim

// Scenarios returns what the report works out, each to be run without and with snapshots: tenants that are alike and
// tenants of very different size and rate, up to 100 million users in 100,000 tenants, and tenants that stand alone.
func Scenarios() []Scenario {
	const perDay, peak = 5, 4
	var list []Scenario
	for _, n := range []struct{ tenants, users int }{
		{1, 10_000}, {100, 10_000}, {1000, 1_000_000}, {10_000, 10_000_000}, {100_000, 100_000_000},
	} {
		if n.tenants > 1 {
			list = append(list, Scenario{Tenants: n.tenants, Users: n.users, RequestsPerUserDay: perDay, Peak: peak})
		}
		list = append(list, Scenario{Tenants: n.tenants, Users: n.users, SizeSkew: 0.8, RateSkew: 1, RequestsPerUserDay: perDay, Peak: peak})
	}
	for _, users := range []int{1_000_000, 10_000_000, 30_000_000} {
		list = append(list, Scenario{Tenants: 1, Users: users, RequestsPerUserDay: perDay, Peak: peak})
	}
	return list
}

// Idle returns a month of tenants that nobody asks for anything: storage and a key.
func Idle() Scenario { return Scenario{Tenants: 1000, Users: 1_000_000, Peak: 1} }

// CheckRequests is how many requests of each of the Checks are simulated: several lives of an environment.
const CheckRequests = 200_000

// Checks returns the cases in which the report compares the closed form with the simulation event by event.
func Checks() []Scenario {
	return []Scenario{
		{Tenants: 1, Users: 1000, RequestsPerUserDay: 0.2, Peak: 1},
		{Tenants: 50, Users: 50_000, RequestsPerUserDay: 5, Peak: 1},
		{Tenants: 200, Users: 2_000_000, SizeSkew: 0.8, RateSkew: 1, RequestsPerUserDay: 0.2, Peak: 1},
		{Tenants: 500, Users: 20_000_000, SizeSkew: 0.5, RateSkew: 0.8, RequestsPerUserDay: 0.02, Peak: 1, Snapshots: true},
	}
}
