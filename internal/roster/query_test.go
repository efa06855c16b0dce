package roster_test

import (
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

func TestQueryValidate(t *testing.T) {
	page := roster.Page{Limit: 50}
	for name, c := range map[string]struct {
		query roster.Query
		want  string // the field named, empty for a good query
	}{
		"plain":                    {roster.Query{Page: page}, ""},
		"longest text":             {roster.Query{Page: page, Text: strings.Repeat("é", 255)}, ""},
		"text too long":            {roster.Query{Page: page, Text: strings.Repeat("é", 256)}, "query"},
		"text not UTF-8":           {roster.Query{Page: page, Text: "\xff"}, "query"},
		"text that was not UTF-8":  {roster.Query{Page: page, Text: "a\ufffd"}, "query"},
		"no limit":                 {roster.Query{}, "limit"},
		"limit too large":          {roster.Query{Page: roster.Page{Limit: 1001}}, "limit"},
		"negative offset":          {roster.Query{Page: roster.Page{Limit: 1, Offset: -1}}, "offset"},
		"offset and cursor":        {roster.Query{Page: roster.Page{Limit: 1, Offset: 1, Start: 4}}, "offset"},
		"cursor by name":           {roster.Query{Page: roster.Page{Limit: 1, End: 4}, Sort: []roster.Sort{{Field: roster.FieldName}}}, "sort"},
		"cursor by id":             {roster.Query{Page: roster.Page{Limit: 1, End: 4}, Sort: []roster.Sort{{Field: roster.FieldID, Descending: true}}}, ""},
		"unknown sort":             {roster.Query{Page: page, Sort: []roster.Sort{{}}}, "sort"},
		"ranked":                   {roster.Query{Page: page, Sort: []roster.Sort{{Field: roster.FieldStatus, Ranks: map[int64]int{1: -1}}, {Field: roster.FieldMainRole, Ranks: map[int64]int{}}}}, ""},
		"ranked by what it cannot": {roster.Query{Page: page, Sort: []roster.Sort{{Field: roster.FieldRole, Ranks: map[int64]int{1: -1}}}}, "sort"},
		"good filter":              {roster.Query{Page: page, Filters: []roster.Filter{{Field: roster.FieldName, Operator: roster.Matches, Values: []roster.Value{{Text: "^A"}}}}}, ""},
		"bad pattern":              {roster.Query{Page: page, Filters: []roster.Filter{{Field: roster.FieldName, Operator: roster.Matches, Values: []roster.Value{{Text: "("}}}}}, "name"},
		"patterns one by one":      {roster.Query{Page: page, Filters: []roster.Filter{matching("a{60}"), matching("b{60}"), matching("c{60}")}}, ""},
		"patterns add up":          {roster.Query{Page: page, Filters: []roster.Filter{{Any: []roster.Filter{matching("a{100}"), matching("b{100}")}}}}, "filter must have simpler patterns"},
		"pattern of many steps":    {roster.Query{Page: page, Filters: []roster.Filter{matching(".{0,999}x")}}, "filter must have simpler patterns"},
		"nested repetition":        {roster.Query{Page: page, Filters: []roster.Filter{matching("(a{1000}){1000}")}}, "name must match a valid RE2 pattern"},
		"stars in stars":           {roster.Query{Page: page, Filters: []roster.Filter{matching("(((a*)*)*)*")}}, ""},
		"long pattern":             {roster.Query{Page: page, Filters: []roster.Filter{matching(strings.Repeat("a", 501))}}, "name must match a pattern of at most 500 bytes"},
		"prefix of a number":       {roster.Query{Page: page, Filters: []roster.Filter{{Field: roster.FieldID, Operator: roster.HasPrefix, Values: []roster.Value{{Text: "1"}}}}}, "id"},
		"two values":               {roster.Query{Page: page, Filters: []roster.Filter{{Field: roster.FieldID, Operator: roster.Equal, Values: make([]roster.Value, 2)}}}, "id"},
		"null with a value":        {roster.Query{Page: page, Filters: []roster.Filter{{Field: roster.FieldID, Operator: roster.IsNull, Values: make([]roster.Value, 1)}}}, "id"},
		"unknown field":            {roster.Query{Page: page, Filters: []roster.Filter{{Field: 99, Operator: roster.Equal}}}, "filter"},
		"unknown operator":         {roster.Query{Page: page, Filters: []roster.Filter{{Field: roster.FieldID, Operator: 99}}}, "id"},
		"too many conditions":      {roster.Query{Page: page, Filters: []roster.Filter{{Any: make([]roster.Filter, 101)}}}, "filter"},
		"all, any and a condition": {roster.Query{Page: page, Filters: []roster.Filter{{Field: roster.FieldID, Any: []roster.Filter{{Field: roster.FieldID, Operator: roster.IsNull}}}}}, "filter"},
	} {
		err := c.query.Validate()
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: Validate() = %v, want nil", name, err)
			}
			continue
		}
		if roster.KindOf(err) != roster.KindInvalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Validate() = %v, want an invalid error naming %s", name, err, c.want)
		}
	}
}

func matching(pattern string) roster.Filter {
	return roster.Filter{Field: roster.FieldName, Operator: roster.Matches, Values: []roster.Value{{Text: pattern}}}
}

func TestEveryFieldHasAName(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range roster.Fields() {
		if n := f.String(); n == "" || seen[n] {
			t.Errorf("field %d is called %q, want a name of its own", f, n)
		} else {
			seen[n] = true
		}
	}
}
