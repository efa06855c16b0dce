package replica

import (
	"bytes"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/rosterhq/roster/internal/roster"
)

// textCondition makes a filter on a text ready. Operators that compare by fold look at the folded text alone; the others
// need the text as written, which is put together only for rows whose fold does not rule them out already.
func (q *query) textCondition(f *roster.Filter) condition {
	if f.Field == roster.FieldCountry {
		return q.countryCondition(f)
	}
	folded := f.Field == roster.FieldName || f.Field == roster.FieldEmail
	switch f.Operator {
	case roster.Matches:
		pattern := regexp.MustCompile(f.Values[0].Text) // Query.Validate has compiled it
		return q.writtenCondition(costPattern, f.Field, pattern.Match)
	case roster.Equal, roster.NotEqual, roster.In, roster.NotIn:
		if !folded {
			return q.writtenCondition(costPacked, f.Field, sameText(f))
		}
		return q.equalCondition(f)
	}
	test := foldTest(f)
	if folded {
		return q.rowCondition(costText, func(s *segment, row uint32) bool {
			return test(foldedText(s, row, f.Field))
		})
	}
	var scratch []byte
	return q.writtenCondition(costPacked, f.Field, func(text []byte) bool {
		scratch = appendFold(scratch[:0], text)
		return test(scratch)
	})
}

// countryCondition tests each country once, not each user.
func (q *query) countryCondition(f *roster.Filter) condition {
	holds := func(country string) bool { return foldTest(f)(roster.AppendFold(nil, country)) }
	switch f.Operator {
	case roster.Matches:
		holds = regexp.MustCompile(f.Values[0].Text).MatchString
	case roster.Equal, roster.NotEqual, roster.In, roster.NotIn:
		same := sameText(f)
		holds = func(country string) bool { return same([]byte(country)) }
	}
	return q.tableCondition(countryColumn, len(q.countries), func(i int) bool { return holds(q.countries[i]) })
}

// writtenCondition tests a text of each row as its owner writes it.
func (q *query) writtenCondition(c cost, field roster.Field, test func(text []byte) bool) condition {
	var scratch []byte
	return q.rowCondition(c, func(s *segment, row uint32) bool {
		scratch = s.written(scratch[:0], row, field)
		return test(scratch)
	})
}

// equalCondition compares names and e-mails with given values. Equal names have equal folds. Equal addresses (Email.Key)
// do too, as long as value and address are ASCII once folded; the few others are all compared in full.
func (q *query) equalCondition(f *roster.Filter) condition {
	same, email := sameText(f), f.Field == roster.FieldEmail
	folds, plain := make([][]byte, len(f.Values)), true
	for i, v := range f.Values {
		text := v.Text
		if email {
			text = roster.Email(v.Text).Key()
		}
		folds[i] = roster.AppendFold(nil, text)
		plain = plain && isASCII([]byte(text))
	}
	slices.SortFunc(folds, bytes.Compare)
	negated := f.Operator == roster.NotEqual || f.Operator == roster.NotIn
	var scratch []byte
	return q.rowCondition(costText, func(s *segment, row uint32) bool {
		text := foldedText(s, row, f.Field)
		_, found := slices.BinarySearchFunc(folds, text, bytes.Compare)
		if !found && (!email || plain && isASCII(text)) {
			return negated
		}
		scratch = s.written(scratch[:0], row, f.Field)
		return same(scratch)
	})
}

// sameText returns the test of Equal, NotEqual, In and NotIn for a text as written.
func sameText(f *roster.Filter) func(text []byte) bool {
	email := f.Field == roster.FieldEmail
	set := make(map[string]struct{}, len(f.Values))
	for _, v := range f.Values {
		if email {
			set[roster.Email(v.Text).Key()] = struct{}{}
		} else {
			set[v.Text] = struct{}{}
		}
	}
	want := f.Operator == roster.Equal || f.Operator == roster.In
	return func(text []byte) bool {
		if email {
			_, ok := set[roster.Email(text).Key()]
			return ok == want
		}
		_, ok := set[string(text)]
		return ok == want
	}
}

// foldTest returns the test of the operators that compare by fold, for a folded text.
func foldTest(f *roster.Filter) func(folded []byte) bool {
	var v []byte
	if len(f.Values) == 1 {
		v = roster.AppendFold(nil, f.Values[0].Text)
	}
	switch f.Operator {
	case roster.Less:
		return func(t []byte) bool { return bytes.Compare(t, v) < 0 }
	case roster.LessOrEqual:
		return func(t []byte) bool { return bytes.Compare(t, v) <= 0 }
	case roster.Greater:
		return func(t []byte) bool { return bytes.Compare(t, v) > 0 }
	case roster.GreaterOrEqual:
		return func(t []byte) bool { return bytes.Compare(t, v) >= 0 }
	case roster.HasPrefix:
		return func(t []byte) bool { return bytes.HasPrefix(t, v) }
	case roster.IsNull:
		return func(t []byte) bool { return len(t) == 0 }
	default: // IsNotNull
		return func(t []byte) bool { return len(t) != 0 }
	}
}

// foldedText returns the folded name or e-mail of the row.
func foldedText(s *segment, row uint32, field roster.Field) []byte {
	if field == roster.FieldName {
		return firstText(s.text.at(row))
	}
	return lastText(s.text.at(row))
}

// firstText returns the first part of a row of folded text, the name.
func firstText(row []byte) []byte { return row[:bytes.IndexByte(row, separator)] }

// lastText returns the last part of a row of folded text, the e-mail.
func lastText(row []byte) []byte {
	row = row[:len(row)-1]
	return row[bytes.LastIndexByte(row, separator)+1:]
}

// appendFold appends the fold of text to dst, as roster.AppendFold does, but faster where text is ASCII.
func appendFold[T string | []byte](dst []byte, text T) []byte {
	if !isASCII(text) {
		return roster.AppendFold(dst, string(text))
	}
	n := len(dst)
	dst = append(dst, text...)
	for i, c := range dst[n:] {
		if 'A' <= c && c <= 'Z' {
			dst[n+i] = c + ('a' - 'A')
		}
	}
	return dst
}

func isASCII[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
