package api

import (
	"strconv"
	"strings"
)

// ETag returns a strong entity tag (RFC 9110, section 8.8.3) made of the version of what an answer shows, followed by
// whatever else the answer depends on and the version does not tell: the versions of other nouns it shows, or a state
// that time alone changes.
func ETag(version int64, more ...int64) string {
	tag := make([]byte, 0, 32)
	tag = append(tag, '"')
	tag = strconv.AppendInt(tag, version, 10)
	for _, n := range more {
		tag = append(tag, '-')
		tag = strconv.AppendInt(tag, n, 10)
	}
	return string(append(tag, '"'))
}

// NotModified reports whether the If-None-Match header of a GET says that the caller has the answer with that tag
// already (RFC 9110, section 13.1.2: a list of tags, compared weakly, or *). What is not a list of tags matches nothing.
func NotModified(ifNoneMatch, etag string) bool {
	return listed(ifNoneMatch, true, func(tag string) bool { return tag == etag })
}

// Matches reports whether the If-Match header of a change names the tag of what is there (RFC 9110, section 13.1.1: a list
// of tags, compared strongly, so that a weak one never matches, or *). What is not a list of tags matches nothing.
func Matches(ifMatch, etag string) bool {
	return listed(ifMatch, false, func(tag string) bool { return tag == etag })
}

// MatchesState is Matches for an answer that shows more than what is to be changed: it looks only at what a tag begins with,
// which ETag was given first and which says in what state that is. What else the answer showed may be another by now.
func MatchesState(ifMatch string, version int64, more ...int64) bool {
	state := ETag(version, more...)
	return listed(ifMatch, false, func(tag string) bool {
		return tag == state || strings.HasPrefix(tag, strings.TrimSuffix(state, `"`)+"-")
	})
}

// listed reports whether a list of entity tags holds one that matches, or is *. A weak tag counts, without its mark, only weakly.
func listed(list string, weakly bool, matches func(tag string) bool) bool {
	rest := strings.Trim(list, " \t")
	if rest == "*" {
		return true
	}
	for rest != "" {
		tag, weak := strings.CutPrefix(rest, "W/")
		if !strings.HasPrefix(tag, `"`) {
			return false
		}
		end := strings.IndexByte(tag[1:], '"')
		if end < 0 {
			return false
		}
		if (weakly || !weak) && matches(tag[:end+2]) {
			return true
		}
		rest = strings.TrimLeft(tag[end+2:], " \t,")
	}
	return false
}
