package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/openapitest"
)

type things struct{ *api.List }

func (things) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: r.Schema(reflect.TypeFor[makePlace](), true, "")}
}

type thingsOutput struct{ Body things }

// listing is a dialect whose one operation answers a list of those elements, as far as they fit. full is told whether they did not.
func listing(most int, full *bool, elements ...makePlace) *api.API {
	a := api.New(api.Dialect{Name: "list", Title: "list", Version: "1", ErrorBody: plainBody}, api.Options{})
	api.Register(a, api.Operation{ID: "list", Method: "GET", Path: "/things", Success: "things", Example: []any{makePlace{Zip: 1}}},
		func(context.Context, *roster.Principal, *struct{}) (*thingsOutput, error) {
			list := api.NewList(most)
			for _, e := range elements {
				*full = !list.Add(e)
			}
			return &thingsOutput{Body: things{list}}, nil
		})
	return a
}

// answerOf returns the body of the answer, which is held against the document.
func answerOf(t *testing.T, a *api.API) string {
	t.Helper()
	document, err := a.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	openapitest.New(t, document).Handler(t, a).ServeHTTP(w, request(http.MethodGet, "/things", ""))
	if w.Code != http.StatusOK {
		t.Fatalf("the answer is %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestLists(t *testing.T) {
	var full bool
	for _, test := range []struct {
		elements []makePlace
		want     string
	}{
		{nil, "[]\n"},
		{[]makePlace{{Zip: 1}}, `[{"zip":1}]` + "\n"},
		{[]makePlace{{City: `<"é\`, Zip: 1}, {Zip: 2}}, `[{"city":"<\"é\\","zip":1},{"zip":2}]` + "\n"},
	} {
		if got := answerOf(t, listing(1000, &full, test.elements...)); got != test.want || full {
			t.Errorf("the list is %s, full %v, want %s", got, full, test.want)
		}
	}
}

// TestAListTakesWhatFitsIntoLambdasAnswer holds that a list is as large as it says, by the bytes that it takes as a string in
// JSON, and that what does not fit leaves nothing behind.
func TestAListTakesWhatFitsIntoLambdasAnswer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cities := rapid.SliceOfN(rapid.String(), 1, 8).Draw(rt, "cities")
		var elements []makePlace
		for i, city := range cities {
			elements = append(elements, makePlace{City: city, Zip: int64(i + 1)})
		}
		last := len(elements) - 1
		whole, rest := inLambda(t, elements), inLambda(t, elements[:last])
		most := rapid.IntRange(len(rest), len(whole)+10).Draw(rt, "most")
		list := api.NewList(most)
		for _, e := range elements[:last] {
			if !list.Add(e) {
				rt.Fatalf("%d bytes are too few for %d", most, len(rest))
			}
		}
		if got, want := list.Add(elements[last]), most >= len(whole); got != want {
			rt.Errorf("of %d bytes, with %d taken, the last element, with which there are %d, is taken: %v", most, len(rest), len(whole), got)
		}
	})
	var full bool
	some := []makePlace{{City: "a", Zip: 1}, {City: strings.Repeat("b", 100), Zip: 2}}
	if got, want := answerOf(t, listing(60, &full, some...)), `[{"city":"a","zip":1}]`+"\n"; got != want || !full {
		t.Errorf("the list is %s, full %v, want %s", got, full, want)
	}
}

// inLambda returns the list as it stands in what a function returns, without the quotes around it.
func inLambda(t *testing.T, elements []makePlace) string {
	t.Helper()
	encode := func(v any) string {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(v); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if elements == nil {
		elements = []makePlace{}
	}
	text := encode(encode(elements))
	return text[1 : len(text)-2]
}
