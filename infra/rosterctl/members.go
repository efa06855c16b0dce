package main

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// member is one field of a line's object, in both directions, so that what is written can always be read. A member that
// is zero is left out.
type member[T any] struct {
	name string
	// write appends the value, and reports false if it is zero. It appends nothing then.
	write func(dst []byte, of *T) ([]byte, bool)
	read  func(s *scanner, into *T) error
}

// writeObject appends the object of those members, in their order.
func writeObject[T any](dst []byte, members []member[T], of *T) []byte {
	dst = append(dst, '{')
	empty := true
	for i := range members {
		start := len(dst)
		if !empty {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, members[i].name...)
		dst = append(dst, '"', ':')
		written, ok := members[i].write(dst, of)
		if !ok {
			dst = dst[:start]
			continue
		}
		dst, empty = written, false
	}
	return append(dst, '}')
}

// readObject reads an object of those members.
func readObject[T any](s *scanner, members map[string]member[T], into *T) error {
	return s.object(func(name string) (bool, error) {
		m, ok := members[name]
		if !ok {
			return false, nil
		}
		return true, m.read(s, into)
	})
}

func byName[T any](members []member[T]) map[string]member[T] {
	index := make(map[string]member[T], len(members))
	for _, m := range members {
		index[m.name] = m
	}
	return index
}

// text is a member that is a string.
func text[T any, S ~string](name string, at func(*T) *S) member[T] {
	return member[T]{
		name: name,
		write: func(dst []byte, of *T) ([]byte, bool) {
			v := *at(of)
			return appendText(dst, string(v)), v != ""
		},
		read: func(s *scanner, into *T) error {
			v, err := s.text()
			*at(into) = S(v)
			return err
		},
	}
}

// whole is a member that is a whole number.
func whole[T any, N ~int | ~int32 | ~int64](name string, at func(*T) *N) member[T] {
	return member[T]{
		name: name,
		write: func(dst []byte, of *T) ([]byte, bool) {
			v := *at(of)
			return strconv.AppendInt(dst, int64(v), 10), v != 0
		},
		read: func(s *scanner, into *T) error {
			v, err := wholeAs[N](s)
			*at(into) = v
			return err
		},
	}
}

// wholeAs reads a whole number that fits the type.
func wholeAs[N ~int | ~int32 | ~int64](s *scanner) (N, error) {
	bits := 64
	if wide := int64(1) << 32; int64(N(wide)) != wide {
		bits = 32
	}
	v, err := s.whole(bits)
	return N(v), err
}

// flag is a member that is true or false.
func flag[T any](name string, at func(*T) *bool) member[T] {
	return member[T]{
		name: name,
		write: func(dst []byte, of *T) ([]byte, bool) {
			v := *at(of)
			return strconv.AppendBool(dst, v), v
		},
		read: func(s *scanner, into *T) error {
			v, err := s.flag()
			*at(into) = v
			return err
		},
	}
}

// timeLayout is RFC 3339 in UTC, always with the milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// moment is a member that is a time.
func moment[T any](name string, at func(*T) *time.Time) member[T] {
	return member[T]{
		name: name,
		write: func(dst []byte, of *T) ([]byte, bool) {
			v := *at(of)
			return append(v.UTC().AppendFormat(append(dst, '"'), timeLayout), '"'), !v.IsZero()
		},
		read: func(s *scanner, into *T) error {
			v, err := s.moment()
			*at(into) = v
			return err
		},
	}
}

// named is a member that is one of a set of names.
func named[T any, E interface {
	comparable
	String() string
}](name, choices string, parse func(string) (E, bool), at func(*T) *E) member[T] {
	return member[T]{
		name: name,
		write: func(dst []byte, of *T) ([]byte, bool) {
			var zero E
			v := *at(of)
			return appendText(dst, v.String()), v != zero
		},
		read: func(s *scanner, into *T) error {
			word, err := s.text()
			if err != nil {
				return err
			}
			v, ok := parse(word)
			if !ok || word == "" {
				return s.fail("must be one of " + choices)
			}
			*at(into) = v
			return nil
		},
	}
}

// list is a member that is an array of values of one form.
func list[T, E any](name string, write func([]byte, *E) []byte, read func(*scanner, *E) error, at func(*T) *[]E) member[T] {
	return member[T]{
		name: name,
		write: func(dst []byte, of *T) ([]byte, bool) {
			values := *at(of)
			dst = append(dst, '[')
			for i := range values {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = write(dst, &values[i])
			}
			return append(dst, ']'), len(values) > 0
		},
		read: func(s *scanner, into *T) error {
			var values []E
			err := s.list(func() error {
				if len(values) == maxElements {
					return s.fail(fmt.Sprintf("must hold at most %d values", maxElements))
				}
				var v E
				err := read(s, &v)
				values = append(values, v)
				return err
			})
			*at(into) = values
			return err
		},
	}
}

// maxElements bounds a list; the field rules of package roster are stricter.
const maxElements = 100_000

func texts[T any](name string, at func(*T) *[]string) member[T] {
	return list(name, func(dst []byte, v *string) []byte { return appendText(dst, *v) },
		func(s *scanner, v *string) (err error) {
			*v, err = s.text()
			return err
		}, at)
}

func wholes[T any, N ~int32 | ~int64](name string, at func(*T) *[]N) member[T] {
	return list(name, func(dst []byte, v *N) []byte { return strconv.AppendInt(dst, int64(*v), 10) },
		func(s *scanner, v *N) (err error) {
			*v, err = wholeAs[N](s)
			return err
		}, at)
}

// objects is a member that is an array of objects.
func objects[T, E any](name string, members []member[E], at func(*T) *[]E) member[T] {
	index := byName(members)
	return list(name, func(dst []byte, v *E) []byte { return writeObject(dst, members, v) },
		func(s *scanner, v *E) error { return readObject(s, index, v) }, at)
}

// object is a member that is an object itself.
func object[T any, E comparable](name string, members []member[E], at func(*T) *E) member[T] {
	index := byName(members)
	return member[T]{
		name: name,
		write: func(dst []byte, of *T) ([]byte, bool) {
			var zero E
			v := at(of)
			return writeObject(dst, members, v), *v != zero
		},
		read: func(s *scanner, into *T) error { return readObject(s, index, at(into)) },
	}
}

// appendText appends a JSON string: what must be escaped is (RFC 8259, section 7), everything else stays readable.
func appendText(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
