package roster

import "strings"

// DefaultLocale is the language of messages where no other is known.
const DefaultLocale = "en"

// MessageLocales returns the languages that mails, and the page behind their links, are written in, DefaultLocale first.
func MessageLocales() []string {
	return []string{DefaultLocale, "uk", "de", "fr", "es", "pl", "pt_BR", "ja"}
}

// BestLocale returns the locale of have, such as de or pt_BR, that is nearest to wanted: the same, else the first of the same
// language, else DefaultLocale. Hyphens count as underscores, upper case as lower case, so that language tags (RFC 5646) do too.
func BestLocale(wanted string, have []string) string {
	wanted = strings.ReplaceAll(wanted, "-", "_")
	for _, locale := range have {
		if strings.EqualFold(locale, wanted) {
			return locale
		}
	}
	language, _, _ := strings.Cut(wanted, "_")
	for _, locale := range have {
		if l, _, _ := strings.Cut(locale, "_"); strings.EqualFold(l, language) {
			return locale
		}
	}
	return DefaultLocale
}
