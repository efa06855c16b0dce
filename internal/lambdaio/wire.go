package lambdaio

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// lists is a JSON object of lists of strings, such as multiValueHeaders. Gateway events are full of them, and
// encoding/json makes four allocations for each entry; the plain form that the gateway writes is read here with a handful for
// the whole object, and everything else (escapes, other types) is left to encoding/json.
type lists map[string][]string

// UnmarshalJSON reads an object whose members are lists of strings, or null.
func (l *lists) UnmarshalJSON(text []byte) error {
	*l = nil
	s := newScan(text)
	values := make([]string, 0, strings.Count(s.rest, `"`)/4)
	entries := make(map[string][]string, strings.Count(s.rest, ":"))
	for s.take('{'); !s.odd && !s.takeIf('}'); s.takeComma('}') {
		key := s.text()
		s.take(':')
		from := len(values)
		for s.take('['); !s.odd && !s.takeIf(']'); s.takeComma(']') {
			values = append(values, s.text())
		}
		entries[key] = slices.Clip(values[from:])
	}
	if !s.odd {
		*l = entries
		return nil
	}
	return json.Unmarshal(text, (*map[string][]string)(l))
}

// attributes is the authorizer's context in an event. The gateway makes every value of it a string; members that are not
// strings are not ours (integrationLatency is a number) and left out.
type attributes map[string]any

// UnmarshalJSON reads the string members of an object, or null.
func (a *attributes) UnmarshalJSON(text []byte) error {
	*a = nil
	s := newScan(text)
	entries := make(map[string]any, strings.Count(s.rest, ":"))
	for s.take('{'); !s.odd && !s.takeIf('}'); s.takeComma('}') {
		key := s.text()
		s.take(':')
		if s.peek('"') {
			entries[key] = s.text()
		} else {
			s.number()
		}
	}
	if !s.odd {
		*a = entries
		return nil
	}
	return json.Unmarshal(text, (*map[string]any)(a))
}

// scan reads JSON that encoding/json has found valid already. It turns odd, and stays so, at whatever is not plain.
type scan struct {
	rest string
	odd  bool
}

func newScan(text []byte) *scan { return &scan{rest: string(text), odd: !utf8.Valid(text)} }

func (s *scan) space() { s.rest = strings.TrimLeft(s.rest, " \t\r\n") }

func (s *scan) peek(c byte) bool {
	s.space()
	return s.rest != "" && s.rest[0] == c
}

func (s *scan) takeIf(c byte) bool {
	if s.peek(c) {
		s.rest = s.rest[1:]
		return true
	}
	return false
}

func (s *scan) take(c byte) {
	if !s.takeIf(c) {
		s.odd = true
	}
}

// takeComma steps over the comma between two entries; before the end of the object or list there is none.
func (s *scan) takeComma(end byte) {
	if !s.peek(end) {
		s.take(',')
	}
}

// text reads a string without escapes. It shares the memory of the whole.
func (s *scan) text() string {
	s.take('"')
	end := strings.IndexAny(s.rest, `"\`)
	if s.odd || end < 0 || s.rest[end] == '\\' {
		s.odd = true
		return ""
	}
	text := s.rest[:end]
	s.rest = s.rest[end+1:]
	return text
}

// number steps over a number, true, false or null.
func (s *scan) number() {
	end := strings.IndexAny(s.rest, ",}]{[\"\\")
	if end <= 0 || s.rest[end] != ',' && s.rest[end] != '}' {
		s.odd = true
		return
	}
	s.rest = s.rest[end:]
}
