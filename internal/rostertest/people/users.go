package people

import (
	"crypto/ecdh"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// stock is what users are drawn from. It never changes.
type stock struct {
	places         []place
	countryWeights []float64
	first, last    [cultureCount][]name
	firstWeights   [cultureCount][]float64
	lastWeights    [cultureCount][]float64
	departments    []department
	departmentSubs [][]string
	titles         [][]string
	pods           []string
	publicKeys     []string
	claims         []string
	levels         []seniority
}

func newStock(seed uint64) stock {
	s := stock{places: places(), departments: departments(), pods: strings.Split(pods, ";"), levels: seniorities()}
	s.countryWeights = weigh(len(s.places), func(i int) float64 { return float64(s.places[i].weight) })
	for i, c := range cultures() {
		s.first[i], s.last[i] = parseNames(c.first), parseNames(c.last)
		s.firstWeights[i], s.lastWeights[i] = weigh(len(s.first[i]), zipf), weigh(len(s.last[i]), zipf)
	}
	for _, d := range s.departments {
		s.departmentSubs = append(s.departmentSubs, strings.Split(d.sub, ";"))
		s.titles = append(s.titles, strings.Split(d.titles, ";"))
	}
	s.publicKeys = publicKeys(newDice(seed, streamStock), 16)
	s.claims = []string{"time:timeline:read:own", "time:timeline:write:own", "time:entries:write:own", "time:reports:read:own"}
	return s
}

// publicKeys returns n points of the curve P-256, uncompressed, in hex.
func publicKeys(d dice, n int) []string {
	keys := make([]string, 0, n)
	for len(keys) < n {
		scalar := make([]byte, 32)
		for i := range scalar {
			scalar[i] = byte(d.Uint32())
		}
		// The one scalar in 2^32 that is not below the order of the group is drawn again.
		if key, err := ecdh.P256().NewPrivateKey(scalar); err == nil {
			keys = append(keys, hex.EncodeToString(key.PublicKey().Bytes()))
		}
	}
	return keys
}

// maker makes the users of a population one after the other.
type maker struct {
	*Population
	dice
	made    int
	begin   time.Time
	span    time.Duration
	lastID  roster.UserID
	recent  map[roster.OrgID]roster.UserID // the one made last in each organization
	taken   map[string]int                 // how often a local part has been given out
	domains []string
}

func (p *Population) maker() *maker {
	domain := p.domain()
	return &maker{
		Population: p, dice: newDice(p.config.Seed, streamUsers),
		begin: p.begin(), span: p.config.Now.Sub(p.begin()), taken: map[string]int{}, recent: map[roster.OrgID]roster.UserID{},
		domains: []string{domain, domain, domain, "mail." + domain, domain + ".com", domain + ".org"},
	}
}

// next makes the next user.
func (m *maker) next() roster.User {
	org := m.draw(m.crowd)
	home := m.home[org]
	if m.chance(35) {
		home = m.draw(m.stock.countryWeights)
	}
	p := &m.stock.places[home]
	first := m.stock.first[p.culture][m.draw(m.stock.firstWeights[p.culture])]
	last := m.stock.last[p.culture][m.draw(m.stock.lastWeights[p.culture])]
	id, created := m.newID()
	u := roster.User{
		Tenant: m.config.Tenant, ID: id, Path: append(roster.OrgPath(nil), m.organizations[org].Path...),
		Email: m.email(first.slug, last.slug), GivenName: first.text, FamilyName: last.text, Name: roster.JoinName(first.text, last.text),
		PhoneNumber: p.prefix + m.digits(p.digits), Locale: p.locale,
		Developer: m.chance(6), DarkMode: m.chance(30), LoginViaBadge: m.chance(5),
		CreatedAt: created,
	}
	m.nick(&u, first, last)
	m.address(&u, p)
	m.roles(&u)
	m.history(&u)
	m.job(&u)
	m.extras(&u)
	u.Revision = revision(u.UpdatedAt)
	m.recent[u.Org()] = id
	m.made++
	return u
}

// newID returns the next id and the moment it was made: the moments are spread evenly from the tenant's founding to
// now.
func (m *maker) newID() (roster.UserID, time.Time) {
	step := m.span / time.Duration(max(m.config.Users, 1))
	at := m.begin.Add(step * time.Duration(m.made))
	if step > time.Millisecond {
		at = m.between(at, at.Add(step))
	}
	id := roster.UserIDAt(at, m.IntN(1<<12))
	if id <= m.lastID {
		id = m.lastID + 1
	}
	m.lastID = id
	return id, id.Time()
}

// email returns an address nobody has had: people write their name in several ways, and whoever comes second gets a
// number, as everywhere.
func (m *maker) email(first, last string) roster.Email {
	var local string
	switch n := m.IntN(10); {
	case n < 6:
		local = first + "." + last
	case n < 8:
		local = first[:1] + last
	case n < 9:
		local = first + "_" + last
	default:
		local = last + "." + first
	}
	m.taken[local]++
	if n := m.taken[local]; n > 1 {
		local += strconv.Itoa(n)
	}
	return roster.Email(local + "@" + m.domains[m.IntN(len(m.domains))])
}

func (m *maker) nick(u *roster.User, first, last name) {
	switch n := m.IntN(10); {
	case n < 2:
		u.Nickname = capital(first.slug)
	case n < 3:
		u.Nickname = first.slug + m.digits(2)
	case n < 4:
		u.Nickname = first.text + " " + firstLetter(last.text) + "."
	}
	if m.chance(70) {
		u.Username = first.slug + last.slug + strconv.Itoa(m.made)
	}
}

func firstLetter(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func (m *maker) address(u *roster.User, p *place) {
	c := pick(m.dice, p.cityList)
	u.TimeZone, u.Office = c.zone, c.name
	if m.chance(25) {
		return
	}
	zip := m.fill(p.zip)
	street := pick(m.dice, p.streetNames) + " " + strconv.Itoa(1+m.IntN(240))
	u.Address = roster.Address{Full: street + ", " + zip + " " + c.name + ", " + p.name, Country: p.name, City: c.name, State: c.state, Zip: zip}
}

func (m *maker) roles(u *roster.User) {
	switch n := m.Float64() * 100; {
	case n < 0.4:
		u.Roles = []roster.RoleID{roster.RoleAdmin}
	case n < 8:
		u.Roles = []roster.RoleID{roster.RoleStaff}
	case n < 14:
		u.Roles = []roster.RoleID{firstCustomRole + roster.RoleID(m.IntN(customRoles))}
	case n < 16:
		u.Roles = []roster.RoleID{roster.RoleUser, firstCustomRole + roster.RoleID(m.IntN(customRoles))}
	default:
		u.Roles = []roster.RoleID{roster.RoleUser}
	}
}

// history gives the user a status and the moments that belong to it: nobody logs in before registering.
func (m *maker) history(u *roster.User) {
	now := m.config.Now
	u.UpdatedAt = u.CreatedAt
	switch n := m.IntN(100); {
	case n < 7:
		u.Status = roster.StatusPending
		return
	case n < 11:
		u.Status = roster.StatusSuspended
	default:
		u.Status = roster.StatusActive
	}
	u.RegisteredAt = m.between(u.CreatedAt, earlier(now, u.CreatedAt.Add(72*time.Hour)))
	u.UpdatedAt = u.RegisteredAt
	if m.chance(97) {
		// Most were here within days, some stayed away for months: exponential with a mean of 12 days.
		ago := min(time.Duration(m.ExpFloat64()*12*minutesPerDay)*time.Minute, longestSilence)
		u.LastLoginAt = later(u.RegisteredAt, now.Add(-ago-time.Duration(m.IntN(60_000))*time.Millisecond))
	}
	if m.chance(60) {
		u.UpdatedAt = m.between(u.RegisteredAt, now)
	}
}

func (m *maker) job(u *roster.User) {
	if m.chance(10) {
		u.Office = ""
		return
	}
	n := m.IntN(len(m.stock.departments))
	level := pick(m.dice, m.stock.levels)
	u.Department, u.Seniority = m.stock.departments[n].name, level.name
	u.Title = level.prefix + pick(m.dice, m.stock.titles[n])
	if m.chance(60) {
		u.Subdepartment = pick(m.dice, m.stock.departmentSubs[n])
	}
	if m.chance(30) {
		u.Pod = pick(m.dice, m.stock.pods)
	}
}

// extras gives some users what only some have.
func (m *maker) extras(u *roster.User) {
	if m.chance(40) {
		u.DeviceCount = 1 + m.IntN(4)
	}
	for range max(0, m.IntN(6)-3) {
		if g := roster.GroupID(1 + m.IntN(groupsPerTenant)); !slices.Contains(u.Groups, g) {
			u.Groups = append(u.Groups, g)
		}
	}
	if colleague := m.recent[u.Org()]; colleague != 0 && m.chance(5) {
		u.Delegates = []roster.Delegate{{User: colleague, Permissions: m.someClaims()}}
	}
	if m.chance(0.3) {
		u.SuperDelegate, u.SuperDelegatePermissions = true, m.someClaims()
	}
	if m.chance(35) {
		u.Identities = append(u.Identities, roster.Identity{Type: "aderant", Value: "E" + strconv.Itoa(100_000+m.made)})
	}
	if m.chance(10) {
		u.Identities = append(u.Identities, roster.Identity{Type: "azure", Value: "https://idp.example/" + strconv.FormatInt(int64(u.ID), 36)})
	}
	if m.chance(5) {
		u.Identities = append(u.Identities, roster.Identity{Type: "email", Value: string(u.Email)})
	}
	switch n := m.IntN(100); {
	case n < 1:
		u.DeviceType = roster.DeviceTypeAPI
	case n < 3:
		u.DeviceType = roster.DeviceTypePSD
	case n < 6:
		u.DeviceType = roster.DeviceTypeSoftPSD
	}
	if u.DeviceType == roster.DeviceTypePSD || u.DeviceType == roster.DeviceTypeSoftPSD {
		u.DeviceUserID, u.PublicKey, u.ViewAll = m.digits(10), pick(m.dice, m.stock.publicKeys), m.chance(30)
	}
	if m.chance(15) {
		u.DefaultWarehouse = roster.WarehouseID(1 + m.IntN(warehousesPerTenant))
	}
}

func (m *maker) someClaims() []string {
	return append([]string(nil), m.stock.claims[:1+m.IntN(len(m.stock.claims))]...)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
