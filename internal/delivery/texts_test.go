package delivery_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
)

func TestLocalesAreThoseThatThereAreWordsIn(t *testing.T) {
	if want := []string{"en", "uk", "de", "fr", "es", "pl", "pt_BR", "ja"}; !slices.Equal(delivery.Locales, want) {
		t.Errorf("Locales = %q, want %q", delivery.Locales, want)
	}
	for _, locale := range delivery.Locales {
		if got := delivery.LanguageOf(locale); got != locale {
			t.Errorf("the words for %s are those of %s", locale, got)
		}
		if err := checkTag(delivery.WordsOf(locale)["tag"], locale); err != "" {
			t.Errorf("%s: %s", locale, err)
		}
	}
	for wanted, want := range map[string]string{"": "en", "xx_YY": "en", "de_AT": "de", "pt_PT": "pt_BR", "uk-UA": "uk", "JA": "ja", "en_US": "en"} {
		if got := delivery.LanguageOf(wanted); got != want {
			t.Errorf("the words for %q are those of %s, want %s", wanted, got, want)
		}
	}
}

func checkTag(tag, locale string) string {
	if strings.ReplaceAll(locale, "_", "-") != tag {
		return "its tag for HTML is " + tag
	}
	return ""
}

// onlyInvite are the sentences that name who invites.
func onlyInvite(name string) bool {
	return strings.HasSuffix(name, "By") && !strings.HasPrefix(name, "invite.")
}

// amount matches the names of the forms of amounts of time, which languages have different numbers of and share some of.
var amount = regexp.MustCompile(`^(days|hours|minutes)\.`)

func TestEveryLanguageHasEveryText(t *testing.T) {
	english := delivery.WordsOf("en")
	if len(english) < 25 {
		t.Fatalf("there are only %d texts", len(english))
	}
	for _, locale := range delivery.Locales {
		words := delivery.WordsOf(locale)
		for name, text := range words {
			if got, want := text == "", onlyInvite(name); got != want {
				t.Errorf("%s: %s is %q", locale, name, text)
			}
			if strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
				t.Errorf("%s: %s has spaces that are too many: %q", locale, name, text)
			}
		}
		for name := range english {
			if _, ok := words[name]; !ok && !amount.MatchString(name) {
				t.Errorf("%s has no %s", locale, name)
			}
		}
	}
}

func TestNoTextIsLeftInAnotherLanguage(t *testing.T) {
	for i, locale := range delivery.Locales {
		words := delivery.WordsOf(locale)
		for _, other := range delivery.Locales[:i] {
			for name, text := range delivery.WordsOf(other) {
				if text != "" && words[name] == text && !amount.MatchString(name) {
					t.Errorf("%s and %s have the same %s: %q", locale, other, name, text)
				}
			}
		}
	}
	// Who copies a sentence changes a word of it perhaps. These words are English only.
	english := regexp.MustCompile(`(?i)\b(the|you|your|this|link is|password|account|e-mail was|please|works?)\b`)
	scripts := map[string]*unicode.RangeTable{"uk": unicode.Cyrillic}
	for _, locale := range delivery.Locales[1:] {
		for name, text := range delivery.WordsOf(locale) {
			if word := english.FindString(text); word != "" {
				t.Errorf("%s: %s has the English %q", locale, name, word)
			}
			if script := scripts[locale]; script != nil && text != "" && name != "locale" && name != "tag" && !strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(script, r) }) {
				t.Errorf("%s: %s is in another script: %q", locale, name, text)
			}
			if locale == "ja" && text != "" && name != "locale" && name != "tag" && !strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }) {
				t.Errorf("%s: %s is in another script: %q", locale, name, text)
			}
		}
	}
}

// places are what each sentence has to be filled in.
func places(name string) []string {
	switch {
	case name == "valid":
		return []string{"{validity}"}
	case name == "sent":
		return []string{"{organization}"}
	case strings.HasSuffix(name, "By"):
		return []string{"{inviter}", "{organization}"}
	case strings.HasSuffix(name, ".subject"), strings.HasSuffix(name, ".lead"):
		return []string{"{organization}"}
	case amount.MatchString(name):
		return []string{"{n}"}
	}
	return nil
}

func TestEveryTextHasWhatIsFilledIn(t *testing.T) {
	place := regexp.MustCompile(`\{[^}]*\}`)
	for _, locale := range delivery.Locales {
		for name, text := range delivery.WordsOf(locale) {
			got := place.FindAllString(text, -1)
			slices.Sort(got)
			if want := places(name); text != "" && !slices.Equal(got, want) {
				t.Errorf("%s: %s has %q to be filled in, want %q", locale, name, got, want)
			}
		}
	}
}

func TestTypographyIsThatOfTheLanguage(t *testing.T) {
	quotes := map[string]string{
		"en": "“{organization}”", "uk": "«{organization}»", "de": "„{organization}“", "fr": "«\u00a0{organization}\u00a0»",
		"es": "«{organization}»", "pl": "„{organization}”", "pt_BR": "“{organization}”", "ja": "「{organization}」",
	}
	for _, locale := range delivery.Locales {
		words := delivery.WordsOf(locale)
		for _, name := range slices.Sorted(maps.Keys(words)) {
			text := words[name]
			if strings.Contains(text, "{organization}") && !strings.Contains(text, quotes[locale]) {
				t.Errorf("%s: %s does not quote by %s: %q", locale, name, quotes[locale], text)
			}
			if strings.ContainsAny(text, `"'`) || strings.Contains(text, "...") {
				t.Errorf("%s: %s has marks of a typewriter: %q", locale, name, text)
			}
			if locale == "fr" && regexp.MustCompile(`[^\x{a0}][:;!?»]|«[^\x{a0}]`).MatchString(text) {
				t.Errorf("%s: %s lacks a no-break space: %q", locale, name, text)
			}
			if locale == "ja" && strings.ContainsAny(text, ",.:!?") {
				t.Errorf("%s: %s has punctuation of other scripts: %q", locale, name, text)
			}
		}
	}
}

// validityIn returns what a mail says of how long its link is valid.
func validityIn(t *testing.T, locale string, d time.Duration) string {
	t.Helper()
	letter := delivery.Letter{Purpose: roster.PurposeReset, Locale: locale, Organization: "Acme", Link: "https://roster.example.com/x", Validity: d}
	message, err := letter.Render()
	if err != nil {
		t.Fatal(err)
	}
	sentence := delivery.WordsOf(locale)["valid"]
	before, after, _ := strings.Cut(sentence, "{validity}")
	_, text, ok := strings.Cut(message.Text, "\n"+before)
	text, _, ok2 := strings.Cut(text, after)
	if !ok || !ok2 {
		t.Fatalf("the mail does not have the sentence %q:\n%s", sentence, message.Text)
	}
	return strings.ReplaceAll(text, "\u00a0", " ")
}

func TestValidityIsInWords(t *testing.T) {
	const day, hour, minute = 24 * time.Hour, time.Hour, time.Minute
	for _, test := range []struct {
		locale string
		d      time.Duration
		want   string
	}{
		// What is lost on the way to the reader is not taken off.
		{"en", 7 * day, "7 days"}, {"en", 7*day - minute, "7 days"}, {"en", 7*day - 2*hour, "6 days"}, {"en", 2*day - hour, "2 days"},
		{"en", 47*hour - minute, "47 hours"}, {"en", 47*hour - 6*minute, "46 hours"}, {"en", day, "24 hours"}, {"en", day - minute, "24 hours"},
		{"en", day - 10*minute, "23 hours"}, {"en", 56 * minute, "1 hour"}, {"en", 54*minute + 59*time.Second, "54 minutes"},
		{"en", 90 * time.Second, "1 minute"}, {"en", time.Second, "1 minute"}, {"en", 0, "1 minute"}, {"en", 90 * day, "90 days"},

		{"uk", 2 * day, "2 дні"}, {"uk", 4 * day, "4 дні"}, {"uk", 5 * day, "5 днів"}, {"uk", 7 * day, "7 днів"}, {"uk", 11 * day, "11 днів"},
		{"uk", 12 * day, "12 днів"}, {"uk", 14 * day, "14 днів"}, {"uk", 20 * day, "20 днів"}, {"uk", 21 * day, "21 день"}, {"uk", 22 * day, "22 дні"},
		{"uk", 25 * day, "25 днів"}, {"uk", 81 * day, "81 день"}, {"uk", 111 * day, "111 днів"}, {"uk", 112 * day, "112 днів"}, {"uk", 121 * day, "121 день"},
		{"uk", hour, "1 годину"}, {"uk", 3 * hour, "3 години"}, {"uk", 11 * hour, "11 годин"}, {"uk", 21 * hour, "21 годину"}, {"uk", 24 * hour, "24 години"},
		{"uk", minute, "1 хвилину"}, {"uk", 32 * minute, "32 хвилини"}, {"uk", 45 * minute, "45 хвилин"},

		{"pl", 2 * day, "2 dni"}, {"pl", 5 * day, "5 dni"}, {"pl", 7 * day, "7 dni"}, {"pl", 21 * day, "21 dni"},
		{"pl", hour, "1 godzinę"}, {"pl", 2 * hour, "2 godziny"}, {"pl", 5 * hour, "5 godzin"}, {"pl", 12 * hour, "12 godzin"}, {"pl", 13 * hour, "13 godzin"},
		{"pl", 21 * hour, "21 godzin"}, {"pl", 22 * hour, "22 godziny"}, {"pl", 24 * hour, "24 godziny"}, {"pl", 25 * hour, "25 godzin"},
		{"pl", minute, "1 minutę"}, {"pl", 44 * minute, "44 minuty"}, {"pl", 14 * minute, "14 minut"}, {"pl", 31 * minute, "31 minut"},

		{"de", 7 * day, "7 Tage"}, {"de", day, "24 Stunden"}, {"de", hour, "1 Stunde"}, {"de", minute, "1 Minute"},
		{"fr", 7 * day, "7 jours"}, {"fr", hour, "1 heure"}, {"es", 7 * day, "7 días"}, {"es", hour, "1 hora"},
		{"pt_BR", 7 * day, "7 dias"}, {"pt_BR", 30 * minute, "30 minutos"}, {"ja", 7 * day, "7日間"}, {"ja", day, "24時間"}, {"ja", minute, "1分間"},
	} {
		if got := validityIn(t, test.locale, test.d); got != test.want {
			t.Errorf("in %s %v is %q, want %q", test.locale, test.d, got, test.want)
		}
	}
}
