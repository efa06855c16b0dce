package replica

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

// loaded returns the state of those users.
func loaded(users ...*roster.User) *state {
	l := newLoader(testTenant)
	for _, u := range users {
		l.add(&roster.Change{User: u})
	}
	return l.finish(0).state
}

func wantBack(t interface{ Fatalf(string, ...any) }, u *roster.User) {
	want := *u.Clone()
	want.Revision.Stamp = roster.Stamp{}
	s := loaded(u)
	got := s.base.user(0, testTenant, &s.values)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("a user comes back changed (-want +got):\n%s", diff)
	}
	for field, text := range map[roster.Field]string{
		roster.FieldName: want.Name, roster.FieldEmail: string(want.Email),
		roster.FieldUsername: want.Username, roster.FieldPhoneNumber: want.PhoneNumber,
	} {
		if got := string(s.base.written([]byte("before"), 0, field)); got != "before"+text {
			t.Fatalf("the %s of %+v reads back as %q, want %q", field, want, got, text)
		}
	}
}

func TestUsersComeBackWhole(t *testing.T) {
	p := people.New(people.Config{Seed: 3, Now: testStart, Tenant: testTenant, Organizations: 20, Users: 2000})
	for u := range p.Users() {
		wantBack(t, &u)
	}
}

func TestOddUsersComeBackWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{feed: newFakeFeed(testStart), orgs: []roster.Organization{{Path: roster.OrgPath{7}}, {Path: roster.OrgPath{7, 8, 9}}, {Path: nil}}}
		u := w.drawUser(t)
		u.ID = 1
		for _, s := range []*string{&u.Name, &u.Nickname, (*string)(&u.Email), &u.Username, &u.PhoneNumber, &u.PublicKey, &u.Title, &u.GivenName} {
			if rapid.Bool().Draw(t, "any text") {
				*s = rapid.String().Draw(t, "text")
			}
		}
		u.Username = rapid.SampledFrom([]string{u.Username, u.Nickname, localPart(string(u.Email))}).Draw(t, "username")
		u.Revision = roster.Revision{Version: rapid.Int64Min(0).Draw(t, "version"), ChangedAt: time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "changed")).UTC()}
		u.DeletedAt = rapid.SampledFrom([]time.Time{{}, testStart}).Draw(t, "deleted")
		u.ExpiresAt = rapid.SampledFrom([]time.Time{{}, testStart.Add(time.Hour)}).Draw(t, "expires")
		wantBack(t, &u)
	})
}

func TestWordsBeyondTheDictionaryComeBack(t *testing.T) {
	l := newLoader(testTenant)
	for i := range maxWords + 100 {
		u := user(roster.UserID(i+1), "Ann", 1, testStart)
		u.Title = "Title " + strconv.Itoa(i)
		l.add(&roster.Change{User: u})
	}
	s := l.finish(0).state
	if len(s.words) != maxWords {
		t.Errorf("the dictionary has %d words, want its bound of %d", len(s.words), maxWords)
	}
	for _, row := range []uint32{0, maxWords - 2, maxWords - 1, maxWords, maxWords + 99} {
		if got, want := s.base.user(row, testTenant, &s.values).Title, "Title "+strconv.Itoa(int(row)); got != want {
			t.Errorf("the title of row %d is %q, want %q", row, got, want)
		}
	}
}

// Two users of one organization whose paths disagree, which only bad data has, keep their own.
func TestContradictoryPathsAreKept(t *testing.T) {
	paths := []roster.OrgPath{{7, 8, 9}, {7, 9}, {7, 10, 9}, {7, 9}}
	var users []*roster.User
	for i, path := range paths {
		u := user(roster.UserID(i+1), "Ann", 1, testStart)
		u.Path = path
		users = append(users, u)
	}
	s := loaded(users...)
	for row, want := range paths {
		if diff := cmp.Diff(want, s.base.user(uint32(row), testTenant, &s.values).Path); diff != "" {
			t.Errorf("the path of row %d (-want +got):\n%s", row, diff)
		}
	}
	if len(s.places) != 4 {
		t.Errorf("%d places are kept, want the empty one and 3", len(s.places))
	}
}

// A page must not hand out memory that a later reader sees: callers change what they get.
func TestPagesShareNoMemory(t *testing.T) {
	u := user(1, "Ann", 1, testStart)
	u.Groups, u.Delegates = []roster.GroupID{1}, []roster.Delegate{{User: 2, Permissions: []string{"VIEW"}}}
	u.Identities, u.SuperDelegatePermissions = []roster.Identity{{Type: "saml", Value: "x"}}, []string{"VIEW"}
	r := New(Config{Feed: &listFeed{1: {{User: u}}}})
	scribble := func(u *roster.User) {
		u.Path[0], u.Roles[0], u.Groups[0] = 99, 99, 99
		u.Delegates[0].Permissions[0], u.Identities[0].Value, u.SuperDelegatePermissions[0] = "!", "!", "!"
	}
	want := *u.Clone()
	first := ask(t, r, testTenant, roster.Query{})
	scribble(&first.Users[0])
	second := ask(t, r, testTenant, roster.Query{})
	if diff := cmp.Diff(want, second.Users[0]); diff != "" {
		t.Errorf("after a caller wrote to its page, another sees (-want +got):\n%s", diff)
	}
}

func TestColumnsAreAsNarrowAsTheirValues(t *testing.T) {
	for most, width := range map[uint32]int64{255: 1, 256: 2, 65_535: 2, 65_536: 4} {
		c := narrowed([]uint32{0, most, 1})
		if got := c.bytes(); got != 3*width {
			t.Errorf("a column up to %d takes %d bytes for 3 rows, want %d", most, got, 3*width)
		}
		if c.at(1) != most {
			t.Errorf("a column up to %d holds %d", most, c.at(1))
		}
		table := make([]uint8, most+1)
		table[most] = 1
		for _, rows := range []bitset{{0b111}, {0b010}} { // dense and sparse go different ways only by number of rows
			c.keep(rows, table)
			if rows[0] != 0b010 {
				t.Errorf("keeping the rows with %d leaves %b, want 10", most, rows[0])
			}
		}
	}
}

func TestKeepTableIsTheSameDenseAndSparse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Uint8Range(0, 5), 1, 200).Draw(t, "values")
		table := rapid.SliceOfN(rapid.Uint8Range(0, 1), 6, 6).Draw(t, "table")
		rows := newBitset(uint32(len(values)))
		var want []uint32
		share := rapid.IntRange(0, 100).Draw(t, "share")
		for i, v := range values {
			if rapid.IntRange(0, 99).Draw(t, "in") < share {
				rows.set(uint32(i))
				if table[v] == 1 {
					want = append(want, uint32(i))
				}
			}
		}
		keepTable(rows, values, table)
		var got []uint32
		rows.each(func(row uint32) { got = append(got, row) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the rows kept (-want +got):\n%s", diff)
		}
	})
}

func TestCountRangeCountsARange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := bitset(rapid.SliceOfN(rapid.Uint64(), 1, 5).Draw(t, "rows"))
		from := rapid.Uint32Range(0, uint32(len(rows)*64)).Draw(t, "from")
		to := rapid.Uint32Range(0, uint32(len(rows)*64)).Draw(t, "to")
		want := 0
		for row := from; row < to; row++ {
			if rows.has(row) {
				want++
			}
		}
		if got := rows.countRange(from, to); got != want {
			t.Fatalf("countRange(%d, %d) = %d, want %d", from, to, got, want)
		}
	})
}
