package main

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// fieldError is what is wrong with a line: with one field of it, or with the line as a whole when field is empty.
type fieldError struct {
	field, message string
}

// Error returns the field and what is wrong with it.
func (e *fieldError) Error() string {
	if e.field == "" {
		return e.message
	}
	return e.field + " " + e.message
}

// maxNesting bounds how deep a value may be nested, so that no line can exhaust the stack.
const maxNesting = 32

// scanner reads one line of JSON (RFC 8259) as strictly as it can be read: nothing is converted, guessed, skipped or
// taken twice. encoding/json is more lenient: it matches names without regard to case, keeps the last of two equal
// names and replaces bytes that are not UTF-8.
type scanner struct {
	data []byte
	pos  int
	path string // of the field being read
}

// fail returns an error about the field being read.
func (s *scanner) fail(message string) error { return &fieldError{s.path, message} }

// broken returns an error about the line's form.
func (s *scanner) broken(message string) error {
	return &fieldError{"", fmt.Sprintf("is not valid JSON: %s at byte %d", message, s.pos+1)}
}

// missing returns the error for something else than what must stand here.
func (s *scanner) missing(what string) error {
	if s.peek() == 0 && s.pos == len(s.data) {
		return s.broken("the line ends early")
	}
	return s.broken(what + " is missing")
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the first byte of the next token, 0 at the end of the line.
func (s *scanner) peek() byte {
	s.space()
	if s.pos == len(s.data) {
		return 0
	}
	return s.data[s.pos]
}

// accept takes the next byte if it is c.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// end returns an error unless the line is read to its end.
func (s *scanner) end() error {
	if s.peek() != 0 || s.pos < len(s.data) {
		return s.broken("more after the object")
	}
	return nil
}

// object reads an object and calls member with each name, to read the value. member reports false for a name it does
// not know.
func (s *scanner) object(member func(name string) (known bool, err error)) error {
	if err := s.expect('{', "an object"); err != nil {
		return err
	}
	if s.accept('}') {
		return nil
	}
	outer := s.path
	defer func() { s.path = outer }()
	var seen [16]string
	names := seen[:0]
	for {
		s.path = outer
		name, err := s.string("a name in quotes")
		if err != nil {
			return err
		}
		s.path = join(outer, name)
		for _, n := range names {
			if n == name {
				return s.fail("is given twice")
			}
		}
		names = append(names, name)
		if !s.accept(':') {
			return s.missing("a colon")
		}
		known, err := member(name)
		if err != nil {
			return err
		}
		if !known {
			return s.fail("is not a known field")
		}
		if s.accept('}') {
			return nil
		}
		if !s.accept(',') {
			return s.missing("a comma or a closing brace")
		}
	}
}

// list reads an array and calls element to read each of its values.
func (s *scanner) list(element func() error) error {
	if err := s.expect('[', "a list"); err != nil {
		return err
	}
	if s.accept(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.accept(']') {
			return nil
		}
		if !s.accept(',') {
			return s.missing("a comma or a closing bracket")
		}
	}
}

// join returns the path of a member.
func join(outer, name string) string {
	if !utf8.ValidString(name) || len(name) > 100 {
		name = strconv.QuoteToASCII(name[:min(len(name), 100)])
	}
	if outer == "" {
		return name
	}
	return outer + "." + name
}

// expect takes the first byte of a value, or says what stands there instead of it.
func (s *scanner) expect(c byte, what string) error {
	if s.accept(c) {
		return nil
	}
	return s.instead(what)
}

// instead returns the error for a value of the wrong kind.
func (s *scanner) instead(what string) error {
	var found string
	switch c := s.peek(); {
	case c == 0 && s.pos == len(s.data):
		return s.missing("a value")
	case c == '"':
		found = "a text"
	case c == '{':
		found = "an object"
	case c == '[':
		found = "a list"
	case c == 't', c == 'f':
		found = "true or false"
	case c == 'n':
		found = "null"
	case c == '-', '0' <= c && c <= '9':
		found = "a number"
	default:
		return s.missing("a value")
	}
	return s.fail("must be " + what + ", not " + found)
}

// text reads a string.
func (s *scanner) text() (string, error) { return s.string("a text") }

func (s *scanner) string(what string) (string, error) {
	if err := s.expect('"', what); err != nil {
		return "", err
	}
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			text := string(s.data[start:s.pos])
			s.pos++
			return text, nil
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			return "", s.broken("a control character in a text")
		default:
			s.pos++
		}
	}
	return "", s.broken("the line ends inside a text")
}

// escaped reads on in a string that holds a backslash.
func (s *scanner) escaped(start int) (string, error) {
	text := append([]byte(nil), s.data[start:s.pos]...)
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		s.pos++
		switch {
		case c == '"':
			return string(text), nil
		case c < 0x20:
			return "", s.broken("a control character in a text")
		case c != '\\':
			text = append(text, c)
			continue
		}
		r, err := s.escape()
		if err != nil {
			return "", err
		}
		text = utf8.AppendRune(text, r)
	}
	return "", s.broken("the line ends inside a text")
}

// escape reads what follows a backslash.
func (s *scanner) escape() (rune, error) {
	if s.pos == len(s.data) {
		return 0, s.broken("the line ends inside a text")
	}
	c := s.data[s.pos]
	s.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return s.unicode()
	default:
		return 0, s.broken("an unknown escape")
	}
}

// unicode reads the digits of a \u escape, and the second half of a surrogate pair. Half a pair is no character.
func (s *scanner) unicode() (rune, error) {
	r, ok := s.hex4()
	if !ok {
		return 0, s.broken("an escape without four hexadecimal digits")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if s.pos+2 <= len(s.data) && s.data[s.pos] == '\\' && s.data[s.pos+1] == 'u' {
		s.pos += 2
		if low, ok := s.hex4(); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, nil
			}
		}
	}
	return 0, s.broken("half of a surrogate pair")
}

func (s *scanner) hex4() (rune, bool) {
	if s.pos+4 > len(s.data) {
		return 0, false
	}
	var r rune
	for _, c := range s.data[s.pos : s.pos+4] {
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
	s.pos += 4
	return r, true
}

// whole reads a whole number of that many bits.
func (s *scanner) whole(bits int) (int64, error) {
	c := s.peek()
	if c != '-' && (c < '0' || c > '9') {
		return 0, s.instead("a whole number")
	}
	number, err := s.number()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(number, 10, bits)
	if err != nil {
		if len(number) > 40 {
			number = number[:40] + "..."
		}
		return 0, s.fail(fmt.Sprintf("must be a whole number of at most %d bits, not %s", bits, number))
	}
	return n, nil
}

// number reads a number in the grammar of JSON, which has no leading zeros or plus sign.
func (s *scanner) number() (string, error) {
	start := s.pos
	if s.data[s.pos] == '-' {
		s.pos++
	}
	integer := s.digits()
	if integer == 0 || integer > 1 && s.data[s.pos-integer] == '0' {
		return "", s.broken("a malformed number")
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if s.digits() == 0 {
			return "", s.broken("a malformed number")
		}
	}
	if s.pos < len(s.data) && (s.data[s.pos] == 'e' || s.data[s.pos] == 'E') {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return "", s.broken("a malformed number")
		}
	}
	return string(s.data[start:s.pos]), nil
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

// flag reads true or false.
func (s *scanner) flag() (bool, error) {
	switch c := s.peek(); {
	case c == 't' && s.word("true"):
		return true, nil
	case c == 'f' && s.word("false"):
		return false, nil
	case c == 't', c == 'f':
		return false, s.broken("an unknown word")
	}
	return false, s.instead("true or false")
}

func (s *scanner) word(word string) bool {
	if rest := s.data[s.pos:]; len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	s.pos += len(word)
	return true
}

// moment reads a time in the form of RFC 3339, of the years that a table can hold. What is finer than a millisecond is
// cut off, since no time of the directory is finer.
func (s *scanner) moment() (time.Time, error) {
	text, err := s.text()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, s.fail("must be a time such as 2026-01-31T08:30:00.000Z")
	}
	t = t.UTC().Truncate(time.Millisecond)
	if t.Year() < 1970 || t.Year() > 9999 || t.UnixMilli() == 0 {
		return time.Time{}, s.fail("must be after the start of 1970")
	}
	return t, nil
}

// skip reads any value and forgets it.
func (s *scanner) skip(depth int) error {
	if depth > maxNesting {
		return s.broken("nested too deep")
	}
	switch c := s.peek(); {
	case c == '{':
		return s.skipObject(depth)
	case c == '[':
		return s.list(func() error { return s.skip(depth + 1) })
	case c == '"':
		_, err := s.text()
		return err
	case c == 't', c == 'f':
		_, err := s.flag()
		return err
	case c == 'n':
		if !s.word("null") {
			return s.broken("an unknown word")
		}
		return nil
	case c == '-', '0' <= c && c <= '9':
		_, err := s.number()
		return err
	default:
		return s.missing("a value")
	}
}

func (s *scanner) skipObject(depth int) error {
	return s.object(func(string) (bool, error) { return true, s.skip(depth + 1) })
}
