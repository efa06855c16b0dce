package global

import (
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// span is the moments that a text stands for, in Unix milliseconds: those of a second, which is all that users are shown of a
// moment, or those of a day.
type span struct{ first, last int64 }

// spanOf reads a date and time of RFC 3339 without a fraction of a second, or a date, which is that of UTC.
func spanOf(text string) (span, bool) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return span{t.UnixMilli(), t.AddDate(0, 0, 1).UnixMilli() - 1}, true
	}
	// Parse takes a fraction whether or not the form has one, and an hour of one digit.
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || len(text) != len(timeForm) && len(text) != len("2006-01-02T15:04:05+00:00") || strings.ContainsAny(text, ".,") {
		return span{}, false
	}
	return span{t.UnixMilli(), t.UnixMilli() + 999}, true
}

// compareMoments returns the condition of an operator with moments. "Never" differs from every moment, and is neither before nor
// behind one.
func compareMoments(k key, o operator, list []value) roster.Filter {
	in, out := roster.Filter{}, roster.Filter{}
	for i := range list {
		s, _ := spanOf(list[i].text)
		in.Any = append(in.Any, roster.Filter{All: []roster.Filter{k.moment(roster.GreaterOrEqual, s.first), k.moment(roster.LessOrEqual, s.last)}})
		out.All = append(out.All, roster.Filter{Any: []roster.Filter{k.moment(roster.Less, s.first), k.moment(roster.Greater, s.last)}})
	}
	if len(list) == 0 { // one of no moments, or none of no moments
		return roster.Filter{Field: k.field, Operator: o.core}
	}
	first, _ := spanOf(list[0].text)
	switch o.core {
	case roster.Equal, roster.In:
		return joined(in)
	case roster.NotEqual, roster.NotIn:
		return joined(out) // "never" is less than any moment
	case roster.Greater:
		return k.moment(o.core, first.last)
	case roster.GreaterOrEqual:
		return k.moment(o.core, first.first)
	case roster.Less:
		return there(k.moment(o.core, first.first))
	default: // LessOrEqual
		return there(k.moment(o.core, first.last))
	}
}

// moment returns a comparison of the key with one moment, for package roster.
func (k key) moment(o roster.Operator, unix int64) roster.Filter {
	return roster.Filter{Field: k.field, Operator: o, Values: []roster.Value{{Number: unix}}}
}
