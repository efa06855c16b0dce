package roster_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// say returns what a check says of a text, each rule by its last words.
func say(check func(*roster.FieldErrors, string, string), text string) string {
	var errs roster.FieldErrors
	check(&errs, "f", text)
	var said []string
	for _, e := range errs {
		switch {
		case strings.Contains(e.Message, "characters") && strings.Contains(e.Message, " to "):
			said = append(said, "length")
		case strings.Contains(e.Message, "invisible"):
			said = append(said, "invisible")
		case strings.Contains(e.Message, "stylized"):
			said = append(said, "stylized")
		case strings.Contains(e.Message, "mix letters"):
			said = append(said, "mixed")
		case strings.Contains(e.Message, "consist of"):
			said = append(said, "alphabet")
		case strings.Contains(e.Message, "at least one letter"):
			said = append(said, "no letter")
		default:
			said = append(said, e.Message)
		}
	}
	return strings.Join(said, ", ")
}

func TestPersonNames(t *testing.T) {
	for name, want := range map[string]string{
		// people
		"A": "", "John Doe": "", "Jean-Luc O'Neill Jr.": "", "Jean-Luc O’Neill": "", "José Ñandú": "", "Jose\u0301": "", "Зоряна Їжак": "",
		"Ελένη Παπαδοπούλου": "", "李小龙": "", "김민준": "", "محمد علي": "", "प्रिया शर्मा": "", "สมชาย ใจดี": "", "Nguyễn Thị Hồng": "", "Ægir Ø": "",
		"Ivan Петров": "", "Anna-Мария": "", "שָׁלוֹם": "", strings.Repeat("a", 50): "", strings.Repeat("ї", 50): "", "ʻOkina": "",
		// what is none
		"": "length", strings.Repeat("a", 51): "length", strings.Repeat("ї", 51): "length",
		" ": "no letter", "-.'": "no letter", "\u0301": "alphabet", " \u0301a": "alphabet", "a\u0301\u0301\u0301": "", "a\u0301\u0301\u0301\u0301": "alphabet",
		"R2D2": "alphabet", "a,b": "alphabet", "a/b": "alphabet", "<b>": "alphabet", "a@b": "alphabet", "a_b": "alphabet", "😀": "alphabet", "a\u00a0b": "alphabet", "½": "alphabet",
		// tricks
		"a\x00b": "invisible", "a\tb": "invisible", "a\nb": "invisible", "a\x7fb": "invisible", "a\u0085b": "invisible",
		"a\u200bb": "invisible", "a\u200db": "invisible", "a\ufeffb": "invisible", "a\u00adb": "invisible", "a\u2060b": "invisible",
		"a\u202eb": "invisible", "a\u2066b\u2069": "invisible", "a\u061cb": "invisible", "a\u2028b": "invisible",
		"a\u115fb": "invisible", "a\u3164b": "invisible", "a\u034fb": "invisible", "a\ufe0fb": "invisible", "a\U000e0041b": "invisible", "a\U000e0100b": "invisible",
		"\u3164": "invisible, no letter", "a\ufffdb": "invisible", "a\ue000b": "invisible", "a\u0378b": "invisible",
		"Ｊohn": "stylized", "𝐉ohn": "stylized", "ﬁnn": "stylized", "ʲohn": "stylized", "ᴊohn": "stylized", "\u212bke": "stylized", "ℋans": "stylized", "Ⅷ": "alphabet", "ﾏﾘｱ": "stylized",
		"Jоhn": "mixed", "Αnna": "mixed", "Аnna": "mixed", "Сергeй": "mixed", "Aᏼb": "mixed", "John Dое": "mixed", "Jo\u0301hn-Сaт": "mixed",
		"J\u200bоhn": "invisible, mixed", "Ｊo\x00hn/": "invisible, stylized, alphabet", "\xff": "must be valid UTF-8",
	} {
		if got := say(roster.CheckPersonName, name); got != want {
			t.Errorf("CheckPersonName(%+q) says %q, want %q", name, got, want)
		}
	}
}

func TestTitlesNicknamesAndOrganizationNames(t *testing.T) {
	for _, test := range []struct {
		name  string
		check func(*roster.FieldErrors, string, string)
		want  map[string]string
	}{
		{"title", roster.CheckTitle, map[string]string{
			"Senior Engineer": "", "Co-Founder": "", "Sr. Engineer": "alphabet", "It's": "alphabet", "Level 2": "alphabet", "": "length", strings.Repeat("a", 51): "length", "-": "no letter",
		}},
		{"nickname", roster.CheckNickname, map[string]string{
			"johnd": "", "R2-D2": "", "42": "", "٤٢": "", "４２": "stylized", "a.b": "alphabet", "O'Neill": "alphabet", "": "length", "- ": "no letter",
		}},
		{"organization", roster.CheckOrganizationName, map[string]string{
			"Acme": "", "John's Personal Org": "", "ТОВ Їжак 24": "", "A.B.C.": "", "3M-X": "", "AB": "length", "": "length", strings.Repeat("a", 100): "", strings.Repeat("a", 101): "length",
			"Acme & Co": "alphabet", "Acme, Inc": "alphabet", "...": "no letter", "Асmе": "mixed", "Acme\u202e": "invisible",
		}},
	} {
		for text, want := range test.want {
			if got := say(test.check, text); got != want {
				t.Errorf("the %s %+q: %q, want %q", test.name, text, got, want)
			}
		}
	}
}

// The patterns of CONTRACT 1.4, with marks. A name that is fine keeps to them; only tricks and names without letters keep
// to them and are not fine.
func TestNamesKeepToThePatternsOfTheContract(t *testing.T) {
	for _, test := range []struct {
		check   func(*roster.FieldErrors, string, string)
		pattern *regexp.Regexp
	}{
		{roster.CheckPersonName, regexp.MustCompile(`^[\p{L}\p{M}\- .'’]{1,50}$`)},
		{roster.CheckTitle, regexp.MustCompile(`^[\p{L}\p{M}\- ]{1,50}$`)},
		{roster.CheckNickname, regexp.MustCompile(`^[\p{L}\p{M}\p{Nd}\- ]{1,50}$`)},
		{roster.CheckOrganizationName, regexp.MustCompile(`^[\p{L}\p{M}\p{Nd} .\-'’]{3,100}$`)},
	} {
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Zäї王0-9 .'’\-]{1,60}`)).Draw(t, "text")
			said := say(test.check, text)
			if matches := test.pattern.MatchString(text); said == "" && !matches {
				t.Fatalf("%+q is taken and does not match %s", text, test.pattern)
			} else if matches && (strings.Contains(said, "length") || strings.Contains(said, "alphabet")) && !strings.Contains(text, "\u0301") && utf8.ValidString(text) && !hasMark(text) {
				t.Fatalf("%+q matches %s and is refused: %s", text, test.pattern, said)
			}
		})
	}
}

func hasMark(text string) bool { return regexp.MustCompile(`\p{M}`).MatchString(text) }

func TestLines(t *testing.T) {
	check := func(errs *roster.FieldErrors, field, text string) { roster.CheckLine(errs, field, text, 10) }
	for text, want := range map[string]string{
		"": "", "Main St. 5": "", "東京都１－２": "", "a\u3000b": "", "<b>&,;/": "", "12345678901": "must have at most 10 characters",
		"a\nb": "invisible", "a\u202eb": "invisible", "\x00": "invisible", "\xff": "must be valid UTF-8",
	} {
		if got := say(check, text); got != want {
			t.Errorf("CheckLine(%+q) says %q, want %q", text, got, want)
		}
	}
}

func TestEmails(t *testing.T) {
	check := func(errs *roster.FieldErrors, field, text string) { roster.CheckEmail(errs, field, roster.Email(text)) }
	const none = "must be an e-mail address"
	for email, want := range map[string]string{
		"a@b.example": "", "First.Last+tag@sub.example.com": "", "o'neill@example.com": "", "користувач@приклад.укр": "", "jörg@example.com": "",
		strings.Repeat("a", 64) + "@example.com": "", strings.Repeat("a", 65) + "@example.com": none,
		"a@" + strings.Repeat("b", 60) + "." + strings.Repeat("c", 60) + "." + strings.Repeat("d", 60) + "." + strings.Repeat("e", 60) + ".com": "",
		strings.Repeat("a", 64) + "@" + strings.Repeat("b", 251) + ".com":                                                                       "must have at most 254 bytes",
		"": "is required", "a": none, "a@": none, "@b": none, "a b@c.d": none, "a@b@c": none, "John <a@b.c>": none, "a@b.c ": none, " a@b.c": none,
		"a@b.c\n": none, "a\u00a0b@c.d": none, "a,b@c.d": none, "a@b..c": none, ".a@b.c": none, "a..b@c.d": none, "a@b.c, d@e.f": none,
		"a\u200bb@c.d": "invisible", "a\u202eb@c.d": "invisible", "а@example.com": "", "аdmin@example.com": "mixed", "admin@exаmple.com": "mixed", "ａ@b.c": "stylized",
		"\xff@b.c": none,
	} {
		if got := say(check, email); got != want {
			t.Errorf("CheckEmail(%+q) says %q, want %q", email, got, want)
		}
	}
	if n := len(strings.Repeat("a", 64) + "@" + strings.Repeat("b", 251) + ".com"); n != 320 {
		t.Errorf("the longest address tried has %d characters, want 320", n)
	}
}

func FuzzChecksNeverPanicAndRefuseWhatCannotBeSeen(f *testing.F) {
	for _, seed := range []string{"", "John Doe", "\xff", "a\u202eb", "\u3164", "𝐉", "Jоhn", "a\u0301"} {
		f.Add(seed)
	}
	hidden := regexp.MustCompile(`[\p{C}\p{Zl}\p{Zp}]`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, check := range []func(*roster.FieldErrors, string, string){
			roster.CheckPersonName, roster.CheckTitle, roster.CheckNickname, roster.CheckOrganizationName,
			func(errs *roster.FieldErrors, field, text string) { roster.CheckLine(errs, field, text, 1<<20) },
			func(errs *roster.FieldErrors, field, text string) { roster.CheckEmail(errs, field, roster.Email(text)) },
		} {
			if hidden.MatchString(text) && say(check, text) == "" {
				t.Errorf("%+q is taken", text)
			}
		}
	})
}
