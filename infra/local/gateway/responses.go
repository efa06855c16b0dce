package gateway

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Response is a gateway response: what the service sends when a request does not get to a function, or its answer does not get
// back.
type Response struct {
	// Status overrides the status; zero keeps the one of the type.
	Status int
	// Headers are literals by name.
	Headers map[string]string
	// Body is the template of the body for application/json. Empty means the service's own: {"message":...}.
	Body string
}

// refuse sends the gateway response of a failure and returns its status.
func (g *Gateway) refuse(w http.ResponseWriter, x *exchange, f *failure) int {
	response := g.responseFor(f)
	status := f.status
	if response.Status != 0 {
		status = response.Status
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Amzn-Errortype", errorType(f.kind))
	for name, value := range response.Headers {
		header.Set(name, value)
	}
	template := response.Body
	if template == "" {
		template = `{"message":$context.error.messageString}`
	}
	body := variable.ReplaceAllStringFunc(template, func(name string) string { return g.variable(name, x, f) })
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if x.request.Method != http.MethodHead {
		_, _ = w.Write([]byte(body)) // a failed write means that the caller is gone
	}
	return status
}

// responseFor returns the gateway response for a failure: that of its type, or the default of its class.
func (g *Gateway) responseFor(f *failure) Response {
	if response, ok := g.config.Responses[f.kind]; ok {
		return response
	}
	class := "DEFAULT_5XX"
	if f.status < http.StatusInternalServerError {
		class = "DEFAULT_4XX"
	}
	return g.config.Responses[class]
}

// variable finds what a body template substitutes. It is no template language: a name stands for a text, and that is all.
var variable = regexp.MustCompile(`\$(?:context|stageVariables|method\.request)(?:\.[A-Za-z0-9_-]+)+`)

// variable returns the text that stands for a name in a body template. Unknown names stand for nothing.
func (g *Gateway) variable(name string, x *exchange, f *failure) string {
	switch name {
	case "$context.error.message":
		return f.message
	case "$context.error.messageString":
		return quoted(f.message)
	case "$context.error.responseType":
		return f.kind
	case "$context.requestId", "$context.extendedRequestId":
		return x.id
	case "$context.stage":
		return g.config.Stage
	case "$context.httpMethod":
		return x.request.Method
	case "$context.path":
		return x.request.URL.Path
	}
	if key, ok := strings.CutPrefix(name, "$context.authorizer."); ok {
		return f.context[key]
	}
	if key, ok := strings.CutPrefix(name, "$stageVariables."); ok {
		return g.config.StageVariables[key]
	}
	if key, ok := strings.CutPrefix(name, "$method.request.header."); ok {
		return x.request.Header.Get(key)
	}
	return ""
}

// errorType is what the service says in x-amzn-ErrorType.
func errorType(kind string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(kind), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]))
			b.WriteString(word[1:])
		}
	}
	return b.String() + "Exception"
}

func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic("gateway: encoding a string: " + err.Error())
	}
	return string(b)
}
