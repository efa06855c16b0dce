package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestLinesEndAsTheyLike(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	cases := []struct {
		name, text string
		want       []string // a line that is too long is "!"
	}{
		{"nothing", "", nil},
		{"one", "a\n", []string{"a"}},
		{"no line feed at the end", "a\nb", []string{"a", "b"}},
		{"CRLF", "a\r\nb\r\n", []string{"a", "b"}},
		{"empty lines", "\n\r\na\n\n", []string{"", "", "a", ""}},
		{"a byte order mark", "\uFEFFa\n\uFEFFb\n", []string{"a", "\uFEFFb"}},
		{"as long as may be", long + "\r\n" + long + "\n" + long, []string{long, long, long}},
		{"too long", long + "x\nb\n" + long + long + "\n" + long + "\rx", []string{"!", "b", "!", "!"}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			for name, in := range map[string]io.Reader{"whole": strings.NewReader(tt.text), "by halves": iotest.HalfReader(strings.NewReader(tt.text))} {
				if got := readAll(t, newLineReader(in)); strings.Join(got, "|") != strings.Join(tt.want, "|") || len(got) != len(tt.want) {
					t.Errorf("%s: %.200q, want %.200q", name, got, tt.want)
				}
			}
			n, err := countLines(strings.NewReader(tt.text))
			if err != nil || n != int64(len(tt.want)) {
				t.Errorf("countLines = %d, %v, want %d", n, err, len(tt.want))
			}
		})
	}
}

func readAll(t testing.TB, r *lineReader) []string {
	t.Helper()
	var lines []string
	for {
		data, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return lines
		case errors.Is(err, errTooLong):
			lines = append(lines, "!")
		case err != nil:
			t.Fatal(err)
		default:
			lines = append(lines, string(data))
		}
	}
}

func TestReadingGoesOnWhereItStopped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([ab]{0,5}\r?\n){0,8}[ab]{0,3}`).Draw(t, "text")
		r := newLineReader(strings.NewReader(text))
		for range rapid.IntRange(0, 8).Draw(t, "lines") {
			if _, err := r.next(); errors.Is(err, io.EOF) {
				break
			}
		}
		at := r.position()
		var rest []string
		for {
			data, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			}
			rest = append(rest, string(data))
		}

		again := newLineReader(strings.NewReader(text))
		same, err := again.resume(at)
		if err != nil || !same || again.line != at.Line {
			t.Fatalf("resume(%+v) = %v, %v at line %d", at, same, err, again.line)
		}
		for _, want := range rest {
			if got, err := again.next(); err != nil || string(got) != want {
				t.Fatalf("next() = %q, %v, want %q", got, err, want)
			}
		}
		if at.Offset == 0 {
			return
		}
		changed := []byte(text)
		changed[rapid.IntRange(0, int(at.Offset)-1).Draw(t, "change")] ^= 1
		if same, err := newLineReader(bytes.NewReader(changed)).resume(at); err != nil || same {
			t.Fatalf("resume in a changed text = %v, %v", same, err)
		}
		if same, err := newLineReader(strings.NewReader(text[:at.Offset-1])).resume(at); err != nil || same {
			t.Fatalf("resume in a shorter text = %v, %v", same, err)
		}
	})
}

func TestABrokenInputIsAnError(t *testing.T) {
	broken := errors.New("the disk is gone")
	r := newLineReader(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)))
	if data, err := r.next(); err != nil || string(data) != "a" {
		t.Fatalf("next() = %q, %v", data, err)
	}
	if _, err := r.next(); !errors.Is(err, broken) || !strings.Contains(err.Error(), "reading line 2") {
		t.Errorf("next() = %v, want the reader's error", err)
	}
}
