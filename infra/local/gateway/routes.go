package gateway

import (
	"net/url"
	"slices"
	"strings"
)

// route is a Route with its path taken apart.
type route struct {
	Route
	segments []string
}

func newRoute(r Route) route { return route{Route: r, segments: split(r.Path)} }

func split(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

// segmentsOf returns the segments of a request's path, decoded. It is taken apart as it was sent, so that %2F is a character of a segment
// and ends none.
func segmentsOf(u *url.URL) []string {
	segments := split(u.EscapedPath())
	for i, segment := range segments {
		if plain, err := url.PathUnescape(segment); err == nil {
			segments[i] = plain
		}
	}
	return segments
}

// loggable returns what of a request's path may be shown: that of its route if it has parameters, since a parameter may be a secret
// that lets somebody in. A path without a route is cut behind a segment that parameters come behind in some route, wherever it
// stands: it may be a link that somebody put together wrongly.
func (g *Gateway) loggable(found *route, u *url.URL) string {
	if found != nil {
		if found.parametersAt() < len(found.segments) {
			return found.Path
		}
		return u.Path
	}
	asked := segmentsOf(u)
	for _, r := range g.routes {
		at := r.parametersAt()
		if at == 0 || at == len(r.segments) {
			continue
		}
		i := slices.IndexFunc(asked, func(segment string) bool { return strings.EqualFold(segment, r.segments[at-1]) })
		if i >= 0 && i < len(asked)-1 {
			return "/" + strings.Join(asked[:i+1], "/") + "/..."
		}
	}
	return u.Path
}

// parametersAt returns the index of the first segment that is a parameter; the number of segments if none is.
func (r *route) parametersAt() int {
	at := slices.IndexFunc(r.segments, func(segment string) bool { return rank(segment) > 0 })
	if at < 0 {
		return len(r.segments)
	}
	return at
}

// find returns the route of a request and its path parameters, decoded, nil if there is none. A literal segment goes before a
// parameter, a parameter before a {name+} that takes the rest, and a method before ANY.
func (g *Gateway) find(method string, asked []string) (*route, map[string]string) {
	var best *route
	var bestParams map[string]string
	for i := range g.routes {
		r := &g.routes[i]
		if r.Method != method && r.Method != "ANY" {
			continue
		}
		params, ok := r.match(asked)
		if ok && (best == nil || r.before(best)) {
			best, bestParams = r, params
		}
	}
	return best, bestParams
}

func (r *route) match(asked []string) (map[string]string, bool) {
	var params map[string]string
	set := func(name, value string) {
		if params == nil {
			params = map[string]string{}
		}
		params[name] = value
	}
	for i, segment := range r.segments {
		if i >= len(asked) {
			return nil, false
		}
		name, greedy := parameter(segment)
		switch {
		case greedy:
			set(name, strings.Join(asked[i:], "/"))
			return params, asked[i] != ""
		case name != "":
			if asked[i] == "" {
				return nil, false
			}
			set(name, asked[i])
		case segment != asked[i]:
			return nil, false
		}
	}
	return params, len(asked) == len(r.segments)
}

// parameter returns the name in {name} or {name+}, and whether it is greedy; "" for a literal segment.
func parameter(segment string) (name string, greedy bool) {
	name, ok := strings.CutPrefix(segment, "{")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, "}")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "+")
}

// before reports whether r is the more special of two routes that both match.
func (r *route) before(other *route) bool {
	for i := range min(len(r.segments), len(other.segments)) {
		if a, b := rank(r.segments[i]), rank(other.segments[i]); a != b {
			return a < b
		}
	}
	return r.Method != "ANY" && other.Method == "ANY"
}

func rank(segment string) int {
	switch name, greedy := parameter(segment); {
	case greedy:
		return 2
	case name != "":
		return 1
	default:
		return 0
	}
}
