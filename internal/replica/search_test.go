package replica

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// textBlob returns the searchable text of users.
func textBlob(users []roster.User) *blob {
	b := &blob{}
	for i := range users {
		b.data = appendText(b.data, &users[i])
		b.close()
	}
	return b
}

// rowsWith returns the rows whose text contains the needle, by both ways of looking for it.
func rowsWith(t interface{ Fatalf(string, ...any) }, text *blob, folded []byte) []uint32 {
	n := newNeedle(folded, frequenciesOf(text))
	found := newBitset(uint32(len(text.ends)))
	n.find(text, found)
	var rows, oneByOne []uint32
	found.each(func(row uint32) { rows = append(rows, row) })
	for row := range text.ends {
		if n.in(text.at(uint32(row))) {
			oneByOne = append(oneByOne, uint32(row))
		}
	}
	if !slices.Equal(rows, oneByOne) {
		t.Fatalf("%q is found in the rows %v by a pass over all, in %v row by row", folded, rows, oneByOne)
	}
	return rows
}

// FuzzSearch compares a search for a needle with strings.Contains on folded texts.
func FuzzSearch(f *testing.F) {
	f.Add("Ann Smith", "annie", "ann@one.example", "nn")
	f.Add("Straße", "", "STRASSE@x.example", "SS")
	f.Add("\u212aelvin", "ſ", "kim@x.example", "k")
	f.Add("aaaaaaaab", "", "aaaaaaab@x", "aaaaaaab")
	f.Add("", "", "", "a")
	f.Add("Éa", "\xff", "b", "\xff")
	f.Add("太郎", "郎", "太@郎", "郎")
	f.Fuzz(func(t *testing.T, name, nickname, email, text string) {
		if text == "" {
			t.Skip("no needle")
		}
		users := []roster.User{
			{Name: name, Nickname: nickname, Email: roster.Email(email)},
			{Name: email, Nickname: name, Email: roster.Email(nickname)},
			{Name: "x" + text, Nickname: name + text, Email: "y"},
			{Name: strings.ToUpper(text)},
		}
		folded := roster.Fold(text)
		var want []uint32
		for i, u := range users {
			if slices.ContainsFunc([]string{u.Name, u.Nickname, string(u.Email)}, func(s string) bool { return strings.Contains(roster.Fold(s), folded) }) {
				want = append(want, uint32(i))
			}
		}
		if got := rowsWith(t, textBlob(users), []byte(folded)); !slices.Equal(got, want) {
			t.Errorf("%q is found in the rows %v of %q, want %v", folded, got, textBlob(users).data, want)
		}
	})
}

// No needle may match from the end of one text into the next, nor may what stands between them be looked for.
func TestNeedlesDoNotMatchAcrossTexts(t *testing.T) {
	text := textBlob([]roster.User{{Name: "Ann", Nickname: "Bo", Email: "cy@x"}, {Name: "Dee"}})
	for _, needle := range []string{"annbo", "nb", "bocy", "xdee", "ann\xffbo", "n\x00b", "n\x01b", "\xff", "\x00", "\x1f", "n\ufffdb", "\ufffd"} {
		folded := roster.AppendFold(nil, needle)
		if got := rowsWith(t, text, folded); len(got) != 0 {
			t.Errorf("%q is found in the rows %v", needle, got)
		}
	}
	if !utf8.Valid(roster.AppendFold(nil, "a\xffb")) || utf8.Valid([]byte{separator}) {
		t.Error("a folded needle could contain the separator")
	}
}

// Needles at the very beginning and end of the text, where no eight bytes are left to compare.
func TestNeedlesAtTheEdgesOfTheText(t *testing.T) {
	text := textBlob([]roster.User{{Name: "first", Email: "z"}, {Name: "m"}, {Name: "l", Email: "last"}})
	for needle, row := range map[string]uint32{"f": 0, "first": 0, "z": 0, "last": 2, "t": 0, "ast": 2} {
		if got := rowsWith(t, text, []byte(needle)); !slices.Contains(got, row) {
			t.Errorf("%q is found in the rows %v, want %d among them", needle, got, row)
		}
	}
}

// rowAt gallops; it must find the row however far ahead it is.
func TestRowAtFindsEveryOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &blob{}
		var rowOf []int
		for row := range rapid.IntRange(1, 100).Draw(t, "rows") {
			n := rapid.IntRange(1, 5).Draw(t, "length")
			b.append(bytes.Repeat([]byte{'x'}, n))
			for range n {
				rowOf = append(rowOf, row)
			}
		}
		offset := rapid.IntRange(0, len(rowOf)-1).Draw(t, "offset")
		from := rapid.IntRange(0, rowOf[offset]).Draw(t, "from")
		if got := b.rowAt(from, uint32(offset)); got != rowOf[offset] {
			t.Fatalf("rowAt(%d, %d) = %d, want %d", from, offset, got, rowOf[offset])
		}
	})
}
