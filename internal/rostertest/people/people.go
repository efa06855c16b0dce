// Package people makes up realistic users and organizations: any number, the same ones for the same seed. The local
// server seeds its demo tenant with them, rosterctl generate writes them to a file, benchmarks and tests fill replicas
// and tables with them.
//
// Names follow a Zipf distribution over some 300 first and 500 last names of fifteen cultures, so that some are common
// and some rare, and some are not written in Latin letters. E-mail addresses are unique and lie in domains reserved for
// examples (RFC 2606), so that no mail to one can ever reach anybody. Every user and organization keeps the field rules
// of package roster.
//
// Nothing here reads or writes a table, and nothing here is random: two runs with the same Config give the same people.
package people

import (
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Config says which people to make.
type Config struct {
	// Seed chooses among populations.
	Seed uint64
	// Now is the moment the people are made for: nobody was created, changed or logged in later, and how long ago they
	// did follows from it. It must be after January 2024, when ids begin; an earlier moment counts as February 2024.
	Now time.Time
	// Tenant is the id of the tenant and its root organization. Zero makes one up from the seed.
	Tenant roster.TenantID
	// Organizations is the number of organizations, the root included; at least 1, and 0 counts as 1.
	Organizations int
	// Users is the number of users.
	Users int
}

// Population is a tenant full of people. It is safe for concurrent use.
type Population struct {
	config        Config
	company       string // the first word of the root's name
	organizations []roster.Organization
	home          []int     // index into places, by organization
	crowd         []float64 // cumulative weight, by organization
	stock         stock
}

// retrospect is how far back the first users were created.
const retrospect = 30 * 30 * 24 * time.Hour

// New returns the population of config.
func New(config Config) *Population {
	earliest := roster.UserID(0).Time().AddDate(0, 1, 0)
	config.Now = config.Now.UTC().Truncate(time.Millisecond)
	if config.Now.Before(earliest) {
		config.Now = earliest
	}
	config.Organizations = max(config.Organizations, 1)
	p := &Population{config: config, stock: newStock(config.Seed)}
	p.plant()
	return p
}

// Tenant returns the tenant's id.
func (p *Population) Tenant() roster.TenantID { return p.config.Tenant }

// Organizations returns the organizations, parents before children, the root first.
func (p *Population) Organizations() []roster.Organization {
	list := make([]roster.Organization, len(p.organizations))
	for i, o := range p.organizations {
		o.Path = append(roster.OrgPath(nil), o.Path...)
		list[i] = o
	}
	return list
}

// Roles returns the custom roles that some of the users have, in id order. The built-in ones are not among them.
func (p *Population) Roles() []roster.Role {
	role := func(id roster.RoleID, name string, permissions ...roster.Permission) roster.Role {
		return roster.Role{
			Tenant: p.config.Tenant, ID: id, Name: name, Permissions: roster.Permissions(permissions...),
			CreatedAt: p.begin(), Revision: revision(p.begin()),
		}
	}
	return []roster.Role{
		role(firstCustomRole, "Auditor", roster.OrgView, roster.OrgViewUsers, roster.OrgViewAudit, roster.RoleView),
		role(firstCustomRole+1, "Site Manager", roster.OrgView, roster.OrgViewUsers, roster.OrgInviteUsers, roster.OrgEditUsers, roster.OrgDevicesView),
		role(firstCustomRole+2, "Technician", roster.OrgDevicesView, roster.OrgDevicesEdit, roster.OwnDevicesView, roster.OwnDevicesEdit),
	}
}

// Groups returns the groups that some of the users are in, in id order.
func (p *Population) Groups() []roster.Group {
	groups := make([]roster.Group, groupsPerTenant)
	departments := len(p.stock.departments)
	for i := range groups {
		groups[i] = roster.Group{
			Tenant: p.config.Tenant, ID: roster.GroupID(1 + i), Name: p.stock.departments[i%departments].name + " " + strconv.Itoa(1+i/departments),
			CreatedAt: p.begin(), Revision: revision(p.begin()),
		}
	}
	return groups
}

// Warehouses returns the warehouses that some of the users work at, in id order. The last of them is not in use any more,
// and still has users.
func (p *Population) Warehouses() []roster.Warehouse {
	warehouses := make([]roster.Warehouse, warehousesPerTenant)
	places := len(p.stock.places)
	for i := range warehouses {
		warehouses[i] = roster.Warehouse{
			Tenant: p.config.Tenant, ID: roster.WarehouseID(1 + i), Name: p.stock.places[i%places].cityList[0].name + " " + strconv.Itoa(1+i/places),
			Active: i < warehousesPerTenant-1, CreatedAt: p.begin(), Revision: revision(p.begin()),
		}
	}
	return warehouses
}

// firstCustomRole is the id of the first of Roles; the custom roles' ids are consecutive.
const (
	firstCustomRole     roster.RoleID = 101
	customRoles                       = 3
	revisionActor                     = "people"
	longestSilence                    = 400 * 24 * time.Hour
	minutesPerDay                     = 24 * 60
	warehousesPerTenant               = 12
	groupsPerTenant                   = 24
)

// Users returns the users in id order, which is the order they were created in. Every user is a fresh value that shares
// nothing with others but the bytes of strings.
func (p *Population) Users() iter.Seq[roster.User] {
	return func(yield func(roster.User) bool) {
		m := p.maker()
		for range p.config.Users {
			if !yield(m.next()) {
				return
			}
		}
	}
}

// begin returns when the tenant was founded.
func (p *Population) begin() time.Time {
	begin := p.config.Now.Add(-retrospect)
	if epoch := roster.UserID(0).Time().Add(time.Hour); begin.Before(epoch) {
		begin = epoch
	}
	return begin
}

func revision(at time.Time) roster.Revision {
	return roster.Revision{Version: 1, ChangedAt: at, Stamp: roster.Stamp{By: revisionActor, Via: revisionActor}}
}

// domain returns the domain of the population's e-mail addresses: the company's name and the tenant's id, so that two
// tenants of one system never claim the same address.
func (p *Population) domain() string {
	return slugOf(p.company) + "-" + p.config.Tenant.String() + ".example"
}

// dice is a source of randomness with the few throws that are needed here.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, stream))} }

// chance reports true once in a hundred per percent.
func (d dice) chance(percent float64) bool { return d.Float64()*100 < percent }

// between returns a moment from a to b, to the millisecond.
func (d dice) between(a, b time.Time) time.Time {
	span := b.Sub(a).Milliseconds()
	if span <= 0 {
		return a
	}
	return a.Add(time.Duration(d.Int64N(span)) * time.Millisecond)
}

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

// digits returns n digits of which the first is not zero.
func (d dice) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + d.IntN(10))
	}
	if b[0] == '0' {
		b[0] = '7'
	}
	return string(b)
}

// fill replaces # by digits and A by letters.
func (d dice) fill(pattern string) string {
	b := []byte(pattern)
	for i, c := range b {
		switch c {
		case '#':
			b[i] = byte('0' + d.IntN(10))
		case 'A':
			b[i] = byte('A' + d.IntN(26))
		}
	}
	return string(b)
}

// weigh turns weights into cumulative ones for dice.draw.
func weigh(n int, weight func(int) float64) []float64 {
	sums := make([]float64, n)
	sum := 0.0
	for i := range sums {
		sum += weight(i)
		sums[i] = sum
	}
	return sums
}

// draw returns an index, each as often as its weight says.
func (d dice) draw(sums []float64) int {
	at := d.Float64() * sums[len(sums)-1]
	low, high := 0, len(sums)-1
	for low < high {
		if mid := (low + high) / 2; sums[mid] > at {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// zipf is the weight of the name of rank i, counted from 0.
func zipf(i int) float64 { return 1 / (float64(i) + 2) }

// capital returns the slug with a capital.
func capital(slug string) string {
	if slug == "" {
		return ""
	}
	return strings.ToUpper(slug[:1]) + slug[1:]
}
