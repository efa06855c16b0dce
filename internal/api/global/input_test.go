package global_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/global"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

func TestBadParametersAreNamed(t *testing.T) {
	h := serve(t, directory.New(directory.Ports{}))
	const ofUsers = "must be one of all, basic, type, id, name, email, username, is_active, roles, login_via_badge, default_warehouse, merchant, created_at, last_login_at"
	const ofSort = "must be one of id, -id, username, -username, created_at, -created_at, last_login_at, -last_login_at, email, -email"
	for query, want := range map[string][]string{
		"limit=0":                          {"limit must be between 1 and 1000"},
		"limit=1001":                       {"limit must be between 1 and 1000"},
		"limit=abc":                        {"limit must be an integer"},
		"limit=":                           {"limit must be an integer"},
		"limit=1&limit=2":                  {"limit must be given once"},
		"count=2":                          {"count must be between 0 and 1"},
		"count=true":                       {"count must be an integer"},
		"is_deleted=1":                     {"is_deleted must be true or false"},
		"deleted=yes":                      {"deleted must be true or false"},
		"cursor_start=0":                   {"cursor_start must be between 1 and 9007199254740991"},
		"cursor_end=-5":                    {"cursor_end must be between 1 and 9007199254740991"},
		"cursor_start=9007199254740992":    {"cursor_start must be between 1 and 9007199254740991"},
		"cursor_start=1.5":                 {"cursor_start must be an integer"},
		"cursor_start=7&sort=email":        {"sort must be by id when a cursor is given"},
		"cursor_end=7&sort=-created_at,id": {"sort must be by id when a cursor is given"},
		"fields=":                          {"fields " + ofUsers},
		"fields=password":                  {"fields " + ofUsers},
		"fields=roles,,id":                 {"fields " + ofUsers},
		"fields=Roles":                     {"fields " + ofUsers},
		"fields=roles&fields=id":           {"fields must be given once"},
		"fields:roles=claims":              {"fields:roles must be one of all, basic, type, id, name, permissions"},
		"fields%3Aroles=":                  {"fields:roles must be one of all, basic, type, id, name, permissions"},
		"fields:default_warehouse=code":    {"fields:default_warehouse must be one of all, basic, type, id, name, is_active"},
		"fields:merchant=brands":           {"fields:merchant must be one of all, basic, type, id, name, is_active, is_deleted, created_at"},
		"sort=name":                        {"sort " + ofSort},
		"sort=":                            {"sort " + ofSort},
		"sort=%2Bid":                       {"sort " + ofSort},
		"sort=--id":                        {"sort " + ofSort},
		"sort=id,-id":                      {"sort must not name a key twice"},
		"sort=%":                           {"sort must be percent-encoded correctly"},
		"limit=0&sort=x&filter=%ff":        {"filter must be valid UTF-8", "sort " + ofSort, "limit must be between 1 and 1000"},
		"sort=email,email&filter=x":        {"filter[0] must be of the form key:value, key{conditions} or key[alternatives]", "sort must not name a key twice"},
	} {
		answer := get(h, world.Client(world.Acme), anyone+"?"+query)
		if diff := cmp.Diff(want, failure(t, answer)); diff != "" || answer.Code != 400 {
			t.Errorf("%s is answered %d, want 400 (-want +got)\n%s", query, answer.Code, diff)
		}
	}
	// What this does not know is ignored.
	s := newStand(person(1, world.Acme))
	if got := len(s.list(t, anyone+"?after=7&fields:groups=all&x").Collection); got != 1 {
		t.Errorf("with unknown parameters there are %d users, want 1", got)
	}
}

const (
	formRule    = " must be of the form key:value, key{conditions} or key[alternatives]"
	keyRule     = " must begin with one of the keys id, name, email, username, is_active, created_at, last_login_at"
	integerRule = " must be an integer between -9007199254740991 and 9007199254740991, without a fraction or exponent"
	momentRule  = " must be a string with a date and time such as 2017-07-21T17:32:28Z, or a date such as 2017-07-21"
	textOps     = " must have operators of eq, neq, starts, gt, lt, gteq, lteq, from, to, in, nin, null, notnull, regex"
	integerOps  = " must have operators of eq, neq, gt, lt, gteq, lteq, from, to, in, nin, null, notnull"
	booleanOps  = " must have operators of eq, neq, in, nin, null, notnull"
)

func TestMalformedFiltersAreExplained(t *testing.T) {
	h := serve(t, directory.New(directory.Ports{}))
	many := func(n int, element string) string { return strings.TrimSuffix(strings.Repeat(element+",", n), ",") }
	for _, test := range []struct {
		filter string
		want   []string
	}{
		// the form
		{"", []string{"filter must have 1 to 16384 characters"}}, {"id", []string{"filter[0]" + formRule}}, {"id=5", []string{"filter[0]" + formRule}}, {"id>5", []string{"filter[0]" + formRule}},
		{":", []string{"filter[0]" + keyRule}}, {"{}", []string{"filter[0]" + keyRule}}, {"[]", []string{"filter[0]" + keyRule}}, {"ID:5", []string{"filter[0]" + keyRule}}, {" id:5", []string{"filter[0]" + keyRule}},
		{"id {gt:5}", []string{"filter[0]" + keyRule}}, {"password:x", []string{"filter[0]" + keyRule}}, {"type:ClientUser", []string{"filter[0]" + keyRule}}, {"roles{in:[1]}", []string{"filter[0]" + keyRule}},
		{"merchant.id:5", []string{"filter[0]" + keyRule}}, {"\x00:1", []string{"filter[0]" + keyRule}},
		// JSON5
		{"id{", []string{"filter[0].id must be valid JSON5: a name is missing at character 2"}}, {"id{gt:15", []string{"filter[0].id must be valid JSON5: a comma or the end of an object is missing at character 7"}},
		{"id{gt}", []string{"filter[0].id must be valid JSON5: a colon is missing at character 4"}}, {"id{gt:}", []string{"filter[0].id must be valid JSON5: a value is missing at character 5"}},
		{"id{gt=5}", []string{"filter[0].id must be valid JSON5: a colon is missing at character 4"}}, {"id{gt:5}x", []string{"filter[0].id must be valid JSON5: there is more than one value at character 7"}},
		{"id{gt:5}{lt:7}", []string{"filter[0].id must be valid JSON5: there is more than one value at character 7"}}, {"id[1", []string{"filter[0].id must be valid JSON5: a comma or the end of an array is missing at character 3"}},
		{"name{eq:Bo}", []string{"filter[0].name must be valid JSON5: a value is missing at character 5"}}, {"name{eq:'Bo}", []string{"filter[0].name must be valid JSON5: a string does not end at character 9"}},
		{"name{eq:'a\nb'}", []string{"filter[0].name must be valid JSON5: a string goes over the end of a line at character 7"}}, {`name{eq:'\ud800'}`, []string{"filter[0].name must be valid JSON5: an escape is half a character at character 12"}},
		{"id{gt:015}", []string{"filter[0].id must be valid JSON5: a number begins with a needless zero at character 8"}}, {"id{gt:5/*}", []string{"filter[0].id must be valid JSON5: a comment does not end at character 8"}},
		{"id{gt:" + strings.Repeat("[", 5000), []string{"filter[0].id must be valid JSON5: arrays and objects are too deep in one another at character 9"}},
		{"id" + strings.Repeat("{a:", 5000), []string{"filter[0].id must be valid JSON5: arrays and objects are too deep in one another at character 16"}},
		// objects and alternatives
		{"id{}", []string{"filter[0].id must hold at least one operator"}}, {"id[]", []string{"filter[0].id must hold at least one object"}}, {"id[{}]", []string{"filter[0].id[0] must hold at least one operator"}},
		{"id[5]", []string{"filter[0].id[0] must be an object of operators"}}, {"id[{gt:1},[{lt:5}],null]", []string{"filter[0].id[1] must be an object of operators", "filter[0].id[2] must be an object of operators"}},
		{"id{gt:1,gt:2}", []string{"filter[0].id.gt must be given once"}}, {`id{gt:1,"\u0067t":2,gt:3}`, []string{"filter[0].id.gt must be given once", "filter[0].id.gt must be given once"}},
		// operators
		{"id{like:5}", []string{"filter[0].id" + integerOps}}, {"id{GT:5}", []string{"filter[0].id" + integerOps}}, {"id{'':5}", []string{"filter[0].id" + integerOps}}, {"id{$gt:5}", []string{"filter[0].id" + integerOps}},
		{"id{regex:'5'}", []string{"filter[0].id" + integerOps}}, {"id{starts:5}", []string{"filter[0].id" + integerOps}}, {"created_at{regex:'2'}", []string{"filter[0].created_at" + integerOps}},
		{"is_active{gt:true}", []string{"filter[0].is_active" + booleanOps}}, {"is_active{regex:'t'}", []string{"filter[0].is_active" + booleanOps}}, {"name{contains:'x'}", []string{"filter[0].name" + textOps}},
		{"name[{x:1},{y:2}]", []string{"filter[0].name[0]" + textOps, "filter[0].name[1]" + textOps}},
		// integers
		{"id:", []string{"filter[0].id" + integerRule}}, {"id:x", []string{"filter[0].id" + integerRule}}, {"id:1.0", []string{"filter[0].id" + integerRule}}, {"id:1e3", []string{"filter[0].id" + integerRule}}, {"id:0x10", []string{"filter[0].id" + integerRule}},
		{"id:+5", []string{"filter[0].id" + integerRule}}, {"id:-", []string{"filter[0].id" + integerRule}}, {"id:{gt:5}", []string{"filter[0].id" + integerRule}}, {"id:9007199254740992", []string{"filter[0].id" + integerRule}}, {"id:" + strings.Repeat("9", 5000), []string{"filter[0].id" + integerRule}},
		{"id{eq:'5'}", []string{"filter[0].id.eq" + integerRule}}, {"id{eq:true}", []string{"filter[0].id.eq" + integerRule}}, {"id{eq:null}", []string{"filter[0].id.eq" + integerRule}}, {"id{eq:[5]}", []string{"filter[0].id.eq" + integerRule}}, {"id{eq:{}}", []string{"filter[0].id.eq" + integerRule}},
		{"id{gt:1.5}", []string{"filter[0].id.gt" + integerRule}}, {"id{gt:-9007199254740992}", []string{"filter[0].id.gt" + integerRule}}, {"id{gt:Infinity}", []string{"filter[0].id.gt must not be NaN or infinite"}}, {"id{lt:-NaN}", []string{"filter[0].id.lt must not be NaN or infinite"}}, {"id{lt:1e999}", []string{"filter[0].id.lt" + integerRule}},
		// texts
		{"name{eq:5}", []string{"filter[0].name.eq must be a string"}}, {"name{eq:null}", []string{"filter[0].name.eq must be a string"}}, {"email{starts:true}", []string{"filter[0].email.starts must be a string"}}, {"username{regex:/x/}", []string{"filter[0].username must be valid JSON5: a slash begins no comment at character 9"}},
		{"username{regex:5}", []string{"filter[0].username.regex must be a string"}},
		// booleans
		{"is_active:", []string{"filter[0].is_active must be true or false"}}, {"is_active:1", []string{"filter[0].is_active must be true or false"}}, {"is_active:TRUE", []string{"filter[0].is_active must be true or false"}}, {"is_active{eq:'true'}", []string{"filter[0].is_active.eq must be true or false"}}, {"is_active{eq:1}", []string{"filter[0].is_active.eq must be true or false"}},
		{"name{null:1}", []string{"filter[0].name.null must be true or false"}}, {"last_login_at{notnull:'true'}", []string{"filter[0].last_login_at.notnull must be true or false"}}, {"id{null:null}", []string{"filter[0].id.null must be true or false"}},
		// moments
		{"created_at:", []string{"filter[0].created_at" + momentRule}}, {"created_at:yesterday", []string{"filter[0].created_at" + momentRule}}, {"created_at:2024-02-30", []string{"filter[0].created_at" + momentRule}}, {"created_at:2024-1-1", []string{"filter[0].created_at" + momentRule}}, {"created_at:2024", []string{"filter[0].created_at" + momentRule}},
		{"created_at{gt:1704067200}", []string{"filter[0].created_at.gt" + momentRule}}, {"created_at{gt:'2024-01-01 00:00:00'}", []string{"filter[0].created_at.gt" + momentRule}}, {"created_at{gt:'2024-01-01T00:00:00'}", []string{"filter[0].created_at.gt" + momentRule}}, {"created_at{gt:'2024-01-01T1:02:03Z'}", []string{"filter[0].created_at.gt" + momentRule}}, {"created_at{gt:'2024-01-01T1:02:03+01:00'}", []string{"filter[0].created_at.gt" + momentRule}}, {"created_at{gt:'2024-01-01T24:00:00Z'}", []string{"filter[0].created_at.gt" + momentRule}},
		{"created_at{gt:'2024-01-01T00:00:00.5Z'}", []string{"filter[0].created_at.gt" + momentRule}}, {"created_at{gt:'2024-01-01T00:00:00,0Z'}", []string{"filter[0].created_at.gt" + momentRule}}, {"created_at{gt:'2024-01-01T00:00:00 00:00'}", []string{"filter[0].created_at.gt" + momentRule}}, {"last_login_at{eq:null}", []string{"filter[0].last_login_at.eq" + momentRule}},
		// lists
		{"id{in:5}", []string{"filter[0].id.in must be an array"}}, {"id{in:{}}", []string{"filter[0].id.in must be an array"}}, {"name{nin:'x'}", []string{"filter[0].name.nin must be an array"}}, {"id{in:[1,'2',[3]]}", []string{"filter[0].id.in[1]" + integerRule, "filter[0].id.in[2]" + integerRule}},
		{"name{in:['a',null]}", []string{"filter[0].name.in[1] must be a string"}}, {"created_at{in:['2024-01-01','x']}", []string{"filter[0].created_at.in[1]" + momentRule}}, {"is_active{in:[true,0]}", []string{"filter[0].is_active.in[1] must be true or false"}},
		// patterns
		{"name{regex:'('}", []string{"filter[0].name.regex must match a valid RE2 pattern"}}, {"name{regex:'*'}", []string{"filter[0].name.regex must match a valid RE2 pattern"}}, {`name{regex:'(?=a)'}`, []string{"filter[0].name.regex must match a valid RE2 pattern"}}, {`name{regex:'\\1'}`, []string{"filter[0].name.regex must match a valid RE2 pattern"}},
		{"email{regex:')'}", []string{"filter[0].email.regex must match a valid RE2 pattern"}}, {"email{regex:'*'}", []string{"filter[0].email.regex must match a valid RE2 pattern"}}, {"name{regex:'(a{1000}){1000}'}", []string{"filter[0].name.regex must match a valid RE2 pattern"}}, {"name{regex:'a{1001}'}", []string{"filter[0].name.regex must match a valid RE2 pattern"}},
		{"name{regex:'.{0,999}'}", []string{"filter[0].name.regex must have simpler patterns, or fewer"}}, {"name{regex:'" + strings.Repeat("a", 10<<10) + "'}", []string{"filter[0].name.regex must match a pattern of at most 500 bytes"}}, {"email{regex:'" + strings.Repeat("[", 499) + "'}", []string{"filter[0].email.regex must match a valid RE2 pattern"}},
		{"name[" + many(9, "{regex:'(a|b|c|d|e|f){20}'}") + "]", []string{"filter must have simpler patterns, or fewer"}},
		// bounds
		{"id[" + many(100, "{gt:1}") + "]", []string{"filter must have at most 100 conditions"}}, {"id{in:[" + many(1001, "1") + "]}", []string{"filter must have at most 1000 values"}}, {"created_at{in:[" + many(40, "'2024-01-01'") + "]}", []string{"filter must have at most 100 conditions"}},
		{"id{in:[" + many(2000, "x") + "]}", []string{"filter[0].id must be valid JSON5: a value is missing at character 6"}}, {"name:" + strings.Repeat("a", 16<<10), []string{"filter must have 1 to 16384 characters"}},
	} {
		answer := get(h, world.Client(world.Acme), anyone+"?filter="+url.QueryEscape(test.filter))
		if diff := cmp.Diff(test.want, failure(t, answer)); diff != "" || answer.Code != 400 {
			t.Errorf("%.100q is answered %d, want 400 (-want +got)\n%s", test.filter, answer.Code, diff)
		}
	}
	// Each filter by its number, and no more than 20 lines of one answer.
	refuse(t, get(h, world.Client(world.Acme), anyone+"?filter=id:1&filter=id:x&limit=5&filter=y:1"), 400, "filter[1].id"+integerRule, "filter[2]"+keyRule)
	if got := failure(t, get(h, world.Client(world.Acme), anyone+"?filter="+url.QueryEscape("id{in:["+many(900, "''")+"]}"))); len(got) != 20 {
		t.Errorf("900 wrong ids are answered with %d lines, want 20", len(got))
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	s := newStand(person(1, world.Acme))
	for _, test := range []struct {
		method, path string
		want         int
		allow        string
	}{
		{"GET", users, 404, ""}, {"GET", users + "/", 404, ""}, {"GET", users + "/everyone", 404, ""}, {"GET", users + "/Any", 404, ""}, {"GET", users + "/everyone?limit=0", 404, ""}, {"GET", anyone + "/", 404, ""},
		{"GET", anyone + "/1", 404, ""}, {"GET", strings.Replace(anyone, "/v1/", "/v2/", 1), 404, ""}, {"POST", anyone, 405, "GET, HEAD, OPTIONS"}, {"DELETE", clients, 405, "GET, HEAD, OPTIONS"},
		{"OPTIONS", anyone, 204, "GET, HEAD, OPTIONS"}, {"HEAD", anyone, 200, ""}, {"GET", ours, 200, ""},
	} {
		answer := send(s.handler, world.Client(world.Acme), test.method, test.path)
		if answer.Code != test.want || answer.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s is answered %d %v %s, want %d, Allow %q", test.method, test.path, answer.Code, answer.Header(), answer.Body, test.want, test.allow)
		}
	}
	refuse(t, get(serve(t, directory.New(directory.Ports{})), world.Client(world.Acme), users+"/everyone"), 404, "path not found")
}

// broken is a replica that fails.
type broken struct {
	directory.Search
	err error
}

func (b broken) View(context.Context, roster.TenantID) (directory.View, error) { return nil, b.err }

func TestFailuresOfTheFeed(t *testing.T) {
	for _, test := range []struct {
		err   error
		want  int
		retry string
		text  string
	}{
		{&roster.Error{Kind: roster.KindUnavailable, Message: "the table is busy", RetryAfter: 2 * time.Second}, 503, "2", "the table is busy"},
		{&roster.Error{Kind: roster.KindTooMany, Message: "too many requests", RetryAfter: 10 * time.Second}, 429, "10", "too many requests"},
		{context.DeadlineExceeded, 500, "", "internal error"},
	} {
		answer := get(serve(t, directory.New(directory.Ports{Search: broken{err: test.err}})), world.Client(world.Acme), anyone)
		refuse(t, answer, test.want, test.text)
		if got := answer.Header().Get("Retry-After"); got != test.retry {
			t.Errorf("%v is answered with Retry-After %q, want %q", test.err, got, test.retry)
		}
	}
}

// TestASearchThatTakesTooLongIsEnded holds that a search whose request has no time left ends with words about what to do.
func TestASearchThatTakesTooLongIsEnded(t *testing.T) {
	s := newStand(person(1, world.Acme), person(2, world.Birch))
	s.list(t, anyone) // the replica is there
	ended, end := context.WithCancel(t.Context())
	end()
	r := httptest.NewRequest(http.MethodGet, anyone+"?filter="+url.QueryEscape("name{regex:'(a|b|c)*d'}"), nil)
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, r.WithContext(api.WithPrincipal(ended, world.Client(world.Acme))))
	refuse(t, answer, 503, "the search did not end in time: filters that keep fewer users, or simpler patterns, make it faster")
}

// FuzzFilters holds that a filter is a good one or refused by name, and that the page it leads to takes it as it was.
func FuzzFilters(f *testing.F) {
	for _, seed := range []string{
		"id:5", "name:a:b", "is_active:true", "id{gt:15}", `name{regex:"^B"}`, "created_at{from:'2024-01-01',to:'2024-01-31',}", "id[{gt:0x1},{in:[1,2,/**/3]}]", "username{null:true}", "last_login_at{neq:'2024-01-01T00:00:00+02:00'}",
		"email{starts:'P',nin:['p1@EXAMPLE.com']}", "name{eq:'\\u0041\\\n'}", "id{gt:-Infinity}", "name{regex:'(a{1000}){1000}'}", "created_at{in:[]}", "\xff", "&filter=%", "username:",
	} {
		f.Add(seed)
	}
	s := newStand(person(1, world.Acme), person(2, world.Birch), person(3, world.Acme, func(u *roster.User) { u.Username = "three" }))
	f.Fuzz(func(t *testing.T, filter string) {
		target := anyone + "?limit=1&count=1&filter=" + url.QueryEscape(filter)
		answer := get(s.handler, world.Client(world.Acme), target)
		if answer.Code == 400 {
			for _, line := range failure(t, answer) {
				if !strings.HasPrefix(line, "filter") {
					t.Errorf("%q is refused with %s", filter, line)
				}
			}
			return
		}
		list := read(t, answer)
		walked := len(list.Collection)
		for list.Next != nil {
			list = s.list(t, *list.Next)
			walked += len(list.Collection)
		}
		if walked != *list.Meta.Count {
			t.Errorf("%q finds %d users, and a walk %d", filter, *list.Meta.Count, walked)
		}
	})
}

// FuzzParametersNeverFailTheServer sends any query to any type.
func FuzzParametersNeverFailTheServer(f *testing.F) {
	for _, seed := range []string{
		"", "limit=1&count=1", "cursor_start=2&cursor_end=1", "cursor_end=3&sort=id", "fields=all&fields:roles=all", "fields%3Amerchant=basic&is_deleted=true", "sort=email,-id&limit=2", "sort=id;x", "%zz", "&=&", "filter=id:1&filter=id{lt:9}",
	} {
		f.Add(seed, "any")
		f.Add(seed, "client")
	}
	s := newStand(person(1, world.Acme), person(2, world.Birch), person(3, world.Fir, deleted))
	document, err := global.OpenAPI()
	if err != nil {
		f.Fatal(err)
	}
	validator := openapitest.New(f, document)
	f.Fuzz(func(t *testing.T, query, of string) {
		if strings.Contains(of, "/") || strings.Trim(of, ".") == "" {
			return // another path
		}
		h := validator.Handler(t, s.handler)
		answer := get(h, world.Client(world.Acme), users+"/"+of+"?"+query)
		if answer.Code != 200 && answer.Code != 400 && answer.Code != 404 {
			t.Fatalf("%s?%s is answered %d %s", of, query, answer.Code, answer.Body)
		}
		if answer.Code != 200 {
			return
		}
		list := read(t, answer)
		for _, link := range []*string{list.Next, list.Previous} {
			if link == nil {
				continue
			}
			if _, err := url.ParseRequestURI(*link); err != nil || strings.ContainsAny(*link, " +\"{}") {
				t.Errorf("%s?%s leads to %q (%v)", of, query, *link, err)
			}
			if again := get(h, world.Client(world.Acme), *link); again.Code != 200 {
				t.Errorf("%s?%s leads to %s, which is answered %d %s", of, query, *link, again.Code, again.Body)
			}
		}
	})
}
