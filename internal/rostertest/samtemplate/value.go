package samtemplate

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

type kind uint8

const (
	absent kind = iota // not in the template, or AWS::NoValue
	scalar
	list
	mapping
	opaque // an intrinsic function that is not evaluated here, named by text: no harm unless the value is asked for
)

// value is a part of the template after its intrinsic functions have been evaluated.
type value struct {
	line   int
	kind   kind
	text   string
	items  []value
	names  []string // of the fields, in the template's order
	fields map[string]value
}

// get returns the part at the end of the path of names, absent if there is none.
func (v value) get(path ...string) value {
	for _, name := range path {
		next := v.fields[name]
		if next.kind == absent && next.line == 0 {
			next.line = v.line
		}
		v = next
	}
	return v
}

// set returns v with the field name set to field.
func (v value) set(name string, field value) value {
	if v.kind != mapping {
		v = value{line: field.line, kind: mapping}
	}
	if _, there := v.fields[name]; !there {
		v.names = append(slices.Clone(v.names), name)
	}
	v.fields = maps.Clone(v.fields)
	if v.fields == nil {
		v.fields = map[string]value{}
	}
	v.fields[name] = field
	return v
}

// over returns v laid over the defaults below as SAM lays a resource over Globals: fields join, lists follow one another,
// and of two scalars v's counts.
func (v value) over(below value) value {
	switch {
	case v.kind == absent:
		return below
	case v.kind == mapping && below.kind == mapping:
		for _, name := range below.names {
			v = v.set(name, v.fields[name].over(below.fields[name]))
		}
	case v.kind == list && below.kind == list:
		v.items = slices.Concat(below.items, v.items)
	}
	return v
}

// texts returns what v holds as text: one for a scalar, one for each item of a list of scalars.
func (r *reader) texts(v value, what string) []string {
	switch v.kind {
	case absent:
		return nil
	case list:
	case mapping:
		r.fail(v.line, "%s must be a list", what)
		return nil
	default:
		return []string{r.text(v, what)}
	}
	var texts []string
	for _, item := range v.items {
		texts = append(texts, r.text(item, what))
	}
	return texts
}

// text returns a scalar's text, empty where there is none.
func (r *reader) text(v value, what string) string {
	switch v.kind {
	case absent, scalar:
		return v.text
	case opaque:
		r.fail(v.line, "%s needs the intrinsic function %s, which is not known here", what, v.text)
	default:
		r.fail(v.line, "%s must be a single value", what)
	}
	return ""
}

// needText returns a scalar's text and reports its absence.
func (r *reader) needText(v value, what string) string {
	text := r.text(v, what)
	if v.kind == absent || v.kind == scalar && text == "" {
		r.fail(v.line, "%s is required", what)
	}
	return text
}

// number returns a scalar's integer, byDefault where there is none.
func (r *reader) number(v value, what string, byDefault int) int {
	text := r.text(v, what)
	if v.kind != scalar {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		r.fail(v.line, "%s must be a whole number, not %q", what, text)
	}
	return n
}

// flag returns a scalar's boolean, false where there is none.
func (r *reader) flag(v value, what string) bool {
	switch text := r.text(v, what); strings.ToLower(text) {
	case "true":
		return true
	case "false", "":
		return false
	default:
		r.fail(v.line, "%s must be true or false, not %q", what, text)
		return false
	}
}

// oneOf returns a scalar's text, and reports one that is not among the choices.
func (r *reader) oneOf(v value, what string, choices ...string) string {
	text := r.needText(v, what)
	if text != "" && !slices.Contains(choices, text) {
		r.fail(v.line, "%s must be one of %s, not %q", what, strings.Join(choices, ", "), text)
	}
	return text
}
