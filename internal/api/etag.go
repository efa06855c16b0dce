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
func NotModified(ifNoneMatch, etag string) bool { return listed(ifNoneMatch, etag, true) }

// Matches reports whether the If-Match header of a change names the tag of what is there (RFC 9110, section 13.1.1: a list
// of tags, compared strongly, so that a weak one never matches, or *). What is not a list of tags matches nothing.
func Matches(ifMatch, etag string) bool { return listed(ifMatch, etag, false) }

// listed reports whether a list of entity tags holds the strong tag etag, or is *.
func listed(list, etag string, weakly bool) bool {
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
		if tag[:end+2] == etag && (weakly || !weak) {
			return true
		}
		rest = strings.TrimLeft(tag[end+2:], " \t,")
	}
	return false
}
