package gateway

import (
	"fmt"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// FromTemplate returns the API of a template: its routes, authorizers, gateway responses and stage. functions are the functions by
// logical id. What the template has and this gateway cannot do is an error.
func FromTemplate(t *samtemplate.Template, functions map[string]Function) (Config, error) {
	config := Config{Stage: t.API.Stage, Responses: map[string]Response{}}
	if len(t.API.BinaryMediaTypes) > 0 {
		return Config{}, fmt.Errorf("%s: binary media types are not known here", t.Path)
	}
	authorizers := map[string]*Authorizer{samtemplate.NoAuthorizer: nil}
	for _, a := range t.API.Authorizers {
		if a.Type != "REQUEST" {
			return Config{}, fmt.Errorf("%s: authorizer %s: only authorizers of type REQUEST are known here", t.Path, a.Name)
		}
		authorizers[a.Name] = &Authorizer{Function: functions[a.Function], Headers: a.Headers, CacheFor: a.ReauthorizeEvery}
	}
	for _, r := range t.API.Routes {
		function, ok := t.Function(r.Function)
		if !ok || functions[r.Function] == nil {
			return Config{}, fmt.Errorf("%s:%d: nothing here answers for the function %s", t.Path, r.Line, r.Function)
		}
		config.Routes = append(config.Routes, Route{
			Method: r.Method, Path: r.Path, Function: functions[r.Function], Timeout: function.Timeout, Authorizer: authorizers[r.Authorizer],
		})
	}
	for _, r := range t.API.GatewayResponses {
		config.Responses[r.Type] = Response{Status: r.StatusCode, Headers: r.Headers, Body: r.Bodies["application/json"]}
	}
	return config, nil
}
