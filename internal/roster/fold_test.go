package roster_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rosterhq/roster/internal/roster"
)

func TestFold(t *testing.T) {
	for _, group := range [][]string{
		{"anna", "ANNA", "Anna", "aNNa"},
		{"kelvin", "Kelvin", "\u212aelvin"}, // the Kelvin sign
		{"σίσυφος", "ΣΊΣΥΦΟΣ", "ςίςυφοσ"},
		{"ОЛЕНА", "олена"},
		{"straſse", "STRASSE", "strasse"},
	} {
		for _, s := range group[1:] {
			if roster.Fold(s) != roster.Fold(group[0]) {
				t.Errorf("Fold(%q) = %q, want Fold(%q) = %q", s, roster.Fold(s), group[0], roster.Fold(group[0]))
			}
		}
	}
	for _, pair := range [][2]string{{"é", "e"}, {"ı", "i"}, {"ß", "ss"}, {"ö", "o"}} {
		if roster.Fold(pair[0]) == roster.Fold(pair[1]) {
			t.Errorf("Fold(%q) = Fold(%q), want them apart", pair[0], pair[1])
		}
	}
	if got := roster.Fold("Ann-Marie O'Neil 7"); got != "ann-marie o'neil 7" {
		t.Errorf("Fold of ASCII = %q, want lower case", got)
	}
}

func FuzzFold(f *testing.F) {
	f.Add("Anna", "ANNA")
	f.Add("\u212a", "k")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return // fields are valid UTF-8
		}
		if got, want := roster.Fold(a) == roster.Fold(b), strings.EqualFold(a, b); got != want {
			t.Errorf("Fold(%q) == Fold(%q) is %v, want EqualFold's %v", a, b, got, want)
		}
		if once := roster.Fold(a); roster.Fold(once) != once {
			t.Errorf("Fold(Fold(%q)) = %q, want %q", a, roster.Fold(once), once)
		}
		if got := string(roster.AppendFold([]byte("x"), a)); got != "x"+roster.Fold(a) {
			t.Errorf("AppendFold(x, %q) = %q, want x and Fold", a, got)
		}
	})
}
