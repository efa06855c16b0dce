package roster

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold returns s in the form in which text is searched, compared and sorted: every letter replaced by one
// representative of its Unicode simple case folding (Unicode 15, CaseFolding.txt, classes C and S). Two strings are
// equal but for case exactly when their folds are the same bytes. Letters with accents stay what they are.
//
// Sorting compares the folds byte by byte, which for UTF-8 is the order of the code points.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(foldRune, s)
		}
	}
	return s
}

// AppendFold appends Fold(s) to dst.
func AppendFold(dst []byte, s string) []byte {
	for _, r := range s {
		if r < utf8.RuneSelf {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			dst = append(dst, byte(r))
			continue
		}
		dst = utf8.AppendRune(dst, foldRune(r))
	}
	return dst
}

// foldRune returns the smallest rune of r's folding orbit, lower-cased where that is an ASCII capital. It is the same
// for every rune of the orbit, so it can stand for all of them: K, k and the Kelvin sign become k.
func foldRune(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if 'A' <= least && least <= 'Z' {
		return least + ('a' - 'A')
	}
	return least
}
