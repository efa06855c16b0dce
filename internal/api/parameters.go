package api

import (
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rosterhq/roster/internal/roster"
)

// rule is what the document says of one query, path or header parameter. huma reads parameters leniently: it takes the first
// of several values, an empty one for none, a wrong percent-encoding for nothing, and 1, t and TRUE for true. So the
// same document is enforced here first, by the letter, and huma gets the values that passed.
type rule struct {
	name     string
	in       string // query, path or header
	required bool
	list     bool // may hold several values
	explode  bool // a list that repeats the name, rather than putting commas between values
	value    valueRule
}

// valueRule is what the document says of one value.
type valueRule struct {
	kind                 string // a JSON Schema type
	least, most          int64  // of an integer
	minLength, maxLength int    // of a string, in characters; -1 for no limit
	enum                 []string
	pattern              *regexp.Regexp // nil for none
	patternSays          string         // what matches it
}

// choosesPath reports whether the parameter's values are paths of the document, one by one.
func (r *rule) choosesPath() bool { return r.in == "path" && r.value.enum != nil }

// rulesOf returns the rules for the operation's parameters.
func rulesOf(parameters []*huma.Param) []rule {
	var rules []rule
	for _, p := range parameters {
		r := rule{name: p.Name, in: p.In, required: p.Required}
		schema := p.Schema
		if schema.Type == huma.TypeArray {
			r.list, r.explode = true, p.Explode == nil || *p.Explode
			schema = schema.Items
		}
		r.value = valueRuleOf(schema)
		if schema.Pattern != "" {
			r.value.pattern, r.value.patternSays = regexp.MustCompile(schema.Pattern), schema.PatternDescription
		}
		rules = append(rules, r)
	}
	return rules
}

// valueRuleOf returns the rule for a value, but for its pattern: what may be in the texts of a body is for those who read it.
func valueRuleOf(s *huma.Schema) valueRule {
	v := valueRule{kind: s.Type, least: math.MinInt64, most: math.MaxInt64, minLength: -1, maxLength: -1}
	if s.Format == "int32" {
		v.least, v.most = math.MinInt32, math.MaxInt32
	}
	if s.Minimum != nil {
		v.least = max(v.least, int64(*s.Minimum))
	}
	if s.Maximum != nil {
		v.most = min(v.most, int64(*s.Maximum))
	}
	if s.MinLength != nil {
		v.minLength = *s.MinLength
	}
	if s.MaxLength != nil {
		v.maxLength = *s.MaxLength
	}
	for _, e := range s.Enum {
		if text, ok := e.(string); ok {
			v.enum = append(v.enum, text)
		}
	}
	return v
}

// broken returns the rule that the value breaks, as the second half of a sentence that starts with the parameter's name,
// and an empty string if it breaks none.
func (v *valueRule) broken(value string) string {
	switch v.kind {
	case huma.TypeInteger:
		return v.brokenInteger(value)
	case huma.TypeNumber:
		if f, err := strconv.ParseFloat(value, 64); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return "must be a number"
		}
	case huma.TypeBoolean:
		if value != "true" && value != "false" {
			return "must be true or false"
		}
	case huma.TypeString:
		return v.brokenString(value)
	}
	return ""
}

func (v *valueRule) brokenInteger(value string) string {
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "must be an integer"
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err == nil && n >= v.least && n <= v.most {
		return ""
	}
	return "must be between " + strconv.FormatInt(v.least, 10) + " and " + strconv.FormatInt(v.most, 10)
}

func (v *valueRule) brokenString(value string) string {
	if !utf8.ValidString(value) {
		return "must be valid UTF-8"
	}
	if v.enum != nil {
		if slices.Contains(v.enum, value) {
			return ""
		}
		return "must be one of " + strings.Join(v.enum, ", ")
	}
	n := utf8.RuneCountInString(value)
	if n >= v.minLength && (v.maxLength < 0 || n <= v.maxLength) {
		if v.pattern != nil && !v.pattern.MatchString(value) {
			return "must be " + v.patternSays
		}
		return ""
	}
	switch {
	case v.maxLength < 0:
		return "must have at least " + strconv.Itoa(v.minLength) + " characters"
	case v.minLength < 1:
		return "must have at most " + strconv.Itoa(v.maxLength) + " characters"
	default:
		return "must have " + strconv.Itoa(v.minLength) + " to " + strconv.Itoa(v.maxLength) + " characters"
	}
}

// pair is one decoded name=value of a query string.
type pair struct{ name, value string }

// parseQuery appends the pairs of a query string to pairs. Only & separates pairs (WHATWG URL, section 5.1); a semicolon
// is data. What is not percent-encoded correctly is noted in errs, by name where the name belongs to one of the rules.
func parseQuery(pairs []pair, raw string, rules []rule, errs *roster.FieldErrors) []pair {
	for raw != "" {
		var text string
		text, raw, _ = strings.Cut(raw, "&")
		if text == "" {
			continue
		}
		encodedName, encodedValue, _ := strings.Cut(text, "=")
		name, nameErr := url.QueryUnescape(encodedName)
		value, valueErr := url.QueryUnescape(encodedValue)
		if nameErr == nil && valueErr == nil {
			pairs = append(pairs, pair{name, value})
			continue
		}
		// A name that is not ours is not repeated: an error message says nothing that only the caller wrote.
		if nameErr != nil || !slices.ContainsFunc(rules, func(r rule) bool { return r.in == "query" && r.name == name }) {
			name = "query string"
		}
		errs.Add(name, "must be percent-encoded correctly")
	}
	return pairs
}

// check notes in errs what is wrong with the rule's parameter in the query.
func (r *rule) check(pairs []pair, errs *roster.FieldErrors) {
	given := 0
	for i := range pairs {
		if pairs[i].name != r.name {
			continue
		}
		given++
		if given == 2 && !r.explode {
			errs.Add(r.name, "must be given once")
			return
		}
		r.checkValue(pairs[i].value, errs)
	}
	if given == 0 && r.required {
		errs.Add(r.name, "is required")
	}
}

// checkHeader notes in errs what is wrong with the rule's header, which has those lines.
func (r *rule) checkHeader(lines []string, errs *roster.FieldErrors) {
	switch {
	case len(lines) == 0 && r.required:
		errs.Add(r.name, "is required")
	case len(lines) > 1 && r.value.limited():
		errs.Add(r.name, "must be given once")
	case len(lines) == 1:
		r.checkValue(lines[0], errs)
	}
}

// limited reports whether the document says anything of a text but that it is one.
func (v *valueRule) limited() bool {
	return v.minLength >= 0 || v.maxLength >= 0 || v.pattern != nil || v.enum != nil
}

func (r *rule) checkValue(value string, errs *roster.FieldErrors) {
	if !r.list || r.explode {
		if broken := r.value.broken(value); broken != "" {
			errs.Add(r.name, broken)
		}
		return
	}
	for part := range strings.SplitSeq(value, ",") {
		if broken := r.value.broken(part); broken != "" {
			errs.Add(r.name, broken)
			return
		}
	}
}
