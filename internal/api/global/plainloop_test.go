package global_test

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/api/global"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// shown is a user as the list shows it, each field as the text that it has there, without those that are null.
type shown map[string]string

// export returns every user as the dialect shows it, by id.
func export(t tester, s *stand, target string) map[int64]shown {
	all := map[int64]shown{}
	for _, u := range s.list(t, target+"&fields=created_at,last_login_at&limit=1000").Collection {
		all[u.ID] = textsOf(t, u)
	}
	return all
}

func textsOf(t tester, u global.User) shown {
	texts := shown{"id": fmt.Sprint(u.ID), "name": u.Name, "email": u.Email, "is_active": fmt.Sprint(u.IsActive), "created_at": u.CreatedAt}
	if u.Username != nil {
		texts["username"] = *u.Username
	}
	if text, err := u.LastLoginAt.MarshalJSON(); err != nil {
		t.Fatalf("last_login_at: %v", err)
	} else if login := strings.Trim(string(text), `"`); login != "null" {
		texts["last_login_at"] = login
	}
	return texts
}

// test is one operator, as a filter has it and as the loop sees it.
type test struct {
	operator string
	values   []string // texts as a user is shown with them, or "true" and "false"
}

// holds is what the description says of an operator, for a user's text.
func (c test) holds(t tester, key, text string, there bool) bool {
	is := func(value string) bool { return there && within(t, key, text, value) == 0 }
	order := func() int { return within(t, key, text, c.values[0]) }
	switch c.operator {
	case "eq":
		return is(c.values[0])
	case "neq":
		return !is(c.values[0])
	case "in":
		return slices.ContainsFunc(c.values, is)
	case "nin":
		return !slices.ContainsFunc(c.values, is)
	case "null":
		return there == (c.values[0] == "false")
	case "notnull":
		return there == (c.values[0] == "true")
	}
	if !there {
		return false
	}
	switch c.operator {
	case "starts":
		return strings.HasPrefix(roster.Fold(text), roster.Fold(c.values[0]))
	case "regex":
		pattern := c.values[0]
		if key == "email" {
			pattern = "(?i:" + pattern + ")"
		}
		return regexp.MustCompile(pattern).MatchString(text)
	case "gt":
		return order2(key, text, c.values[0], order()) > 0
	case "gteq", "from":
		return order2(key, text, c.values[0], order()) >= 0
	case "lt":
		return order2(key, text, c.values[0], order()) < 0
	default: // lteq, to
		return order2(key, text, c.values[0], order()) <= 0
	}
}

// within compares a user's text with a value: 0 for the same, or for a moment inside a day.
func within(t tester, key, text, value string) int {
	switch key {
	case "id":
		var a, b int64
		if _, err := fmt.Sscan(text+" "+value, &a, &b); err != nil {
			t.Fatalf("ids %s and %s: %v", text, value, err)
		}
		return int(a - b)
	case "created_at", "last_login_at":
		if len(value) == len(time.DateOnly) {
			return strings.Compare(text[:len(value)], value) // users are shown in UTC
		}
		return strings.Compare(text, value)
	case "email":
		return strings.Compare(strings.ToLower(text), strings.ToLower(value))
	default:
		return strings.Compare(text, value)
	}
}

// order2 is within for the operators that order, which compare texts without regard to case.
func order2(key, text, value string, exact int) int {
	if key == "name" || key == "email" || key == "username" {
		return strings.Compare(roster.Fold(text), roster.Fold(value))
	}
	return exact
}

// condition is one parameter filter: alternatives of operators.
type condition struct {
	key          string
	alternatives [][]test
	text         string
}

func (c condition) holds(t tester, u shown) bool {
	text, there := u[c.key]
	return slices.ContainsFunc(c.alternatives, func(all []test) bool {
		return !slices.ContainsFunc(all, func(one test) bool { return !one.holds(t, c.key, text, there) })
	})
}

// The texts of the users and of the filters: few, so that they meet.
var (
	drawnNames     = []string{"Ann", "ann", "ANN B", "Bo", "Élodie", "élodie", "O'Brien \"x\"", "Straße", "STRASSE", "a\\b"}
	drawnUsernames = []string{"", "", "ann", "Ann", "bo.b", "Éva"}
	drawnEmails    = []string{"ann@x.example", "Ann@X.example", "bo@x.example", "ÉVA@y.example", "\u212aim@y.example", "kim@y.example"}
	drawnPatterns  = []string{"^A", "n$", "b.?@", "[^a-z]", "^$", "(?i)ann", "ss|é", ".*", "^.{3}$", `\\`, `\.`}
	drawnMoments   = []string{"2024-02-28", "2024-02-29", "2024-03-01", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59Z", "2024-03-01T00:00:00Z", "2024-02-29T12:00:00Z", "2024-02-29T12:00:01Z", "0001-01-01", "9999-12-31"}
	drawnOffsets   = []time.Duration{0, time.Millisecond, 999 * time.Millisecond, time.Second, 12 * time.Hour, 12*time.Hour + 500*time.Millisecond, 24*time.Hour - time.Millisecond, 24 * time.Hour, -time.Millisecond, -24 * time.Hour}
)

func sample[T any](t *rapid.T, label string, list []T) T {
	return rapid.SampledFrom(list).Draw(t, label)
}

func drawUser(t *rapid.T, id roster.UserID) roster.User {
	day := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	return person(id, sample(t, "organization", []roster.OrgID{world.Acme, world.Birch, world.Fir}), func(u *roster.User) {
		u.Name, u.Username, u.Email = sample(t, "name", drawnNames), sample(t, "username", drawnUsernames), roster.Email(sample(t, "email", drawnEmails))
		u.Status = sample(t, "status", []roster.Status{roster.StatusActive, roster.StatusActive, roster.StatusPending, roster.StatusSuspended})
		u.CreatedAt = day.Add(sample(t, "created", drawnOffsets))
		if rapid.IntRange(0, 2).Draw(t, "login") > 0 {
			u.LastLoginAt = day.Add(sample(t, "last login", drawnOffsets))
		}
		// Who registered long ago and has not been back counts as Inactive elsewhere.
		u.RegisteredAt = sample(t, "registered", []time.Time{world.Now.Add(-time.Hour), world.Now.Add(-400 * 24 * time.Hour)})
		if rapid.IntRange(0, 3).Draw(t, "deleted") == 0 {
			deleted(u)
		}
	})
}

// drawCondition draws a filter about one key, in any of the ways to write it.
func drawCondition(t *rapid.T) condition {
	key := sample(t, "key", []string{"id", "name", "email", "username", "is_active", "created_at", "last_login_at"})
	operators := []string{"eq", "neq", "in", "nin", "null", "notnull"}
	if key != "is_active" {
		operators = append(operators, "gt", "lt", "gteq", "lteq", "from", "to")
	}
	if key == "name" || key == "email" || key == "username" {
		operators = append(operators, "starts", "regex", "regex")
	}
	c := condition{key: key}
	if rapid.IntRange(0, 3).Draw(t, "literal") == 0 {
		value := drawValue(t, key)
		c.alternatives, c.text = [][]test{{{"eq", []string{value}}}}, key+":"+value
		return c
	}
	var objects []string
	for range rapid.IntRange(1, 3).Draw(t, "alternatives") {
		var all []test
		var members []string
		for _, operator := range rapid.SliceOfNDistinct(rapid.SampledFrom(operators), 1, 3, rapid.ID).Draw(t, "operators") {
			one := drawTest(t, key, operator)
			all = append(all, one)
			members = append(members, decorated(t, sample(t, "name", []string{operator, `"` + operator + `"`, "'" + operator + "'"}))+":"+decorated(t, one.json5(t, key)))
		}
		c.alternatives = append(c.alternatives, all)
		objects = append(objects, "{"+strings.Join(members, ",")+sample(t, "comma", []string{"", ",", ", // more\n"})+"}")
	}
	c.text = key + objects[0]
	if len(objects) > 1 || rapid.Bool().Draw(t, "array of one") {
		c.text = key + "[" + strings.Join(objects, ",") + sample(t, "comma", []string{"", ","}) + "]"
	}
	return c
}

func drawTest(t *rapid.T, key, operator string) test {
	one := test{operator: operator}
	switch operator {
	case "null", "notnull":
		one.values = []string{sample(t, "null", []string{"true", "false"})}
	case "regex":
		one.values = []string{sample(t, "pattern", drawnPatterns)}
	case "in", "nin":
		for range rapid.IntRange(0, 3).Draw(t, "values") {
			one.values = append(one.values, drawValue(t, key))
		}
	default:
		one.values = []string{drawValue(t, key)}
	}
	return one
}

func drawValue(t *rapid.T, key string) string {
	switch key {
	case "id":
		return fmt.Sprint(rapid.IntRange(-1, 32).Draw(t, "id"))
	case "is_active":
		return sample(t, "active", []string{"true", "false"})
	case "name":
		return sample(t, "name", drawnNames)
	case "email":
		return sample(t, "email", drawnEmails)
	case "username":
		return sample(t, "username", drawnUsernames)
	default:
		return sample(t, "moment", drawnMoments)
	}
}

// json5 writes what an operator compares with.
func (c test) json5(t *rapid.T, key string) string {
	write := func(value string) string {
		switch {
		case key == "is_active" || c.operator == "null" || c.operator == "notnull":
			return value
		case key == "id":
			if n := strings.TrimPrefix(value, "-"); rapid.Bool().Draw(t, "hexadecimal") {
				var digits int
				_, _ = fmt.Sscan(n, &digits)
				return value[:len(value)-len(n)] + fmt.Sprintf("0x%x", digits)
			}
			return value
		}
		quote := sample(t, "quote", []string{"'", `"`})
		value = strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), quote, `\`+quote)
		return quote + sample(t, "more lines", []string{"", "\\\n"}) + value + quote
	}
	if c.operator != "in" && c.operator != "nin" {
		return write(c.values[0])
	}
	var list []string
	for _, v := range c.values {
		list = append(list, decorated(t, write(v)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// decorated is text between white space and comments.
func decorated(t *rapid.T, text string) string {
	return sample(t, "before", []string{"", "", " ", "/* : */", "\u00a0"}) + text + sample(t, "behind", []string{"", "", "\t", "//}\n"})
}

// TestFiltersEqualAPlainLoop holds that filters, alone and together, find those users for whom a loop over what the list shows says
// so, in every type of users and among the deleted, and that the order of the sort is that of the texts.
func TestFiltersEqualAPlainLoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStand()
		for id := range rapid.IntRange(0, 30).Draw(t, "users") {
			s.put(drawUser(t, roster.UserID(id+1)))
		}
		for range 4 {
			target := sample(t, "type", []string{anyone, ours, clients}) + "?is_deleted=" + sample(t, "deleted", []string{"true", "false"})
			all := export(t, s, target)
			var conditions []condition
			query := ""
			for range rapid.IntRange(1, 3).Draw(t, "filters") {
				c := drawCondition(t)
				conditions = append(conditions, c)
				query += "&filter=" + url.QueryEscape(c.text)
			}
			want := []int64{}
			for id, u := range all {
				if !slices.ContainsFunc(conditions, func(c condition) bool { return !c.holds(t, u) }) {
					want = append(want, id)
				}
			}
			key := sample(t, "sort", []string{"id", "username", "created_at", "last_login_at", "email"})
			descending := rapid.Bool().Draw(t, "descending")
			list := s.list(t, target+query+"&count=1&limit=1000&sort="+map[bool]string{true: "-", false: ""}[descending]+key)
			got := ids(list)
			for i := range got[:max(0, len(got)-1)] {
				a, b := sortText(key, all[got[i]]), sortText(key, all[got[i+1]])
				if descending {
					a, b = b, a
				}
				if a > b {
					t.Fatalf("sorted by %s, %t descending, %q comes before %q", key, descending, a, b)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" || *list.Meta.Count != len(want) {
				t.Fatalf("%s with the filters %q counts %d (-want +got)\n%s", target, conditions, *list.Meta.Count, diff)
			}
		}
	})
}

// sortText returns what users are sorted by.
func sortText(key string, u shown) string {
	if key == "id" {
		return fmt.Sprintf("%020s", u["id"])
	}
	return roster.Fold(u[key])
}
