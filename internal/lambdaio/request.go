package lambdaio

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// checkEvent reports what would make the proxy library fail, which it does with an error that API Gateway shows as 502. The
// error's text is for the caller.
func checkEvent(event *Request) error {
	if event.HTTPMethod == "" {
		event.HTTPMethod = http.MethodGet
	}
	for _, c := range event.HTTPMethod {
		if c < 'A' || c > 'Z' {
			if c < 'a' || c > 'z' {
				return fmt.Errorf("the method %q is none of HTTP's", event.HTTPMethod)
			}
		}
	}
	if event.IsBase64Encoded {
		// Decoded once more by the library; bodies that arrive this way are rare, since the API has no binary media types.
		if _, err := base64.StdEncoding.DecodeString(event.Body); err != nil {
			return fmt.Errorf("the body is not valid base64")
		}
	}
	return nil
}

// plainEvent returns a copy of event that holds only what the library can be trusted with. Path, query, host and remote
// address are left out: repairRequest sets them, without the library's detour through a formatted URL, which splits a path
// at a decoded question mark, fails on a bare per cent sign, and shuffles query keys.
func plainEvent(event *Request) Request {
	plain := *event
	plain.Path = "/"
	plain.QueryStringParameters, plain.MultiValueQueryStringParameters = nil, nil
	plain.RequestContext.DomainName = "localhost"
	if len(plain.MultiValueHeaders) == 0 {
		plain.MultiValueHeaders = nil // an empty, non-nil map would hide the single-value headers from the library
	}
	return plain
}

// repairRequest gives r what plainEvent kept from the library, in the form that net/http's server would have given it.
func repairRequest(r *http.Request, event *Request, basePath string) {
	r.URL = requestURL(event, basePath)
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = net.JoinHostPort(event.RequestContext.Identity.SourceIP, "0")
	r.Host = r.Header.Get("Host")
	if r.Host == "" {
		r.Host = event.RequestContext.DomainName
	}
	delete(r.Header, "Host") // as net/http's server does
	dropLibraryHeaders(r.Header)
}

// dropLibraryHeaders removes request headers by which the proxy library's other mode hands on the gateway's context. On
// the mode used here only a caller can have set them, and nobody may come to believe them.
func dropLibraryHeaders(header http.Header) {
	const prefix = "x-golambdaproxy-"
	for name := range header {
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			delete(header, name)
		}
	}
}

// requestURL returns the URL of an event: path and query only, as a server sees them.
func requestURL(event *Request, basePath string) *url.URL {
	escaped := stripBasePath(escapePath(event.Path), basePath)
	path, err := url.PathUnescape(escaped)
	if err != nil {
		path = escaped // escapePath left no escape that cannot be read
	}
	u := &url.URL{Path: path, RawQuery: rawQuery(event)}
	if u.EscapedPath() != escaped {
		u.RawPath = escaped
	}
	return u
}

// escapePath returns the event's path in escaped form. Whether API Gateway hands over the path decoded is not documented,
// so both are read: a per cent sign with two hex digits is an escape, any other stands for itself; what only a decoded
// path can hold (question mark, number sign, space, control and non-ASCII characters) is escaped. No id that Roster puts in a path
// contains a per cent sign, so the two readings never differ for a path that leads anywhere.
func escapePath(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(path) + 1)
	if !strings.HasPrefix(path, "/") {
		b.WriteByte('/')
	}
	for i := range len(path) {
		c := path[i]
		if c == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]) || c != '%' && c != '?' && c != '#' && c > ' ' && c < 0x7f {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// cleanBasePath returns the base path with a leading and without a trailing slash, or "" for none.
func cleanBasePath(basePath string) string {
	if basePath = strings.Trim(strings.TrimSpace(basePath), "/"); basePath == "" {
		return ""
	}
	return "/" + basePath
}

// stripBasePath takes basePath off path if it is a prefix of whole segments: /v1 is none of /v10/users.
func stripBasePath(path, basePath string) string {
	rest, ok := strings.CutPrefix(path, basePath)
	switch {
	case basePath == "" || !ok:
		return path
	case rest == "":
		return "/"
	case rest[0] == '/':
		return rest
	default:
		return path
	}
}

// rawQuery returns the query, re-escaped: the gateway hands over decoded keys and values, so "%41" among them is a per cent
// sign and two digits. Values of one key keep their order; keys are sorted, since the event has lost theirs.
func rawQuery(event *Request) string {
	if len(event.MultiValueQueryStringParameters) > 0 {
		return url.Values(event.MultiValueQueryStringParameters).Encode()
	}
	if len(event.QueryStringParameters) == 0 {
		return ""
	}
	values := make(url.Values, len(event.QueryStringParameters))
	for key, value := range event.QueryStringParameters {
		values[key] = []string{value}
	}
	return values.Encode()
}

// callerOf reads the caller from the part of the event that only the gateway can write.
func callerOf(event *Request) Caller {
	caller := Caller{RequestID: event.RequestContext.RequestID}
	// Never from X-Forwarded-For, whose first entries are whatever the caller made up.
	if source, err := netip.ParseAddr(event.RequestContext.Identity.SourceIP); err == nil {
		caller.SourceIP = source
	}
	if len(event.RequestContext.Authorizer) == 0 {
		return caller
	}
	attributes := make(map[string]string, len(event.RequestContext.Authorizer))
	for name, value := range event.RequestContext.Authorizer {
		// The gateway makes every context value a string; anything else is not ours (integrationLatency is a number).
		if text, ok := value.(string); ok {
			attributes[name] = text
		}
	}
	if principal, ok := roster.PrincipalFromAttributes(attributes); ok {
		caller.Principal = &principal
	}
	return caller
}
