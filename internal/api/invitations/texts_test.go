package invitations

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

var placeholder = regexp.MustCompile(`\{\w*\}`)

// forEachText calls do with the name and value of every text.
func forEachText(t *texts, do func(name, value string)) {
	v := reflect.ValueOf(*t)
	for i := range v.NumField() {
		do(v.Type().Field(i).Name, v.Field(i).String())
	}
}

func TestEveryLanguageHasEveryText(t *testing.T) {
	original := map[string]string{}
	forEachText(&english, func(name, value string) { original[name] = value })
	seen := map[string]bool{}
	for _, locale := range locales {
		mine := textsOf(locale)
		if want := strings.ReplaceAll(locale, "_", "-"); mine.Lang != want || seen[mine.Lang] {
			t.Errorf("%s has the texts of %s, want its own", locale, mine.Lang)
		}
		seen[mine.Lang] = true
		same := 0
		forEachText(mine, func(name, value string) {
			if strings.TrimSpace(value) == "" || !utf8.ValidString(value) {
				t.Errorf("%s has no %s", locale, name)
			}
			inOriginal, inMine := placeholder.FindAllString(original[name], -1), placeholder.FindAllString(value, -1)
			slices.Sort(inOriginal)
			slices.Sort(inMine)
			if !slices.Equal(inOriginal, inMine) {
				t.Errorf("%s, %s: the text puts in %v, the English one %v", locale, name, inMine, inOriginal)
			}
			if value == original[name] {
				same++
			}
		})
		// Some short ones are the same: "Error: " in Spanish.
		if locale != roster.DefaultLocale && same > 2 {
			t.Errorf("%s has %d texts that are English", locale, same)
		}
		// WCAG 2.5.3: what is spoken of a button contains what is seen of it.
		for seen, spoken := range map[string]string{mine.Show: mine.ShowPassword, mine.Hide: mine.HidePassword} {
			if !strings.Contains(strings.ToLower(spoken), strings.ToLower(seen)) {
				t.Errorf("%s: the button %q is called %q", locale, seen, spoken)
			}
		}
	}
	if len(seen) != 8 {
		t.Errorf("there are %d languages, want 8", len(seen))
	}
}

// TestEveryRuleIsTranslated breaks every rule of the fields and looks for its text: package roster's words are shown to nobody who
// does not read English.
func TestEveryRuleIsTranslated(t *testing.T) {
	names := []string{"", "5", "a/b", "a\u200bb", "\uff21\uff22", "p\u0430ypal", strings.Repeat("x", 200), "\xff", "!", "a<b"}
	broken := map[roster.FieldError]roster.AcceptanceForm{}
	for _, purpose := range []roster.Purpose{roster.PurposeInvite, roster.PurposeSignUp, roster.PurposeReset} {
		for _, name := range names {
			form := roster.AcceptanceForm{Name: name, OrganizationName: name, Password: name}
			for _, e := range fieldsOf(form.Validate(purpose)) {
				broken[e] = form
			}
		}
	}
	broken[roster.FieldError{Field: fieldName, Message: mustBeOnce}] = roster.AcceptanceForm{}
	if len(broken) < 16 {
		t.Errorf("only %d rules were broken", len(broken))
	}
	for _, locale := range locales {
		mine := textsOf(locale)
		var known []string
		forEachText(mine, func(_, value string) { known = append(known, value) })
		for e, form := range broken {
			got := mine.rule(e, &form)
			matches := func(text string) bool {
				pattern := regexp.QuoteMeta(text)
				pattern = strings.NewReplacer(`\{least\}`, `\d+`, `\{most\}`, `\d+`).Replace(pattern)
				return regexp.MustCompile("^" + pattern + "$").MatchString(got)
			}
			if !slices.ContainsFunc(known, matches) || strings.Contains(got, "{") {
				t.Errorf("%s: %s %s is told as %q", locale, e.Field, e.Message, got)
			}
		}
	}
	if got := english.rule(roster.FieldError{Field: "organization", Message: "is too deep"}, &roster.AcceptanceForm{}); got != "organization is too deep" {
		t.Errorf("an unknown rule is told as %q", got)
	}
}

// FuzzForm reads whatever is posted as a form or as JSON.
func FuzzForm(f *testing.F) {
	for _, body := range []string{
		"", "name=a&password=b&organizationName=c", "name=a&name=b", "%", "name=%ff", "&&&=;", `{"name":"a"}`, `{"name":"a","name":"b"}`, `{"x":{}}`, "[", "null",
	} {
		f.Add(body, true)
		f.Add(body, false)
	}
	s := &site{bodies: api.NewBodyReader[body]()}
	f.Fuzz(func(t *testing.T, text string, form bool) {
		r := httptest.NewRequest(http.MethodPost, "/invitations/x", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		if form {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		got, err := s.form(r)
		if err != nil {
			if roster.KindOf(err) == roster.KindInvalid && got.Name+got.Password+got.OrganizationName != "" {
				t.Errorf("%q is refused and read: %+v", text, got)
			}
			return
		}
		if !utf8.ValidString(got.Name) || !utf8.ValidString(got.Password) || !utf8.ValidString(got.OrganizationName) {
			t.Errorf("%q is read as %+v, which is not UTF-8", text, got)
		}
		if !form {
			return
		}
		// What was read is what the page would send again, but for the spaces around names.
		again := url.Values{fieldName: {got.Name}, fieldPassword: {got.Password}, fieldOrganization: {got.OrganizationName}}
		r = httptest.NewRequest(http.MethodPost, "/invitations/x", strings.NewReader(again.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		twice, err := s.form(r)
		twice.Broken = got.Broken
		if err != nil && len(again.Encode()) <= 64<<10 || err == nil && !reflect.DeepEqual(got, twice) {
			t.Errorf("%q is read as %+v, and that as %+v, %v", text, got, twice, err)
		}
	})
}
