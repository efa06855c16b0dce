package global

import (
	"errors"
	"strconv"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// This file turns the parameters called filter into conditions of package roster. A parameter is key:value, which is equality and
// ends at nothing, or a key and its conditions in JSON5: an object, all of whose operators hold, or an array of objects, one of
// which does. What is wrong is reported by the place it is at, such as filter[0].created_at.from.

// key is what a filter is about.
type key struct {
	name  string
	field roster.Field
	of    values
}

// values is what the values of a key are.
type values uint8

const (
	integers values = iota
	texts
	booleans
	moments
)

// keys are all keys, in the order of the description.
var keys = []key{
	{"id", roster.FieldID, integers}, {"name", roster.FieldName, texts}, {"email", roster.FieldEmail, texts},
	{"username", roster.FieldUsername, texts}, {"is_active", roster.FieldStatus, booleans},
	{"created_at", roster.FieldCreatedAt, moments}, {"last_login_at", roster.FieldLastLoginAt, moments},
}

// operator is a way to compare.
type operator struct {
	name string
	core roster.Operator
	// takes says which values it compares.
	takes []values
}

// operators are all operators, in the order of the description.
var operators = []operator{
	{"eq", roster.Equal, []values{integers, texts, booleans, moments}}, {"neq", roster.NotEqual, []values{integers, texts, booleans, moments}},
	{"starts", roster.HasPrefix, []values{texts}},
	{"gt", roster.Greater, []values{integers, texts, moments}}, {"lt", roster.Less, []values{integers, texts, moments}},
	{"gteq", roster.GreaterOrEqual, []values{integers, texts, moments}}, {"lteq", roster.LessOrEqual, []values{integers, texts, moments}},
	{"from", roster.GreaterOrEqual, []values{integers, texts, moments}}, {"to", roster.LessOrEqual, []values{integers, texts, moments}},
	{"in", roster.In, []values{integers, texts, booleans, moments}}, {"nin", roster.NotIn, []values{integers, texts, booleans, moments}},
	{"null", roster.IsNull, []values{integers, texts, booleans, moments}}, {"notnull", roster.IsNotNull, []values{integers, texts, booleans, moments}},
	{"regex", roster.Matches, []values{texts}},
}

// maxFilterErrors is how many broken rules one answer names.
const maxFilterErrors = 20

// filterReader reads filters.
type filterReader struct {
	// deleted says that the users asked for are deleted ones, none of whom is active.
	deleted bool
	errs    roster.FieldErrors
}

// filtersOf returns the conditions of all filters, on users who are deleted or who stand.
func filtersOf(parameters []string, deleted bool, errs *roster.FieldErrors) []roster.Filter {
	r := filterReader{deleted: deleted}
	var filters []roster.Filter
	for i, text := range parameters {
		if f, ok := r.parameter("filter["+strconv.Itoa(i)+"]", text); ok {
			filters = append(filters, f)
		}
	}
	*errs = append(*errs, r.errs...)
	return filters
}

// broken notes what is wrong at a place.
func (r *filterReader) broken(at, message string) (roster.Filter, bool) {
	if len(r.errs) < maxFilterErrors {
		r.errs.Add(at, message)
	}
	return roster.Filter{}, false
}

// parameter reads one filter.
func (r *filterReader) parameter(at, text string) (roster.Filter, bool) {
	end := strings.IndexAny(text, ":{[")
	if end < 0 {
		return r.broken(at, "must be of the form key:value, key{conditions} or key[alternatives]")
	}
	k, ok := keyNamed(text[:end])
	if !ok {
		return r.broken(at, "must begin with one of the keys "+keyNames())
	}
	at += "." + k.name
	if text[end] == ':' {
		return r.condition(at, k, operators[0], literal(k, text[end+1:]))
	}
	v, err := parseJSON5(text[end:])
	if err != nil {
		return r.broken(at, "must be valid JSON5: "+err.Error())
	}
	if v.kind == kindObject {
		return r.object(at, k, v)
	}
	return r.alternatives(at, k, v.list)
}

func keyNamed(name string) (key, bool) {
	for _, k := range keys {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

func keyNames() string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return strings.Join(names, ", ")
}

// alternatives reads objects of which one must hold.
func (r *filterReader) alternatives(at string, k key, list []value) (roster.Filter, bool) {
	if len(list) == 0 {
		return r.broken(at, "must hold at least one object")
	}
	whole := true
	var anyOf []roster.Filter
	for i, v := range list {
		place := at + "[" + strconv.Itoa(i) + "]"
		if v.kind != kindObject {
			_, whole = r.broken(place, "must be an object of operators")
			continue
		}
		f, ok := r.object(place, k, v)
		whole = whole && ok
		anyOf = append(anyOf, f)
	}
	return joined(roster.Filter{Any: anyOf}), whole
}

// object reads operators that all must hold.
func (r *filterReader) object(at string, k key, v value) (roster.Filter, bool) {
	if len(v.members) == 0 {
		return r.broken(at, "must hold at least one operator")
	}
	whole := true
	var all []roster.Filter
	seen := map[string]bool{}
	for _, m := range v.members {
		o, ok := operatorNamed(m.name, k.of)
		switch {
		case !ok:
			_, whole = r.broken(at, "must have operators of "+operatorNames(k.of))
			continue
		case seen[o.name]:
			_, whole = r.broken(at+"."+o.name, "must be given once")
			continue
		}
		seen[o.name] = true
		f, ok := r.condition(at+"."+o.name, k, o, m.value)
		whole = whole && ok
		all = append(all, f)
	}
	return joined(roster.Filter{All: all}), whole
}

// operatorNamed returns the operator of that name, if it compares such values.
func operatorNamed(name string, of values) (operator, bool) {
	for _, o := range operators {
		if o.name == name {
			return o, o.compares(of)
		}
	}
	return operator{}, false
}

func (o *operator) compares(of values) bool {
	for _, v := range o.takes {
		if v == of {
			return true
		}
	}
	return false
}

func operatorNames(of values) string {
	var names []string
	for i := range operators {
		if operators[i].compares(of) {
			names = append(names, operators[i].name)
		}
	}
	return strings.Join(names, ", ")
}

// joined returns the condition without All or Any around a single one.
func joined(f roster.Filter) roster.Filter {
	switch {
	case len(f.All) == 1:
		return f.All[0]
	case len(f.Any) == 1:
		return f.Any[0]
	default:
		return f
	}
}

// literal reads the value of key:value. What is no value of the key becomes one of another kind, which condition refuses.
func literal(k key, text string) value {
	switch {
	case k.of == integers && text != "" && strings.Trim(strings.TrimPrefix(text, "-"), "0123456789") == "":
		return value{kind: kindNumber, text: text}
	case k.of == booleans && (text == "true" || text == "false"):
		return value{kind: kindBool, on: text == "true"}
	default:
		return value{kind: kindString, text: text}
	}
}

// condition reads one operator and what it compares with.
func (r *filterReader) condition(at string, k key, o operator, v value) (roster.Filter, bool) {
	switch o.core {
	case roster.IsNull, roster.IsNotNull:
		if v.kind != kindBool {
			return r.broken(at, "must be true or false")
		}
		if v.on == (o.core == roster.IsNull) {
			return roster.Filter{Field: k.field, Operator: roster.IsNull}, true
		}
		return roster.Filter{Field: k.field, Operator: roster.IsNotNull}, true
	case roster.In, roster.NotIn:
		if v.kind != kindArray {
			return r.broken(at, "must be an array")
		}
		whole := true
		for i := range v.list {
			if broken := k.of.broken(&v.list[i]); broken != "" {
				_, whole = r.broken(at+"["+strconv.Itoa(i)+"]", broken)
			}
		}
		if !whole {
			return roster.Filter{}, false
		}
		return r.compare(at, k, o, v.list)
	}
	if broken := k.of.broken(&v); broken != "" {
		return r.broken(at, broken)
	}
	return r.compare(at, k, o, []value{v})
}

// broken returns what a value of that kind must be, if v is none.
func (of values) broken(v *value) string {
	switch of {
	case integers:
		if v.kind == kindNumber && !v.finite() {
			return "must not be NaN or infinite"
		}
		if _, ok := v.integer(); v.kind != kindNumber || !ok {
			return "must be an integer between -9007199254740991 and 9007199254740991, without a fraction or exponent"
		}
	case texts:
		if v.kind != kindString {
			return "must be a string"
		}
	case booleans:
		if v.kind != kindBool {
			return "must be true or false"
		}
	case moments:
		if _, ok := spanOf(v.text); v.kind != kindString || !ok {
			return "must be a string with a date and time such as 2017-07-21T17:32:28Z, or a date such as 2017-07-21"
		}
	}
	return ""
}

// compare returns the condition of an operator with values that the key has, of which there is one unless it takes a list.
func (r *filterReader) compare(at string, k key, o operator, list []value) (roster.Filter, bool) {
	switch k.of {
	case integers:
		f := roster.Filter{Field: k.field, Operator: o.core}
		for i := range list {
			n, _ := list[i].integer()
			f.Values = append(f.Values, roster.Value{Number: n})
		}
		return f, true
	case booleans:
		return r.active(o, list), true
	case moments:
		return compareMoments(k, o, list), true
	default:
		return r.compareTexts(at, k, o, list)
	}
}

// compareTexts returns the condition of an operator with texts. A text that is absent differs from every text, and is neither before
// nor behind one: who has no user name has not the empty one either.
func (r *filterReader) compareTexts(at string, k key, o operator, list []value) (roster.Filter, bool) {
	f := roster.Filter{Field: k.field, Operator: o.core}
	for i := range list {
		f.Values = append(f.Values, roster.Value{Text: list[i].text})
	}
	switch o.core {
	case roster.Equal, roster.NotEqual, roster.In, roster.NotIn:
		return withoutEmpty(f), true
	case roster.Matches:
		if broken := brokenPattern(f); broken != "" {
			return r.broken(at, broken)
		}
		if k.field == roster.FieldEmail { // addresses are the same in upper and lower case
			f.Values[0].Text = "(?i)" + f.Values[0].Text
			if broken := brokenPattern(f); broken != "" {
				return r.broken(at, broken)
			}
		}
	}
	if k.field == roster.FieldUsername {
		return there(f), true
	}
	return f, true
}

// withoutEmpty returns an equality without the empty text, which nobody has: for package roster, that is an absent one.
func withoutEmpty(f roster.Filter) roster.Filter {
	some := f.Values[:0]
	for _, v := range f.Values {
		if v.Text != "" {
			some = append(some, v)
		}
	}
	switch {
	case len(some) == len(f.Values):
	case f.Operator == roster.Equal:
		f.Operator = roster.In
	case f.Operator == roster.NotEqual:
		f.Operator = roster.NotIn
	}
	f.Values = some
	return f
}

// there returns the condition that a field is there and f holds.
func there(f roster.Filter) roster.Filter {
	return roster.Filter{All: []roster.Filter{{Field: f.Field, Operator: roster.IsNotNull}, f}}
}

// brokenPattern returns the rule of package roster that a pattern breaks.
func brokenPattern(f roster.Filter) string {
	q := roster.Query{Filters: []roster.Filter{f}, Page: roster.Page{Limit: 1}}
	if e, ok := errors.AsType[*roster.Error](q.Validate()); ok && len(e.Fields) > 0 {
		return e.Fields[0].Message
	}
	return ""
}

// active returns the condition that users are active, are not, either or neither.
func (r *filterReader) active(o operator, list []value) roster.Filter {
	var wanted [2]bool // not active, active
	for i := range list {
		if list[i].on {
			wanted[1] = true
		} else {
			wanted[0] = true
		}
	}
	if o.core == roster.NotEqual || o.core == roster.NotIn {
		wanted[0], wanted[1] = !wanted[0], !wanted[1]
	}
	statuses := []roster.Value{{Number: int64(roster.StatusActive)}, {Number: int64(roster.StatusInactive)}} // see canLogIn
	if r.deleted {
		statuses = nil
	}
	switch {
	case wanted[0] && wanted[1]:
		return roster.Filter{Field: roster.FieldStatus, Operator: roster.NotIn}
	case wanted[1]:
		return roster.Filter{Field: roster.FieldStatus, Operator: roster.In, Values: statuses}
	case wanted[0]:
		return roster.Filter{Field: roster.FieldStatus, Operator: roster.NotIn, Values: statuses}
	default:
		return roster.Filter{Field: roster.FieldStatus, Operator: roster.In}
	}
}
