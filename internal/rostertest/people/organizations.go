package people

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// The streams of randomness, so that more users do not change the organizations.
const (
	streamOrganizations = iota + 1
	streamUsers
	streamStock
)

// plant makes the tree: the company, below it countries, below them cities, below those units. A small tree stays
// shallow, a large one is wide at the bottom.
func (p *Population) plant() {
	d := newDice(p.config.Seed, streamOrganizations)
	p.company = pick(d, strings.Fields(companies))
	root := roster.OrgID(p.config.Tenant)
	if made := roster.OrgID(d.Int32N(math.MaxInt32-1) + 1); root == 0 {
		root = made
		p.config.Tenant = roster.TenantID(root)
	}
	used := map[roster.OrgID]bool{root: true}
	add := func(parent int, name string, home int) {
		o := roster.Organization{Tenant: p.config.Tenant, ID: root, Name: name, Path: roster.OrgPath{root}, CreatedAt: p.begin()}
		if parent >= 0 {
			for used[o.ID] {
				o.ID = roster.OrgID(d.Int32N(math.MaxInt32-1) + 1)
			}
			used[o.ID] = true
			above := p.organizations[parent]
			o.Path = above.Path.Child(o.ID)
			o.CreatedAt = d.between(above.CreatedAt, above.CreatedAt.Add(60*24*time.Hour))
			if o.CreatedAt.After(p.config.Now) {
				o.CreatedAt = p.config.Now
			}
		}
		o.Revision = revision(o.CreatedAt)
		p.organizations = append(p.organizations, o)
		p.home = append(p.home, home)
	}

	add(-1, p.company+" "+pick(d, strings.Fields(trades)), d.draw(p.stock.countryWeights))
	below := p.config.Organizations - 1
	atCountry := min(below, max(1, int(math.Cbrt(float64(below)))))
	atCity := min(below-atCountry, max(1, int(math.Pow(float64(below), 0.67))))
	p.plantCountries(d, atCountry, add)
	p.plantCities(d, atCountry, atCity, add)
	p.plantUnits(d, atCountry, atCity, below-atCountry-atCity, add)
	// Organizations differ in size by a factor of some ten; the root is a small one.
	p.crowd = weigh(len(p.organizations), func(i int) float64 {
		if i == 0 && below > 0 {
			return 0.5
		}
		return 0.2 + 2*d.ExpFloat64()
	})
}

func (p *Population) plantCountries(d dice, n int, add func(int, string, int)) {
	order := p.countryOrder(d)
	for i := range n {
		home := order[i%len(order)]
		add(0, p.company+" "+p.stock.places[home].name+again(i/len(order)), home)
	}
}

// countryOrder returns all countries, the populous ones likely early.
func (p *Population) countryOrder(d dice) []int {
	var order []int
	for len(order) < len(p.stock.places) {
		if home := d.draw(p.stock.countryWeights); !slices.Contains(order, home) {
			order = append(order, home)
		}
	}
	return order
}

func (p *Population) plantCities(d dice, countries, n int, add func(int, string, int)) {
	used := map[string]int{}
	for i := range n {
		parent := 1 + i%countries
		home := p.home[parent]
		name := p.company + " " + pick(d, p.stock.places[home].cityList).name
		add(parent, name+again(used[name]), home)
		used[name]++
	}
}

func (p *Population) plantUnits(d dice, countries, cities, n int, add func(int, string, int)) {
	names := strings.Split(units, ";")
	used := map[string]int{}
	for i := range n {
		parent := 1 + countries + i%cities
		name := strings.TrimPrefix(p.organizations[parent].Name, p.company+" ") + " " + pick(d, names)
		add(parent, name+again(used[name]), p.home[parent])
		used[name]++
	}
}

// again returns what tells the nth organization of a name, counted from 0, from the ones before.
func again(n int) string {
	if n == 0 {
		return ""
	}
	return " " + strconv.Itoa(n+1)
}
