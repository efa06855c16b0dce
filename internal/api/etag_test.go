package api_test

import (
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api"
)

func TestETags(t *testing.T) {
	if got := api.ETag(7); got != `"7"` {
		t.Errorf("ETag(7) = %s", got)
	}
	tag := api.ETag(7, 1, 20)
	if tag != `"7-1-20"` {
		t.Errorf("ETag(7, 1, 20) = %s", tag)
	}
	for header, want := range map[string]bool{
		"": false, `"7-1-20"`: true, `W/"7-1-20"`: true, "*": true, ` "7-1-20" `: true, `"x", "7-1-20"`: true, `"x","7-1-20"`: true,
		`"a,b", W/"7-1-20"`: true, `"7"`: false, `7-1-20`: false, `"7-1-20`: false, `"`: false, `W/`: false, `"x" 7-1-20`: false, `"",,`: false,
	} {
		if got := api.NotModified(header, tag); got != want {
			t.Errorf("NotModified(%q, %s) = %v, want %v", header, tag, got, want)
		}
	}
}

func TestMatchesComparesStrongly(t *testing.T) {
	for header, want := range map[string]bool{
		`"7-1"`: true, "*": true, ` "7-1" `: true, `"x", "7-1"`: true, `W/"x", "7-1"`: true, `W/"7-1", "7-1"`: true,
		"": false, `W/"7-1"`: false, `"x"`: false, `7-1`: false, `"7-1`: false, `"x", W/"7-1"`: false, `*, "x"`: false,
	} {
		if got := api.Matches(header, `"7-1"`); got != want {
			t.Errorf("Matches(%q) = %v, want %v", header, got, want)
		}
	}
}

func FuzzNotModified(f *testing.F) {
	for _, seed := range []string{"", "*", `"1"`, `W/"1", "2"`, `"`, `W/"`, ",,,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if api.NotModified(header, `"1-2"`) && !strings.Contains(header, `"1-2"`) && strings.Trim(header, " \t") != "*" {
			t.Errorf("NotModified(%q) = true", header)
		}
	})
}

func TestMatchesStateLooksAtTheBeginningOfTags(t *testing.T) {
	for header, want := range map[string]bool{
		`"7-1"`: true, `"7-1-20"`: true, `"7-1-20-3"`: true, "*": true, `"x", "7-1-5"`: true, `W/"x", "7-1-5"`: true,
		"": false, `W/"7-1-20"`: false, `"7-10"`: false, `"7-10-1"`: false, `"7"`: false, `"17-1"`: false, `"7-2-20"`: false, `7-1-20`: false, `"7-1-20`: false,
	} {
		if got := api.MatchesState(header, 7, 1); got != want {
			t.Errorf("MatchesState(%q, 7, 1) = %v, want %v", header, got, want)
		}
	}
}
