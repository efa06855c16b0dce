package dynamo

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads a JSON text in one pass, without building anything in between. Strings that it returns are parts of the
// text, except for the rare ones with escapes in them.
//
// The first violation of the syntax, or of what is expected next, ends it: err is set and nothing is read any more, so
// callers check err at the end instead of everywhere. A value that is well-formed but of the wrong type is only noted in
// mismatch, and skipped: whether it matters depends on the item that it is in, which may turn out to be one to leave out.
type scanner struct {
	text     string
	pos      int
	err      error
	mismatch error
}

// fail ends the scan.
func (s *scanner) fail(want string) {
	if s.err == nil {
		s.err = fmt.Errorf("byte %d of %d of the answer: want %s", s.pos, len(s.text), want)
	}
	s.pos = len(s.text)
}

// peek returns the next byte that is no white space, without taking it; 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take takes c, which must be next.
func (s *scanner) take(c byte) {
	if s.peek() != c {
		s.fail("'" + string(rune(c)) + "'")
		return
	}
	s.pos++
}

// object calls member for each member of the object that must be next. member must read the value.
func (s *scanner) object(member func(name string)) {
	s.take('{')
	for first := true; s.more('}', first); first = false {
		name := s.string()
		s.take(':')
		if s.err != nil {
			return
		}
		member(name)
	}
}

// array calls element for each element of the array that must be next. element must read the value.
func (s *scanner) array(element func()) {
	s.take('[')
	for first := true; s.more(']', first); first = false {
		element()
	}
}

// more reports whether another member follows, and takes the comma before it, or the end.
func (s *scanner) more(end byte, first bool) bool {
	if s.err != nil {
		return false
	}
	switch c := s.peek(); {
	case c == end:
		s.pos++
		return false
	case first:
		return true
	case c == ',':
		s.pos++
		return true
	default:
		s.fail("',' or '" + string(rune(end)) + "'")
		return false
	}
}

// string reads a string.
func (s *scanner) string() string {
	if s.peek() != '"' {
		s.fail("a string")
		return ""
	}
	start := s.pos + 1
	rest := s.text[start:]
	for i := range len(rest) {
		switch c := rest[i]; {
		case c == '"':
			s.pos = start + i + 1
			return rest[:i]
		case c == '\\':
			return s.escaped(start, start+i)
		case c < ' ':
			s.pos = start + i
			s.fail("no control character")
			return ""
		}
	}
	s.pos = len(s.text)
	s.fail("the end of a string")
	return ""
}

// escaped reads the rest of a string that began at start and has its first backslash at i.
func (s *scanner) escaped(start, i int) string {
	var b strings.Builder
	b.WriteString(s.text[start:i])
	for i < len(s.text) {
		c := s.text[i]
		switch {
		case c == '"':
			s.pos = i + 1
			return b.String()
		case c < ' ':
			s.pos = i
			s.fail("no control character")
			return ""
		case c != '\\':
			b.WriteByte(c)
			i++
		default:
			n := unescape(&b, s.text[i:])
			if n == 0 {
				s.pos = i
				s.fail("an escape sequence")
				return ""
			}
			i += n
		}
	}
	s.pos = len(s.text)
	s.fail("the end of a string")
	return ""
}

// unescape writes the character that text begins with the escape sequence of, and returns the length of the sequence, 0
// if it is none. A surrogate without its partner becomes U+FFFD, as in encoding/json.
func unescape(b *strings.Builder, text string) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/':
		b.WriteByte(text[1])
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u':
		return unescapeRune(b, text)
	default:
		return 0
	}
	return 2
}

func unescapeRune(b *strings.Builder, text string) int {
	r, ok := hexRune(text)
	if !ok {
		return 0
	}
	if utf16.IsSurrogate(r) {
		if low, ok := hexRune(text[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				b.WriteRune(pair)
				return 12
			}
		}
		r = utf8.RuneError
	}
	b.WriteRune(r)
	return 6
}

// hexRune reads \uXXXX at the beginning of text.
func hexRune(text string) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(text[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// literal takes a word such as true or a number, as far as it goes.
func (s *scanner) literal() string {
	s.peek()
	start := s.pos
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '+', c == '.', c == 'E':
			s.pos++
			continue
		}
		break
	}
	if s.pos == start {
		s.fail("a value")
	}
	return s.text[start:s.pos]
}

// maxNesting bounds how deep skip goes. DynamoDB nests attributes 32 deep, each in two levels of JSON.
const maxNesting = 200

// skip reads a value of any type and forgets it.
func (s *scanner) skip() { s.skipWithin(maxNesting) }

func (s *scanner) skipWithin(nesting int) {
	if nesting == 0 {
		s.fail("a value nested less deeply")
		return
	}
	switch s.peek() {
	case '"':
		s.string()
	case '{':
		s.object(func(string) { s.skipWithin(nesting - 1) })
	case '[':
		s.array(func() { s.skipWithin(nesting - 1) })
	default:
		s.literal()
	}
}

// What follows reads attribute values: objects of one member that is named for the type of its value, as in {"S":"x"}. A
// NULL reads as the zero value of what is wanted, like in package attributevalue.

// open begins an attribute value and returns the name of its type.
func (s *scanner) open() string {
	// DynamoDB sends no white space, and the types that most attributes have are a letter long.
	if rest := s.text[s.pos:]; len(rest) > 5 && rest[0] == '{' && rest[1] == '"' && rest[2] >= 'A' && rest[2] <= 'Z' && rest[3] == '"' && rest[4] == ':' {
		s.pos += 5
		return rest[2:3]
	}
	s.take('{')
	typ := s.string()
	s.take(':')
	return typ
}

// wrong skips the value of an attribute whose type is not the one wanted, up to its closing brace.
func (s *scanner) wrong(typ, want string) {
	s.skip()
	if typ != "NULL" && s.mismatch == nil && s.err == nil {
		s.mismatch = fmt.Errorf("an attribute is of type %s, want %s", typ, want)
	}
}

// stringValue reads an attribute value of type S.
func (s *scanner) stringValue() string {
	typ := s.open()
	var value string
	if typ == "S" {
		value = s.string()
	} else {
		s.wrong(typ, "S")
	}
	s.take('}')
	return value
}

// boolValue reads an attribute value of type BOOL.
func (s *scanner) boolValue() bool {
	typ := s.open()
	var value bool
	if typ == "BOOL" {
		switch word := s.literal(); word {
		case "true", "false":
			value = word == "true"
		default:
			s.fail("true or false")
		}
	} else {
		s.wrong(typ, "BOOL")
	}
	s.take('}')
	return value
}

// numberValue reads an attribute value of type N that is an integer between least and most.
func (s *scanner) numberValue(least, most int64) int64 {
	typ := s.open()
	var value int64
	if typ == "N" {
		digits := s.string()
		n, ok := parseInteger(digits)
		if ok && least <= n && n <= most {
			value = n
		} else if s.mismatch == nil && s.err == nil {
			s.mismatch = fmt.Errorf("the number %s is no integer between %d and %d", digits, least, most)
		}
	} else {
		s.wrong(typ, "N")
	}
	s.take('}')
	return value
}

func (s *scanner) int32Value() int32 { return int32(s.numberValue(math.MinInt32, math.MaxInt32)) }
func (s *scanner) int64Value() int64 { return s.numberValue(math.MinInt64, math.MaxInt64) }

// listValue reads an attribute value of type L, whose elements are attribute values for element to read.
func (s *scanner) listValue(element func()) {
	typ := s.open()
	if typ == "L" {
		s.array(element)
	} else {
		s.wrong(typ, "L")
	}
	s.take('}')
}

// mapValue reads an attribute value of type M, whose members are attribute values for member to read.
func (s *scanner) mapValue(member func(name string)) {
	typ := s.open()
	if typ == "M" {
		s.object(member)
	} else {
		s.wrong(typ, "M")
	}
	s.take('}')
}

// parseInteger is strconv.ParseInt(digits, 10, 64) without its error, which would have to copy the text.
func parseInteger(digits string) (int64, bool) {
	negative := false
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		negative = digits[0] == '-'
		digits = digits[1:]
	}
	if digits == "" || len(digits) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if negative {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n <= math.MaxInt64
}
