package roster_test

import (
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

func TestBestLocale(t *testing.T) {
	have := []string{"en", "uk", "de", "fr", "pt_BR", "pt", "zh_Hant"}
	for wanted, want := range map[string]string{
		"de": "de", "de_DE": "de", "de_AT": "de", "de-CH": "de", "DE": "de", "de_CH_1996": "de",
		"pt_BR": "pt_BR", "pt-br": "pt_BR", "PT_br": "pt_BR", "pt": "pt", "pt_PT": "pt_BR",
		"uk_UA": "uk", "zh": "zh_Hant", "zh_CN": "zh_Hant",
		"": "en", "xx": "en", "xx_DE": "en", "d": "en", "deu": "en", "_": "en", "-": "en", "_de": "en", "e": "en",
		"en_GB": "en", "\x00": "en",
	} {
		if got := roster.BestLocale(wanted, have); got != want {
			t.Errorf("BestLocale(%q) = %q, want %q", wanted, got, want)
		}
	}
	if got := roster.BestLocale("de", nil); got != roster.DefaultLocale {
		t.Errorf("with no locales it is %q", got)
	}
}

func FuzzBestLocale(f *testing.F) {
	for _, seed := range []string{"", "de", "de-AT", "_", "pt_br", "\xff_\xff"} {
		f.Add(seed)
	}
	have := []string{"en", "de", "pt_BR"}
	f.Fuzz(func(t *testing.T, wanted string) {
		switch got := roster.BestLocale(wanted, have); got {
		case "en", "de", "pt_BR":
			if again := roster.BestLocale(got, have); again != got {
				t.Errorf("BestLocale(%q) = %q, and of that %q", wanted, got, again)
			}
		default:
			t.Errorf("BestLocale(%q) = %q, which there is not", wanted, got)
		}
	})
}
