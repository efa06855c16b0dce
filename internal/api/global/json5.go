package global

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// This file reads JSON5 (https://spec.json5.org), the form that conditions are written in: objects keep the order of their
// members and members that are given twice, and numbers keep their digits. NaN and the infinities are read, for a message that
// says what is wrong with them.

// kind is what a JSON5 value is.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// value is a JSON5 value.
type value struct {
	kind    kind
	on      bool     // of a boolean
	text    string   // of a string, decoded; of a number, as it is written
	list    []value  // of an array
	members []member // of an object, in order
}

// member is a member of an object.
type member struct {
	name  string
	value value
}

// maxDepth is how deep arrays and objects may be in one another: a list of values in an object in an array is all there is to say.
const maxDepth = 4

// integer returns the number as an integer, if it is written as one and is one that a float64 holds exactly.
func (v *value) integer() (int64, bool) {
	text, negative := strings.CutPrefix(v.text, "-")
	text = strings.TrimPrefix(text, "+")
	base := 10
	if len(text) > 1 && (text[1] == 'x' || text[1] == 'X') {
		text, base = text[2:], 16
	}
	n, err := strconv.ParseInt(text, base, 64)
	if err != nil || n > maxInteger {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

// maxInteger is the largest integer whose neighbours a float64 tells apart: JavaScript's Number.MAX_SAFE_INTEGER.
const maxInteger = 1<<53 - 1

// finite reports whether the number is neither NaN nor an infinity.
func (v *value) finite() bool {
	text := strings.TrimLeft(v.text, "+-")
	return text != "NaN" && text != "Infinity"
}

// syntaxError says what is wrong with a JSON5 text and where: at the character of that number, from 1.
type syntaxError struct {
	at      int
	message string
}

func (e *syntaxError) Error() string { return e.message + " at character " + strconv.Itoa(e.at) }

// parseJSON5 reads a text that is one value, in valid UTF-8.
func parseJSON5(text string) (value, *syntaxError) {
	p := parser{text: text}
	v := p.value(0)
	p.space()
	if p.err == nil && p.at < len(p.text) {
		p.fail("there is more than one value")
	}
	return v, p.err
}

// parser reads a text from front to back. After the first error nothing it returns counts.
type parser struct {
	text string
	at   int // in bytes
	err  *syntaxError
}

func (p *parser) fail(message string) {
	if p.err == nil {
		p.err = &syntaxError{at: utf8.RuneCountInString(p.text[:p.at]) + 1, message: message}
	}
}

// peek returns the next character, and -1 at the end or after an error.
func (p *parser) peek() rune {
	if p.err != nil || p.at >= len(p.text) {
		return -1
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return r
}

// next is peek, and goes on behind the character.
func (p *parser) next() rune {
	r := p.peek()
	if r >= 0 {
		_, size := utf8.DecodeRuneInString(p.text[p.at:])
		p.at += size
	}
	return r
}

// skip goes on behind a character if that is the next one.
func (p *parser) skip(r rune) bool {
	if p.peek() != r {
		return false
	}
	p.next()
	return true
}

// expect is skip, of a character without which the text is wrong.
func (p *parser) expect(r rune, message string) {
	if !p.skip(r) {
		p.fail(message)
	}
}

func isLineEnd(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }

func isSpace(r rune) bool {
	return isLineEnd(r) || r == '\t' || r == '\v' || r == '\f' || r == '\ufeff' || unicode.Is(unicode.Zs, r)
}

// space goes on behind white space and comments.
func (p *parser) space() {
	for {
		switch r := p.peek(); {
		case r >= 0 && isSpace(r):
			p.next()
		case r == '/':
			p.comment()
		default:
			return
		}
	}
}

func (p *parser) comment() {
	p.next()
	switch {
	case p.skip('/'):
		for r := p.peek(); r >= 0 && !isLineEnd(r); r = p.peek() {
			p.next()
		}
	case p.skip('*'):
		end := strings.Index(p.text[p.at:], "*/")
		if end < 0 {
			p.fail("a comment does not end")
			return
		}
		p.at += end + len("*/")
	default:
		p.fail("a slash begins no comment")
	}
}

// value reads a value that is inside that many arrays and objects.
func (p *parser) value(depth int) value {
	p.space()
	if depth > maxDepth {
		p.fail("arrays and objects are too deep in one another")
		return value{}
	}
	switch r := p.peek(); {
	case r == '{':
		return p.object(depth)
	case r == '[':
		return p.array(depth)
	case r == '"' || r == '\'':
		return value{kind: kindString, text: p.string()}
	case r == '+' || r == '-' || r == '.' || isDigit(r) || strings.HasPrefix(p.text[p.at:], "Infinity") || strings.HasPrefix(p.text[p.at:], "NaN"):
		return p.number()
	default:
		return p.word()
	}
}

func (p *parser) object(depth int) value {
	v := value{kind: kindObject}
	p.next()
	for {
		p.space()
		if p.skip('}') || p.err != nil {
			return v
		}
		name := p.name()
		p.space()
		p.expect(':', "a colon is missing")
		v.members = append(v.members, member{name, p.value(depth + 1)})
		p.space()
		if p.skip('}') {
			return v
		}
		p.expect(',', "a comma or the end of an object is missing")
	}
}

func (p *parser) array(depth int) value {
	v := value{kind: kindArray}
	p.next()
	for {
		p.space()
		if p.skip(']') || p.err != nil {
			return v
		}
		v.list = append(v.list, p.value(depth+1))
		p.space()
		if p.skip(']') {
			return v
		}
		p.expect(',', "a comma or the end of an array is missing")
	}
}

// word reads true, false or null.
func (p *parser) word() value {
	for word, v := range map[string]value{"true": {kind: kindBool, on: true}, "false": {kind: kindBool}, "null": {}} {
		if rest, ok := strings.CutPrefix(p.text[p.at:], word); ok && p.err == nil && !startsInName(rest) {
			p.at += len(word)
			return v
		}
	}
	p.fail("a value is missing")
	return value{}
}

// name reads the name of a member: a string, or an identifier of ECMAScript 5.1.
func (p *parser) name() string {
	if r := p.peek(); r == '"' || r == '\'' {
		return p.string()
	}
	var b strings.Builder
	for {
		r, escaped := p.peek(), false
		if r == '\\' {
			at := p.at
			p.next()
			p.expect('u', "an escape in a name is not of the form \\uXXXX")
			r, escaped = p.hex(4), true
			if p.err == nil && !inName(r, b.Len() == 0) {
				p.at = at
				p.fail("an escape in a name stands for what no name has")
			}
		}
		if p.err != nil || !inName(r, b.Len() == 0) {
			break
		}
		if !escaped {
			p.next()
		}
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		p.fail("a name is missing")
	}
	return b.String()
}

// inName reports whether a character can be in an identifier, or at its start.
func inName(r rune, start bool) bool {
	switch {
	case r < 0 || r > 0xffff: // ECMAScript 5.1 knows no letters beyond
		return false
	case r == '$' || r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r):
		return true
	case start:
		return false
	default:
		return unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc) || r == '\u200c' || r == '\u200d'
	}
}

func startsInName(text string) bool {
	r, size := utf8.DecodeRuneInString(text)
	return size > 0 && (inName(r, false) || r == '\\')
}

// string reads a string.
func (p *parser) string() string {
	quote := p.next()
	var b strings.Builder
	for {
		switch r := p.peek(); {
		case r < 0:
			p.fail("a string does not end")
			return ""
		case r == quote:
			p.next()
			return b.String()
		case r == '\n' || r == '\r':
			p.fail("a string goes over the end of a line")
			return ""
		case r == '\\':
			p.next()
			p.escape(&b)
		default:
			b.WriteRune(p.next())
		}
	}
}

// escape reads what follows a backslash in a string.
func (p *parser) escape(b *strings.Builder) {
	r := p.peek()
	switch {
	case r == 'u':
		p.next()
		b.WriteRune(p.utf16())
		return
	case r == 'x':
		p.next()
		b.WriteRune(p.hex(2))
		return
	case r >= '1' && r <= '9':
		p.fail("a digit is escaped")
		return
	}
	p.next()
	switch r {
	case '0':
		if isDigit(p.peek()) {
			p.fail("a digit follows an escaped zero")
		}
		b.WriteByte(0)
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
	case 'v':
		b.WriteByte('\v')
	case '\r': // a line that goes on, as behind the other ends of lines
		p.skip('\n')
	case '\n', '\u2028', '\u2029', -1:
	default:
		b.WriteRune(r)
	}
}

// utf16 reads the digits behind \u, and the second half of a pair where they are the first of one.
func (p *parser) utf16() rune {
	r := p.hex(4)
	if !utf16.IsSurrogate(r) {
		return r
	}
	if p.skip('\\') && p.skip('u') {
		if r = utf16.DecodeRune(r, p.hex(4)); r != utf8.RuneError {
			return r
		}
	}
	p.fail("an escape is half a character")
	return utf8.RuneError
}

// hex reads that many hexadecimal digits.
func (p *parser) hex(digits int) rune {
	var n rune
	for range digits {
		d := hexDigit(p.peek())
		if d < 0 {
			p.fail("a hexadecimal digit is missing")
			return 0
		}
		p.next()
		n = n<<4 | d
	}
	return n
}

func hexDigit(r rune) rune {
	switch {
	case isDigit(r):
		return r - '0'
	case r >= 'a' && r <= 'f':
		return r - 'a' + 10
	case r >= 'A' && r <= 'F':
		return r - 'A' + 10
	default:
		return -1
	}
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// number reads a number, and keeps it as it is written.
func (p *parser) number() value {
	start := p.at
	if !p.skip('+') {
		p.skip('-')
	}
	rest := p.text[p.at:]
	switch {
	case strings.HasPrefix(rest, "Infinity"):
		p.at += len("Infinity")
	case strings.HasPrefix(rest, "NaN"):
		p.at += len("NaN")
	case strings.HasPrefix(rest, "0x") || strings.HasPrefix(rest, "0X"):
		p.at += len("0x")
		if p.digits(func(r rune) bool { return hexDigit(r) >= 0 }) == 0 {
			p.fail("a hexadecimal digit is missing")
		}
	default:
		p.decimal()
	}
	if p.err == nil && startsInName(p.text[p.at:]) {
		p.fail("a number does not end")
	}
	return value{kind: kindNumber, text: p.text[start:p.at]}
}

func (p *parser) decimal() {
	zero := p.peek() == '0'
	whole := p.digits(isDigit)
	if zero && whole > 1 {
		p.fail("a number begins with a needless zero")
	}
	fraction := 0
	if p.skip('.') {
		fraction = p.digits(isDigit)
	}
	if whole+fraction == 0 {
		p.fail("a digit is missing")
	}
	if p.skip('e') || p.skip('E') {
		if !p.skip('+') {
			p.skip('-')
		}
		if p.digits(isDigit) == 0 {
			p.fail("a digit is missing")
		}
	}
}

// digits goes on behind digits and returns how many there were.
func (p *parser) digits(is func(rune) bool) int {
	n := 0
	for is(p.peek()) {
		p.next()
		n++
	}
	return n
}
