package gateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// answer is a function's answer in the form of a proxy integration.
type answer struct {
	StatusCode   int                 `json:"statusCode"`
	Headers      map[string]string   `json:"headers"`
	MultiHeaders map[string][]string `json:"multiValueHeaders"`
	Body         string              `json:"body"`
	Base64       bool                `json:"isBase64Encoded"`
}

// readAnswer reads a function's output. An answer that the service calls malformed is an error.
func readAnswer(output []byte) (*answer, error) {
	var a answer
	if err := json.Unmarshal(output, &a); err != nil {
		return nil, fmt.Errorf("the function's answer cannot be read: %w", err)
	}
	if a.StatusCode < 100 || a.StatusCode > 599 {
		return nil, fmt.Errorf("the function's answer has the status %d", a.StatusCode)
	}
	if a.Base64 {
		// Without binary media types the service would send the base64 text itself, which no client wants.
		body, err := base64.StdEncoding.DecodeString(a.Body)
		if err != nil {
			return nil, errors.New("the function's answer says that it is base64, and is not")
		}
		a.Body = string(body)
	}
	return &a, nil
}

// remapped are the response headers of a function that the service sends under another name (AWS: "Amazon API Gateway
// important notes"): a function behind a REST API can never send WWW-Authenticate, only a gateway response can.
var remapped = []string{"Authorization", "Connection", "Content-Md5", "Date", "Max-Forwards", "Server", "User-Agent", "Www-Authenticate"}

// write sends the answer and returns its status.
func (a *answer) write(w http.ResponseWriter, method string) int {
	header := w.Header()
	for name, value := range a.Headers {
		if _, twice := a.MultiHeaders[name]; !twice {
			header.Add(outgoing(name), value)
		}
	}
	for name, values := range a.MultiHeaders {
		for _, value := range values {
			header.Add(outgoing(name), value)
		}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json") // the service's default
	}
	header.Del("Transfer-Encoding")
	bodiless := a.StatusCode == http.StatusNoContent || a.StatusCode == http.StatusNotModified || a.StatusCode < 200
	if bodiless {
		header.Del("Content-Type")
		header.Del("Content-Length")
	} else if method != http.MethodHead {
		header.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.StatusCode)
	if !bodiless && method != http.MethodHead {
		_, _ = w.Write([]byte(a.Body)) // a failed write means that the caller is gone
	}
	return a.StatusCode
}

func outgoing(name string) string {
	name = http.CanonicalHeaderKey(name)
	if slices.Contains(remapped, name) {
		return "X-Amzn-Remapped-" + name
	}
	return name
}
