package replica

import (
	"math/rand/v2"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// Few different values, so that ties, prefixes and matches are common.
var (
	drawnNames = []string{"Ann Smith", "ann smith", "ANN SMITH", "Anna", "Élodie Dupré", "élodie dupré", "ÉLODIE DUPRÉ", "O'Brien-Smith", "Łukasz",
		"Straße", "STRASSE", "Kelvin \u212a", "long ſ", "İbrahim", "太郎 佐藤", "Christopher Robin", "Christopher Robinson", "a", "McDonald Ann"}
	drawnNicknames = []string{"", "", "Ann", "ann", "QX", "ém"}
	drawnEmails    = []string{"ann@one.example", "Ann@One.example", "ann@two.example", "quist@one.example", "\u212aim@one.example", "kim@one.example", "\u017fam@x.example", "sam@x.example", "ÉLODIE@x.example"}
	drawnUsernames = []string{"", "", "ann", "Ann", "quist", "a.smith", "Éva", "longer.than.eight", "longer.than.eighty"}
	drawnPhones    = []string{"", "+15551234567", "+15551234568", "+380441234567", "+0123", "123"}
	drawnCountries = []string{"", "Ukraine", "ukraine", "Österreich", "österreich", "United States"}
	drawnWords     = []string{"", "", "Engineer", "engineer", "Kyiv"}
	drawnKeys      = []string{"", "04ab", "04AB", "xyz"}
	// drawnAges are how long ago things happened: around the bounds of InactiveAfter, and never.
	drawnAges = []time.Duration{0, time.Millisecond, time.Hour, roster.InactiveAfter - time.Millisecond, roster.InactiveAfter, roster.InactiveAfter + time.Hour, 4000 * time.Hour}
)

func sample[T any](t *rapid.T, label string, list []T) T {
	return rapid.SampledFrom(list).Draw(t, label)
}

// drawUser draws a user without an id and a revision. All its fields come from one draw, which keeps long histories quick.
func (w *world) drawUser(t *rapid.T) roster.User {
	d := dice{rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "user's seed"), 1))}
	u := roster.User{
		Tenant: testTenant, Path: pick(d, w.orgs).Path,
		Name: pick(d, drawnNames), Nickname: pick(d, drawnNicknames), Email: roster.Email(pick(d, drawnEmails)),
		Username: pick(d, drawnUsernames), PhoneNumber: pick(d, drawnPhones),
		Roles:       pick(d, [][]roster.RoleID{{1}, {2}, {3}, {10}, {11}, {3, 10}, {10, 3}, {12, 11, 1}, {99}}),
		Status:      pick(d, []roster.Status{roster.StatusActive, roster.StatusActive, roster.StatusPending, roster.StatusSuspended}),
		DeviceCount: pick(d, []int{0, 0, 1, 2, 300, 70_000}), DeviceType: roster.DeviceType(d.IntN(4)),
		CreatedAt: w.drawTime(d), UpdatedAt: w.drawTime(d), RegisteredAt: w.drawTime(d), LastLoginAt: w.drawTime(d),
	}
	u.Address.Country = pick(d, drawnCountries)
	u.GivenName, u.FamilyName = roster.SplitName(u.Name)
	if d.IntN(2) == 0 {
		drawMore(d, &u)
	}
	return u
}

// dice is a source of randomness that one draw has seeded.
type dice struct{ *rand.Rand }

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

func (w *world) drawTime(d dice) time.Time {
	if d.IntN(4) == 0 {
		return time.Time{}
	}
	return w.now().Add(-pick(d, drawnAges))
}

// drawMore fills in what only pages show.
func drawMore(d dice, u *roster.User) {
	for _, s := range []*string{&u.GivenName, &u.FamilyName, &u.Title, &u.TimeZone, &u.Locale, &u.Address.Full, &u.Address.City, &u.Address.State,
		&u.Address.Zip, &u.Seniority, &u.Department, &u.Office, &u.Subdepartment, &u.Pod, &u.DeviceUserID} {
		*s = pick(d, drawnWords)
	}
	for _, b := range []*bool{&u.Developer, &u.DarkMode, &u.SuperDelegate, &u.ViewAll, &u.LoginViaBadge, &u.EmailBounced, &u.EmailComplained} {
		*b = d.IntN(2) == 0
	}
	u.PublicKey = pick(d, drawnKeys)
	u.DefaultWarehouse = roster.WarehouseID(d.IntN(5) - 1)
	u.Groups = pick(d, [][]roster.GroupID{nil, {1}, {1 << 52, 2}})
	u.SuperDelegatePermissions = pick(d, [][]string{nil, {"VIEW"}, {"VIEW", "EDIT"}})
	u.Delegates = pick(d, [][]roster.Delegate{nil, {{User: 5}}, {{User: 1 << 52, Permissions: []string{"VIEW"}}, {User: 6}}})
	u.Identities = pick(d, [][]roster.Identity{nil, {{Type: "saml", Value: "x"}}, {{Type: "saml"}, {Type: "oidc", Value: "Y"}}})
}

func (w *world) drawQuery(t *rapid.T) roster.Query {
	q := roster.Query{Deleted: roster.Deleted(rapid.IntRange(0, 3).Draw(t, "deleted") / 3)}
	if rapid.Bool().Draw(t, "with text") {
		q.Text = drawText(t)
	}
	if rapid.IntRange(0, 2).Draw(t, "with scope") == 0 {
		q.Scope = roster.Scope{Org: w.someOrganization(t).ID, Subtree: rapid.Bool().Draw(t, "subtree"), BelowOnly: rapid.IntRange(0, 2).Draw(t, "below only") == 0}
	}
	for range max(0, rapid.IntRange(-1, 2).Draw(t, "filters")) {
		q.Filters = append(q.Filters, w.drawFilter(t, 2))
	}
	for range rapid.IntRange(0, 3).Draw(t, "keys") {
		key := roster.Sort{Field: sample(t, "key", roster.Fields()), Descending: rapid.Bool().Draw(t, "descending")}
		if (key.Field == roster.FieldStatus || key.Field == roster.FieldMainRole) && rapid.Bool().Draw(t, "ranked") {
			key.Ranks = rapid.MapOf(rapid.Int64Range(0, 12), rapid.IntRange(-2, 2)).Draw(t, "ranks")
		}
		q.Sort = append(q.Sort, key)
	}
	q.Page = roster.Page{Limit: sample(t, "limit", []int{1, 2, 3, 10, 1000}), Offset: sample(t, "offset", []int{0, 0, 1, 2, 5, 20, 1000})}
	if q.SortedByID() && rapid.Bool().Draw(t, "with cursor") {
		q.Page.Offset = 0
		if rapid.Bool().Draw(t, "with start") {
			q.Page.Start = w.drawID(t)
		}
		if rapid.Bool().Draw(t, "with end") {
			q.Page.End = w.drawID(t)
		}
	}
	return q
}

func (w *world) drawID(t *rapid.T) roster.UserID {
	return roster.UserID(rapid.OneOf(rapid.Int64Range(1, int64(w.nextUser)+3), rapid.SampledFrom(extremes)).Draw(t, "id"))
}

// drawText draws a part of one of the texts, in any case, or something that is nowhere.
func drawText(t *rapid.T) string {
	whole := []rune(sample(t, "of", append(append([]string{"qqq", "smithann", "\xc3\xbf", "\x00", "h\uffffa"}, drawnNames...), drawnEmails...)))
	from := rapid.IntRange(0, len(whole)-1).Draw(t, "from")
	text := string(whole[from:rapid.IntRange(from+1, len(whole)).Draw(t, "to")])
	switch rapid.IntRange(0, 2).Draw(t, "case") {
	case 0:
		return strings.ToUpper(text)
	case 1:
		return strings.ToLower(text)
	default:
		return text
	}
}

func (w *world) drawFilter(t *rapid.T, depth int) roster.Filter {
	if depth > 0 {
		if kind := rapid.IntRange(0, 4).Draw(t, "kind"); kind < 2 {
			var list []roster.Filter
			for range rapid.IntRange(1, 3).Draw(t, "conditions") {
				list = append(list, w.drawFilter(t, depth-1))
			}
			if kind == 0 {
				return roster.Filter{All: list}
			}
			return roster.Filter{Any: list}
		}
	}
	f := roster.Filter{Field: sample(t, "field", roster.Fields())}
	operators := []roster.Operator{roster.Equal, roster.NotEqual, roster.Less, roster.LessOrEqual, roster.Greater, roster.GreaterOrEqual,
		roster.In, roster.NotIn, roster.IsNull, roster.IsNotNull}
	if f.Field.Type() == roster.TextField {
		operators = append(operators, roster.HasPrefix, roster.Matches)
	}
	f.Operator = sample(t, "operator", operators)
	values := 1
	switch f.Operator {
	case roster.IsNull, roster.IsNotNull:
		values = 0
	case roster.In, roster.NotIn:
		values = rapid.IntRange(0, 4).Draw(t, "values")
	}
	for range values {
		f.Values = append(f.Values, w.drawValue(t, f.Field, f.Operator))
	}
	return f
}

func (w *world) drawValue(t *rapid.T, field roster.Field, o roster.Operator) roster.Value {
	if o == roster.Matches {
		return roster.Value{Text: sample(t, "pattern", []string{"^Ann", "(?i)ann", "ith$", "^$", "[0-9]+", "é|É", "Christopher Robin$"})}
	}
	switch field {
	case roster.FieldName:
		return roster.Value{Text: sample(t, "value", drawnNames)}
	case roster.FieldEmail:
		return roster.Value{Text: sample(t, "value", drawnEmails)}
	case roster.FieldUsername:
		return roster.Value{Text: sample(t, "value", drawnUsernames)}
	case roster.FieldPhoneNumber:
		return roster.Value{Text: sample(t, "value", append([]string{"+1555"}, drawnPhones...))}
	case roster.FieldCountry:
		return roster.Value{Text: sample(t, "value", drawnCountries)}
	case roster.FieldID:
		return roster.Value{Number: int64(w.drawID(t))}
	case roster.FieldOrg:
		return roster.Value{Number: int64(w.someOrganization(t).ID)}
	case roster.FieldDevices:
		return roster.Value{Number: sample(t, "value", []int64{0, 1, 2, 300, 70_000, 1 << 40})}
	}
	if field.Type() == roster.TimeField {
		if rapid.IntRange(0, 4).Draw(t, "extreme") == 0 {
			return roster.Value{Number: sample(t, "value", extremes)}
		}
		return roster.Value{Number: w.now().Add(-sample(t, "value", drawnAges)).UnixMilli()}
	}
	return roster.Value{Number: int64(rapid.IntRange(0, 13).Draw(t, "value"))}
}
