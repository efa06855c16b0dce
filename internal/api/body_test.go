package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

func post(body string, header ...string) *http.Request {
	r := request("POST", "/things", body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestBodiesThatAreNoBodiesAreTheCallersFault(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{}, nothing)
	const largest = 64 << 10
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		want                    string
	}{
		{"nothing", "", "", 400, "body is required"},
		{"white space", "application/json", " \n", 400, "body is required"},
		{"half of one", "application/json", "{", 400, "body must be valid JSON"},
		{"two of them", "application/json", `{"name":"a"}{"name":"b"}`, 400, "body must be valid JSON"},
		{"something behind it", "application/json", `{"name":"a"}]`, 400, "body must be valid JSON"},
		{"a comma too many", "application/json", `{"name":"a",}`, 400, "body must be valid JSON"},
		{"JSON5", "application/json", `{name:'a'}`, 400, "body must be valid JSON"},
		{"a byte order mark", "application/json", "\ufeff{\"name\":\"a\"}", 400, "body must be valid JSON"},
		{"a list", "application/json", `[]`, 400, "body must be a JSON object"},
		{"null", "application/json", `null`, 400, "body must be a JSON object"},
		{"not UTF-8", "application/json", "{\"name\":\"\xff\"}", 400, "body must be valid UTF-8"},
		{"as large as may be", "application/json", `{"name":"a"` + strings.Repeat(" ", largest-12) + `}`, 201, ""},
		{"too large by a byte", "application/json", `{"name":"a"` + strings.Repeat(" ", largest-11) + `}`, 413, "body must have at most 65536 bytes"},
		{"10 MB", "application/json", `{"name":"` + strings.Repeat("a", 10<<20) + `"}`, 413, "body must have at most 65536 bytes"},
		{"deep lists", "application/json", `{"name":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, 400, "body must be valid JSON"},
		{"less deep ones", "application/json", `{"name":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, 400, "body must not be nested deeper than 16 levels"},
		{"deep objects", "application/json", strings.Repeat(`{"a":`, 17) + `1` + strings.Repeat("}", 17), 400, "body must not be nested deeper than 16 levels"},
		{"another content type", "text/csv", `{"name":"a"}`, 400, "Content-Type must be application/json"},
		{"a form", "application/x-www-form-urlencoded", `name=a`, 400, "Content-Type must be application/json"},
		{"another encoding", "application/json; charset=latin1", `{"name":"a"}`, 400, "Content-Type must be application/json"},
		{"a content type that is none", "json;;", `{"name":"a"}`, 400, "Content-Type must be application/json"},
		{"no content type is JSON", "", `{"name":"a"}`, 201, ""},
		{"said plainly", "Application/JSON; charset=UTF-8", `{"name":"a"}`, 201, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := post(test.body)
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			w := send(t, a, r)
			if w.Code != test.status || test.want != "" && message(t, w) != test.want {
				t.Errorf("the answer is %d %s, want %d %q", w.Code, w.Body, test.status, test.want)
			}
		})
	}
	t.Run("compressed", func(t *testing.T) {
		if w := send(t, a, post(`{"name":"a"}`, "Content-Encoding", "gzip")); w.Code != 400 || message(t, w) != "Content-Encoding must be absent" {
			t.Errorf("the answer is %d %s, want 400", w.Code, w.Body)
		}
	})
	t.Run("two content types", func(t *testing.T) {
		if w := send(t, a, post(`{"name":"a"}`, "Content-Type", "application/json", "Content-Type", "text/xml")); w.Code != 400 {
			t.Errorf("the answer is %d %s, want 400", w.Code, w.Body)
		}
	})
}

func TestEverythingWrongWithABodyIsNamedAtOnce(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{}, nothing)
	var many strings.Builder
	for i := range 50 {
		many.WriteString(`,"x` + strconv.Itoa(i) + `":1`)
	}
	for _, test := range []struct{ body, want string }{
		{`{}`, "name is required"},
		{`{"name":null}`, "name is required"},
		{`{"name":"a","size":null,"mood":null,"place":null,"tags":null}`, ""},
		{`{"name":1}`, "name must be a string"},
		{`{"name":{"a":{"a":[]}}}`, "name must be a string"},
		{`{"name":["a"]}`, "name must be a string"},
		{`{"name":""}`, "name must have 1 to 10 characters"},
		{`{"name":"a","x":1}`, "x is not a field that this takes"},
		{`{"name":"a","Name":"b"}`, "Name is not a field that this takes"},
		{`{"name":"a","a b":1,"<script>":2,"":3}`, "a field is not a field that this takes; a field is not a field that this takes; a field is not a field that this takes"},
		{`{"name":"a","name":"b"}`, "name must be given once"},
		{`{"name":"a","\u006eame":"b","x":1,"x":2}`, "name must be given once; x is not a field that this takes; x is not a field that this takes"},
		{`{"name":"a","size":"1"}`, "size must be an integer"},
		{`{"name":"a","size":1.0}`, "size must be an integer"},
		{`{"name":"a","size":1e2}`, "size must be an integer"},
		{`{"name":"a","size":true}`, "size must be an integer"},
		{`{"name":"a","size":-1}`, "size must be between 0 and 2147483647"},
		{`{"name":"a","size":2147483648}`, "size must be between 0 and 2147483647"},
		{`{"name":"a","size":99999999999999999999999}`, "size must be between 0 and 2147483647"},
		{`{"name":"a","place":{"zip":9007199254740992}}`, "place.zip must be between 1 and 9007199254740991"},
		{`{"name":"a","place":{"zip":9007199254740991}}`, ""},
		{`{"name":"a","place":{}}`, "place.zip is required"},
		{`{"name":"a","place":{"zip":1,"zip":2,"town":1}}`, "place.zip must be given once; place.town is not a field that this takes"},
		{`{"name":"a","place":"here"}`, "place must be an object"},
		{`{"name":"a","share":"half"}`, "share must be a number"},
		{`{"name":"a","share":0.5,"loud":true,"mood":"BAD"}`, ""},
		{`{"name":"a","loud":"true"}`, "loud must be a boolean"},
		{`{"name":"a","mood":"good"}`, "mood must be one of GOOD, BAD"},
		{`{"name":"a","tags":["a",1,null,{"a":1,"a":2}]}`, "tags[1] must be a string; tags[2] is required; tags[3] must be a string"},
		{`{"name":"\ud800"}`, "name must be valid Unicode text"},
		{`{"name":"\ud83d\ude00"}`, ""},
		{`{"size":"1","x":[1,{"y":2}],"place":{"zip":"1"},"mood":""}`,
			"size must be an integer; x is not a field that this takes; place.zip must be an integer; mood must be one of GOOD, BAD; name is required"},
		{`{"name":"a"` + many.String() + `}`, strings.TrimSuffix(strings.Repeat("? is not a field that this takes; ", 20), "; ")},
	} {
		w := send(t, a, post(test.body))
		if test.want == "" {
			if w.Code != 201 {
				t.Errorf("%s is answered %d %s, want 201", test.body, w.Code, w.Body)
			}
			continue
		}
		got := message(t, w)
		if strings.HasPrefix(test.want, "?") {
			for i := range 20 {
				got = strings.Replace(got, "x"+strconv.Itoa(i)+" is", "? is", 1)
			}
		}
		if w.Code != 400 || got != test.want {
			t.Errorf("%s is answered %d %q, want 400 %q", test.body, w.Code, got, test.want)
		}
	}
}

func TestAHandlerSeesTheCoresNamesOfFields(t *testing.T) {
	var seen roster.FieldErrors
	a := api.New(api.Dialect{Name: "plain", Title: "plain", Version: "1", ErrorBody: plainBody, FieldNames: map[string]string{"number": "size"}}, api.Options{})
	api.Register(a, api.Operation{ID: "make", Method: "POST", Path: "/things", Success: "made", Errors: map[int]string{400: "bad"}, Body: makeBody{}, BodyExample: makeBody{Name: "chair"}},
		func(ctx context.Context, _ *roster.Principal, _ *struct{}) (*thingOutput, error) {
			_, seen = api.Body[makeBody](ctx)
			return nil, seen.Err()
		})
	w := send(t, &served{API: a}, post(`{"name":"a","size":"1"}`))
	if len(seen) != 1 || seen[0].Field != "number" || message(t, w) != "size must be an integer" {
		t.Errorf("the handler saw %v, the caller %s; want number, size", seen, w.Body)
	}
}

func TestRegisterRefusesABodyThatIsPartOfTheInput(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Register took it")
		}
	}()
	a := api.New(api.Dialect{Name: "plain", Title: "plain", Version: "1", ErrorBody: plainBody}, api.Options{})
	api.Register(a, api.Operation{ID: "make", Method: "POST", Path: "/things", Success: "made"},
		func(context.Context, *roster.Principal, *struct{ Body makeBody }) (*thingOutput, error) {
			return nil, nil
		})
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a"}`, `{"name":"a","size":1,"place":{"zip":1},"tags":["x"]}`, `{"name":null}`, `{"name":"\ud800"}`, `[]`, `{`, "\xff", `{"a":{"a":{}}}`, `{"size":1e999}`,
	} {
		f.Add(seed, "application/json")
	}
	a := dialect("plain", plainBody, api.Options{}, nothing)
	document, err := a.OpenAPI()
	if err != nil {
		f.Fatal(err)
	}
	validator := openapitest.New(f, document)
	f.Fuzz(func(t *testing.T, body, contentType string) {
		r := post(body)
		r.Header["Content-Type"] = []string{contentType}
		w := httptest.NewRecorder()
		validator.Handler(t, a).ServeHTTP(w, r)
		if w.Code != 201 && w.Code != 400 && w.Code != 413 {
			t.Errorf("POST %q as %q = %d %s", body, contentType, w.Code, w.Body)
		}
	})
}
