package global

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// plain returns a value as Go has it: numbers as they are written, objects as lists of names and values by turns.
func plain(v value) any {
	switch v.kind {
	case kindNull:
		return nil
	case kindBool:
		return v.on
	case kindNumber:
		return json.Number(v.text)
	case kindString:
		return v.text
	case kindArray:
		list := []any{}
		for _, e := range v.list {
			list = append(list, plain(e))
		}
		return list
	default:
		members := object{}
		for _, m := range v.members {
			members = append(members, m.name, plain(m.value))
		}
		return members
	}
}

// object is names and values by turns.
type object []any

func TestJSON5(t *testing.T) {
	for _, test := range []struct {
		text string
		want any
	}{
		{`{}`, object{}}, {`[]`, []any{}}, {` null `, nil}, {`true`, true}, {`false`, false},
		// objects
		{`{a:1}`, object{"a", json.Number("1")}}, {`{a:1,}`, object{"a", json.Number("1")}}, {`{"a":1,'b':2}`, object{"a", json.Number("1"), "b", json.Number("2")}},
		{`{b:1,a:2,b:3}`, object{"b", json.Number("1"), "a", json.Number("2"), "b", json.Number("3")}}, {`{"":1}`, object{"", json.Number("1")}},
		{`{$_a1:1}`, object{"$_a1", json.Number("1")}}, {`{größe:1,ª:2,Ⅷ:3}`, object{"größe", json.Number("1"), "ª", json.Number("2"), "Ⅷ", json.Number("3")}},
		{`{\u0061b:1,a\u0062:2}`, object{"ab", json.Number("1"), "ab", json.Number("2")}}, {"{a\u200cb\u0301:1}", object{"a\u200cb\u0301", json.Number("1")}},
		{`{null:1,true:2,Infinity:3,NaN:4}`, object{"null", json.Number("1"), "true", json.Number("2"), "Infinity", json.Number("3"), "NaN", json.Number("4")}},
		// arrays
		{`[1,]`, []any{json.Number("1")}}, {`[[[[]]]]`, []any{[]any{[]any{[]any{}}}}},
		// strings
		{`'it"s'`, `it"s`}, {`"it's"`, "it's"}, {`'it\'s'`, "it's"}, {`"\b\f\n\r\t\v\0\/\\\"\'"`, "\b\f\n\r\t\v\x00/\\\"'"}, {`'\a\A\ü\.'`, "aAü."},
		{`'\x41\u0042'`, "AB"}, {`'\xe9'`, "é"}, {`'\ud83d\ude00'`, "😀"}, {"'a\\\nb\\\r\nc\\\rd\\\u2028e\\\u2029f'", "abcdef"}, {"'\u2028\u2029\t'", "\u2028\u2029\t"}, {`'😀'`, "😀"}, {`'\0a'`, "\x00a"},
		// numbers, as they are written
		{`0`, json.Number("0")}, {`-0`, json.Number("-0")}, {`+15`, json.Number("+15")}, {`.5`, json.Number(".5")}, {`5.`, json.Number("5.")}, {`5.e3`, json.Number("5.e3")},
		{`1E+09`, json.Number("1E+09")}, {`0xFf`, json.Number("0xFf")}, {`-0X1a`, json.Number("-0X1a")}, {`123456789012345678901234567890`, json.Number("123456789012345678901234567890")},
		{`Infinity`, json.Number("Infinity")}, {`-Infinity`, json.Number("-Infinity")}, {`+NaN`, json.Number("+NaN")},
		// white space and comments
		{"\t\v\f\u00a0\ufeff\n\r\u2028\u2029\u2003[ \n 1 \n , \n ] \n ", []any{json.Number("1")}}, {"// one\n[/* two\n * */1]// three", []any{json.Number("1")}},
		{`{/**/a/**/:/**/1/**/,/**/}`, object{"a", json.Number("1")}}, {"[1//\r,2//\u2028]", []any{json.Number("1"), json.Number("2")}},
	} {
		got, err := parseJSON5(test.text)
		if err != nil {
			t.Errorf("parseJSON5(%q): %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, plain(got)); diff != "" {
			t.Errorf("parseJSON5(%q) (-want +got)\n%s", test.text, diff)
		}
	}
}

func TestNotJSON5(t *testing.T) {
	for text, want := range map[string]string{
		``: "a value is missing at character 1", ` `: "a value is missing at character 2", `/`: "a slash begins no comment at character 2", `/*`: "a comment does not end at character 3",
		`// {}`: "a value is missing at character 6", `{} {}`: "there is more than one value at character 4", `{}x`: "there is more than one value at character 3",
		`{`: "a name is missing at character 2", `{,}`: "a name is missing at character 2", `{a}`: "a colon is missing at character 3", `{a:}`: "a value is missing at character 4",
		`{a:1`: "a comma or the end of an object is missing at character 5", `{a:1;}`: "a comma or the end of an object is missing at character 5", `{a:1,,}`: "a name is missing at character 6",
		`{1:1}`: "a name is missing at character 2", `{-a:1}`: "a name is missing at character 2", `{a-b:1}`: "a colon is missing at character 3", `{😀:1}`: "a name is missing at character 2",
		`{\x61:1}`: "an escape in a name is not of the form \\uXXXX at character 3", `{\u00:1}`: "a hexadecimal digit is missing at character 6", `{\u0020:1}`: "an escape in a name stands for what no name has at character 2",
		`{\u0031:1}`: "an escape in a name stands for what no name has at character 2", `{ü\u002d:1}`: "an escape in a name stands for what no name has at character 3",
		`[`: "a value is missing at character 2", `[,]`: "a value is missing at character 2", `[1,,]`: "a value is missing at character 4", `[1 2]`: "a comma or the end of an array is missing at character 4", `[1}`: "a comma or the end of an array is missing at character 3",
		`[[[[[1]]]]]`: "arrays and objects are too deep in one another at character 6", strings.Repeat("[", 100_000): "arrays and objects are too deep in one another at character 6",
		`'`: "a string does not end at character 2", `'a"`: "a string does not end at character 4", "'a\nb'": "a string goes over the end of a line at character 3", `'\`: "a string does not end at character 3",
		`'\1'`: "a digit is escaped at character 3", `'\01'`: "a digit follows an escaped zero at character 4", `'\x4'`: "a hexadecimal digit is missing at character 5", `'\u12'`: "a hexadecimal digit is missing at character 6", `'\u{1F600}'`: "a hexadecimal digit is missing at character 4",
		`'\ud83d'`: "an escape is half a character at character 8", `'\ude00'`: "an escape is half a character at character 8", `'\ud83d\u0041'`: "an escape is half a character at character 14", `'\ud83d\n'`: "an escape is half a character at character 9",
		`01`: "a number begins with a needless zero at character 3", `00`: "a number begins with a needless zero at character 3", `.`: "a digit is missing at character 2", `+`: "a digit is missing at character 2", `+-1`: "a digit is missing at character 2", `1e`: "a digit is missing at character 3",
		`0x`: "a hexadecimal digit is missing at character 3", `0xg`: "a hexadecimal digit is missing at character 3", `1a`: "a number does not end at character 2", `Infinityx`: "a number does not end at character 9", `1_000`: "a number does not end at character 2",
		`- 1`: "a digit is missing at character 2", `infinity`: "a value is missing at character 1", `True`: "a value is missing at character 1", `nulls`: "a value is missing at character 1", `undefined`: "a value is missing at character 1", "[\x00]": "a value is missing at character 2",
	} {
		got, err := parseJSON5(text)
		if err == nil {
			t.Errorf("parseJSON5(%.50q) = %v, want an error", text, plain(got))
		} else if err.Error() != want {
			t.Errorf("parseJSON5(%.50q): %v, want %s", text, err, want)
		}
	}
}

func TestIntegersOfJSON5(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-0": 0, "+15": 15, "0x1F": 31, "-0X10": -16, "9007199254740991": maxInteger, "-9007199254740991": -maxInteger, "0x1fffffffffffff": maxInteger} {
		if v, err := parseJSON5(text); err != nil || !v.finite() {
			t.Errorf("%s is no finite number: %v", text, err)
		} else if got, ok := v.integer(); !ok || got != want {
			t.Errorf("%s = %d, %t, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"1.0", "1e3", "5.", ".5", "9007199254740992", "-9007199254740992", "0x20000000000000", "0xffffffffffffffffffff", "99999999999999999999", "Infinity", "-NaN"} {
		if v, err := parseJSON5(text); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got, ok := v.integer(); ok {
			t.Errorf("%s is the integer %d", text, got)
		}
	}
	for text, want := range map[string]bool{"1e308": true, "-1e999": true, "NaN": false, "+NaN": false, "-Infinity": false, "0xffffffffffffffffffff": true} {
		if v, err := parseJSON5(text); err != nil || v.finite() != want {
			t.Errorf("%s is finite: %t, %v, want %t", text, v.finite(), err, want)
		}
	}
}

// FuzzJSON5 holds that everything is read or refused with a place in it, and that what is JSON is read as encoding/json reads it.
func FuzzJSON5(f *testing.F) {
	for _, seed := range []string{
		`{a:1,'b':[.5,+0x1F,"\u0041\
",],/* c */}`, `[{gt:15,lt:20},{eq:3}]`, `{"regex":"^B"}`, `'\ud83d\ude00'`, `{"a":{"b":[1,2.5e-3,true,null,"x"]}}`, `{a`, `//`, `-Infinity`, "\u2028'\u2029'",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // package api refuses it
		}
		got, err := parseJSON5(text)
		if err != nil && (err.at < 1 || err.at > utf8.RuneCountInString(text)+1 || err.message == "") {
			t.Fatalf("parseJSON5(%q): %v", text, err)
		}
		want, ok := readJSON(text)
		if !ok {
			return
		}
		if err != nil {
			t.Fatalf("parseJSON5(%q): %v, though it is JSON", text, err)
		}
		if diff := cmp.Diff(want, plain(got)); diff != "" {
			t.Fatalf("parseJSON5(%q) and encoding/json (-json +json5)\n%s", text, diff)
		}
	})
}

// readJSON reads JSON that is not too deep, and has no half characters, in the form of plain.
func readJSON(text string) (any, bool) {
	if !json.Valid([]byte(text)) || strings.Contains(strings.ToLower(text), `\ud`) {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, ok := nextJSON(d, 0)
	_, err := d.Token()
	return v, ok && err == io.EOF
}

func nextJSON(d *json.Decoder, depth int) (any, bool) {
	token, err := d.Token()
	delim, nested := token.(json.Delim)
	if err != nil || depth > maxDepth {
		return nil, false
	}
	if !nested {
		return token, true
	}
	list := []any{}
	for d.More() {
		v, ok := nextJSON(d, depth+1)
		if !ok {
			return nil, false
		}
		list = append(list, v)
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	if delim == '{' {
		return object(list), true
	}
	return list, true
}
