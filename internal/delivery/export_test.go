package delivery

import "reflect"

// What the tests of the words look at.

// WordsOf returns all that is said in a locale, by the name of its field, such as invite.subject or days.0.
func WordsOf(locale string) map[string]string {
	words := make(map[string]string)
	collect(words, "", reflect.ValueOf(*languageFor(locale)))
	return words
}

func collect(words map[string]string, name string, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		words[name] = v.String()
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i).Name
			if name != "" {
				field = name + "." + field
			}
			collect(words, field, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(words, name+"."+string(rune('0'+i)), v.Index(i))
		}
	}
}

// LanguageOf returns the locale of the language that is taken for a locale.
func LanguageOf(locale string) string { return languageFor(locale).locale }

var (
	PlainName = plain
	Clip      = clip
	TagsOf    = tagsOf
)
