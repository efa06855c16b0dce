package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

// TestAPathParameterThatIsAnEnumerationIsPaths holds that a value that is not in it is not found, whatever else is wrong.
func TestAPathParameterThatIsAnEnumerationIsPaths(t *testing.T) {
	a := api.New(api.Dialect{Name: "shelves", Title: "Shelves", Version: "1", ErrorBody: plainBody}, api.Options{})
	type shelf struct {
		Side string `path:"side" enum:"left,right"`
		Row  int32  `query:"row"`
	}
	api.Register(a, api.Operation{ID: "shelf", Method: "GET", Path: "/shelves/{side}", Success: "a shelf", Errors: map[int]string{400: "bad", 404: "none"}},
		func(_ context.Context, _ *roster.Principal, in *shelf) (*struct{ Body shelf }, error) {
			return &struct{ Body shelf }{*in}, nil
		})
	served := &served{API: a}
	for target, want := range map[string]int{
		"/shelves/left": 200, "/shelves/right?row=1": 200, "/shelves/left?row=x": 400, "/shelves/Left": 404, "/shelves/middle?row=x": 404, "/shelves/\xff": 404,
	} {
		w := send(t, served, request("GET", target, ""))
		if w.Code != want || want == 404 && message(t, w) != "path not found" {
			t.Errorf("GET %s = %d %s, want %d", target, w.Code, w.Body, want)
		}
	}
	document, err := a.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(document), "row must be an integer") || strings.Contains(string(document), "side must be") {
		t.Errorf("the document's example of a bad request is about a path that is not there:\n%s", document)
	}
}

func TestAParameterMustKeepToTheDocument(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{}, nothing)
	for _, test := range []struct{ name, target, want string }{
		{"a required one that is missing", "/things/ab", "id is required"},
		{"a required one that is empty", "/things/ab?id=", "id must be an integer"},
		{"a required one without =", "/things/ab?id", "id must be an integer"},
		{"text for a number", "/things/ab?id=x", "id must be an integer"},
		{"a fraction", "/things/ab?id=1.0", "id must be an integer"},
		{"an exponent", "/things/ab?id=1e3", "id must be an integer"},
		{"a plus sign", "/things/ab?id=%2B1", "id must be an integer"},
		{"a space", "/things/ab?id=+1", "id must be an integer"},
		{"other digits", "/things/ab?id=%D9%A1", "id must be an integer"},
		{"a minus sign alone", "/things/ab?id=-", "id must be an integer"},
		{"below the minimum", "/things/ab?id=0", "id must be between 1 and 9007199254740991"},
		{"above the maximum", "/things/ab?id=9007199254740992", "id must be between 1 and 9007199254740991"},
		{"beyond 64 bits", "/things/ab?id=99999999999999999999", "id must be between 1 and 9007199254740991"},
		{"beyond 32 bits", "/things/ab?id=1&page=2147483648", "page must be between 0 and 2147483647"},
		{"what wraps around in 32 bits", "/things/ab?id=1&page=4294967296", "page must be between 0 and 2147483647"},
		{"an empty optional one", "/things/ab?id=1&page=", "page must be an integer"},
		{"given twice", "/things/ab?id=1&id=1", "id must be given once"},
		{"a default given twice", "/things/ab?id=1&flag=true&flag=true", "flag must be given once"},
		{"1 for true", "/things/ab?id=1&flag=1", "flag must be true or false"},
		{"TRUE for true", "/things/ab?id=1&flag=TRUE", "flag must be true or false"},
		{"a flag without =", "/things/ab?id=1&flag", "flag must be true or false"},
		{"a value that is not in the enumeration", "/things/ab?id=1&order=UP", "order must be one of ASC, DESC"},
		{"an enumeration in other letters", "/things/ab?id=1&order=asc", "order must be one of ASC, DESC"},
		{"an empty enumeration", "/things/ab?id=1&order=", "order must be one of ASC, DESC"},
		{"too long", "/things/ab?id=1&text=123456", "text must have at most 5 characters"},
		{"not a number", "/things/ab?id=1&ratio=NaN", "ratio must be a number"},
		{"invalid UTF-8", "/things/ab?id=1&text=%ff", "text must be valid UTF-8"},
		{"invalid UTF-8, not encoded", "/things/ab?id=1&text=\xff", "text must be valid UTF-8"},
		{"a broken percent-encoding", "/things/ab?id=1&text=%zz", "text must be percent-encoded correctly"},
		{"a cut percent-encoding", "/things/ab?id=1&text=%4", "text must be percent-encoded correctly"},
		{"a broken percent-encoding of a name", "/things/ab?%zz=1", "query string must be percent-encoded correctly"},
		{"a broken percent-encoding of an unknown one", "/things/ab?x=%zz", "query string must be percent-encoded correctly"},
		{"a path parameter that is too short", "/things/a?id=1", "kind must have 2 to 4 characters"},
		{"a path parameter that is too long", "/things/abcde?id=1", "kind must have 2 to 4 characters"},
		{"several at once", "/things/a?id=0&page=x", "kind must have 2 to 4 characters; id must be between 1 and 9007199254740991; page must be an integer"},
		{"what huma alone checks", "/things/ab?id=1&tags=a,b,c,d", "tags expected array length <= 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := send(t, a, request("GET", test.target, ""))
			if got := message(t, w); w.Code != http.StatusBadRequest || got != test.want {
				t.Errorf("GET %s = %d %q, want 400 %q", test.target, w.Code, got, test.want)
			}
		})
	}
}

func TestAParameterThatKeepsToTheDocumentArrives(t *testing.T) {
	a := dialect("plain", plainBody, api.Options{}, nothing)
	for _, test := range []struct {
		name, target string
		want         thing
	}{
		{"defaults", "/things/ab?id=1", thing{Kind: "ab", ID: 1, Order: "ASC", Ratio: 0.5}},
		{"all", "/things/ab?id=9007199254740991&page=2147483647&flag=true&order=DESC&text=a%20b&ratio=2&tags=a,b&filter=x&filter=y",
			thing{"ab", 9007199254740991, 2147483647, true, "DESC", "a b", 2, []string{"a", "b"}, []string{"x", "y"}}},
		{"five characters of several bytes", "/things/ab?id=1&text=%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9", thing{Kind: "ab", ID: 1, Order: "ASC", Text: "ééééé", Ratio: 0.5}},
		{"a plus sign is a space", "/things/ab?id=1&text=a+b", thing{Kind: "ab", ID: 1, Order: "ASC", Text: "a b", Ratio: 0.5}},
		{"a semicolon is data", "/things/ab?id=1&text=a;b&filter=c;d", thing{Kind: "ab", ID: 1, Order: "ASC", Text: "a;b", Ratio: 0.5, Filters: []string{"c;d"}}},
		{"an encoded name", "/things/ab?%69d=1", thing{Kind: "ab", ID: 1, Order: "ASC", Ratio: 0.5}},
		{"unknown parameters are ignored", "/things/ab?x=1&x=2&%ff=%ff&id=1&&=&ID=0", thing{Kind: "ab", ID: 1, Order: "ASC", Ratio: 0.5}},
		{"a name without = before another", "/things/ab?x&id=1", thing{Kind: "ab", ID: 1, Order: "ASC", Ratio: 0.5}},
		{"leading zeros", "/things/ab?id=007", thing{Kind: "ab", ID: 7, Order: "ASC", Ratio: 0.5}},
		{"an encoded path", "/things/é€", thing{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want.ID == 0 {
				test.target, test.want = test.target+"?id=1", thing{Kind: "é€", ID: 1, Order: "ASC", Ratio: 0.5}
			}
			w := send(t, a, request("GET", test.target, ""))
			var got thing
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
				t.Fatalf("GET %s = %d %s, want 200", test.target, w.Code, w.Body)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("GET %s arrived as (-want +got)\n%s", test.target, diff)
			}
		})
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"id=1", "id=%zz", "id=1&filter=;&filter=", "&&&=", "id=1&tags=,,", "%69d=1&flag", "id=1&text=\xff", "id==1"} {
		f.Add(seed)
	}
	a := dialect("plain", plainBody, api.Options{}, nothing)
	document, err := a.OpenAPI()
	if err != nil {
		f.Fatal(err)
	}
	validator := openapitest.New(f, document)
	f.Fuzz(func(t *testing.T, query string) {
		w := httptest.NewRecorder()
		validator.Handler(t, a).ServeHTTP(w, request("GET", "/things/ab?"+query, ""))
		if w.Code != 200 && w.Code != 400 {
			t.Errorf("GET ?%s = %d %s", query, w.Code, w.Body)
		}
	})
}
