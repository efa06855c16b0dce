package lambdaio

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxResponseBytes is the size of the largest answer that a function can return, as JSON: Lambda's 6 MB for a synchronous
// call, less room for status, header names and the envelope.
const MaxResponseBytes = 6<<20 - 16<<10

// answer is a response writer with the semantics of net/http's server, which the proxy library's own does not have: there
// the last WriteHeader wins, headers set after it still count, and a handler that writes nothing fails.
type answer struct {
	method string
	header http.Header // what the handler sets
	sent   http.Header // what header was when the status was set; nil before
	status int         // 0 until set
	body   []byte
}

// Header returns the headers that the handler sets. Changes after WriteHeader or Write change nothing.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader sets the status and fixes the headers. Only the first call counts; informational statuses (1xx) are dropped, since
// an event can hold one answer only. Like net/http it panics on a status that is none.
func (a *answer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid status code %d", status))
	}
	if a.status != 0 || status < 200 {
		return
	}
	a.status = status
	a.sent = maps.Clone(a.header)
	for name, values := range a.sent {
		a.sent[name] = slices.Clone(values)
	}
}

// Write adds to the body, after setting status 200 if none is set. It returns http.ErrBodyNotAllowed for a status that has no
// body, and drops the body of an answer to HEAD.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	if a.method == http.MethodHead {
		return len(b), nil
	}
	a.body = append(a.body, b...)
	return len(b), nil
}

// Flush fixes status and headers, as http.Flusher asks; the body leaves when the handler returns.
func (a *answer) Flush() { a.WriteHeader(http.StatusOK) }

// send writes the finished answer to the library's writer.
func (a *answer) send(w http.ResponseWriter) {
	a.WriteHeader(http.StatusOK)
	header := w.Header()
	for name, values := range a.sent {
		if !sendable(name) {
			continue
		}
		for i, value := range values {
			values[i] = oneLine(value)
		}
		header[name] = values
	}
	if len(a.body) > 0 && header.Get("Content-Type") == "" {
		// The library would guess, and guesses text/plain for JSON. Nobody's guess is better than none (RFC 9110, section 8.3).
		header.Set("Content-Type", "application/octet-stream")
	}
	w.WriteHeader(a.status)
	if len(a.body) > 0 {
		_, _ = w.Write(a.body) // into memory, which does not fail
	}
}

// sendable reports whether a header may stand in an event: it has a name that is a token (RFC 9110, section 5.6.2), and is
// not about the connection, which is the gateway's.
func sendable(name string) bool {
	if name == "" || name == "Connection" || name == "Transfer-Encoding" || strings.HasPrefix(name, http.TrailerPrefix) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}

// oneLine replaces what would end a header early; API Gateway answers 502 to a header that holds a line break.
func oneLine(value string) string {
	if !strings.ContainsAny(value, "\r\n\x00") {
		return value
	}
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, value)
}

// encodedSize returns how many bytes the body takes in the JSON of the event, and the headers' values as they are.
func (a *answer) encodedSize() int {
	size := 0
	for name, values := range a.header {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	if !utf8.Valid(a.body) {
		return size + base64.StdEncoding.EncodedLen(len(a.body))
	}
	for i := range len(a.body) {
		switch c := a.body[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f':
			size += 2
		case c < ' ':
			size += 6
		case c == 0xe2 && i+2 < len(a.body) && a.body[i+1] == 0x80 && a.body[i+2]&^1 == 0xa8:
			size += 4 // U+2028 and U+2029 become six bytes; the other two are counted as they come
		default:
			size++
		}
	}
	return size
}
