package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// verdict is what an authorizer answered.
type verdict struct {
	PrincipalID string         `json:"principalId"`
	Policy      policy         `json:"policyDocument"`
	Context     map[string]any `json:"context"`
}

// authorize lets the request pass or says how it is refused.
func (g *Gateway) authorize(x *exchange) *failure {
	a := x.route.Authorizer
	key, ok := identityOf(a, x.request)
	// With caching off the service does not check identity sources, since it needs no key.
	if !ok && a.CacheFor > 0 {
		return &failure{kind: "UNAUTHORIZED", status: http.StatusUnauthorized, message: "Unauthorized"}
	}
	v, kept := g.cache.get(a, key, x.began)
	if !kept {
		var f *failure
		if v, f = g.ask(a, x); f != nil {
			return f
		}
		g.cache.put(a, key, v, g.now())
	}
	texts, err := contextTexts(v)
	if err != nil {
		return authorizerFailure("AUTHORIZER_CONFIGURATION_ERROR", err)
	}
	switch v.Policy.decide(g.methodARN(x)) {
	case allowed:
		x.context = make(map[string]any, len(texts)+1)
		for name, text := range texts {
			x.context[name] = text
		}
		x.context["integrationLatency"] = 0
		return nil
	case denied:
		return &failure{kind: "ACCESS_DENIED", status: http.StatusForbidden, context: texts, message: "User is not authorized to access this resource with an explicit deny"}
	default:
		return &failure{kind: "ACCESS_DENIED", status: http.StatusForbidden, context: texts, message: "User is not authorized to access this resource"}
	}
}

// ask calls the authorizer.
func (g *Gateway) ask(a *Authorizer, x *exchange) (*verdict, *failure) {
	output, err := g.call(x.request.Context(), a.Function, 0, g.authorizerEvent(x))
	if err != nil && err.Error() == "Unauthorized" { // the one error text that the service takes for a verdict
		return nil, &failure{kind: "UNAUTHORIZED", status: http.StatusUnauthorized, message: "Unauthorized"}
	}
	if err != nil {
		return nil, authorizerFailure("AUTHORIZER_FAILURE", err)
	}
	var v verdict
	if err := json.Unmarshal(output, &v); err != nil {
		return nil, authorizerFailure("AUTHORIZER_CONFIGURATION_ERROR", fmt.Errorf("the authorizer's answer cannot be read: %w", err))
	}
	if v.PrincipalID == "" || len(v.Policy.Statement) == 0 {
		return nil, authorizerFailure("AUTHORIZER_CONFIGURATION_ERROR", fmt.Errorf("the authorizer's answer has no principalId or no policy: %s", output))
	}
	return &v, nil
}

func authorizerFailure(kind string, cause error) *failure {
	return &failure{kind: kind, status: http.StatusInternalServerError, message: "Internal server error", cause: cause}
}

// identityOf returns the values of the identity sources, and whether all are there.
func identityOf(a *Authorizer, r *http.Request) (string, bool) {
	values := make([]string, 0, len(a.Headers))
	for _, name := range a.Headers {
		value := strings.TrimSpace(strings.Join(r.Header.Values(name), ","))
		if value == "" {
			return "", false
		}
		values = append(values, value)
	}
	return strings.Join(values, "\n"), true
}

// contextTexts returns what the authorizer hands to functions and gateway responses: every value as text, as the service
// makes it. Lists and objects are not allowed there.
func contextTexts(v *verdict) (map[string]string, error) {
	texts := make(map[string]string, len(v.Context)+1)
	for name, value := range v.Context {
		switch value := value.(type) {
		case string:
			texts[name] = value
		case bool, float64:
			texts[name] = fmt.Sprint(value)
		case nil:
		default:
			return nil, fmt.Errorf("the authorizer's context value %q is neither text, number nor boolean", name)
		}
	}
	texts["principalId"] = v.PrincipalID
	return texts, nil
}

// maxVerdicts bounds the cache; past it, expired verdicts are dropped, and if there are none, all are.
const maxVerdicts = 10_000

// verdictCache keeps verdicts by authorizer and identity. Its zero value is ready for use.
type verdictCache struct {
	mu       sync.Mutex
	verdicts map[verdictKey]keptVerdict // guarded by mu
}

type verdictKey struct {
	authorizer *Authorizer
	identity   string
}

type keptVerdict struct {
	*verdict
	since time.Time
}

func (c *verdictCache) get(a *Authorizer, identity string, now time.Time) (*verdict, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, ok := c.verdicts[verdictKey{a, identity}]
	if !ok || expired(kept.since, a.CacheFor, now) {
		return nil, false
	}
	return kept.verdict, true
}

func (c *verdictCache) put(a *Authorizer, identity string, v *verdict, now time.Time) {
	if a.CacheFor <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.verdicts) >= maxVerdicts {
		for key, kept := range c.verdicts {
			if expired(kept.since, key.authorizer.CacheFor, now) {
				delete(c.verdicts, key)
			}
		}
	}
	if c.verdicts == nil || len(c.verdicts) >= maxVerdicts {
		c.verdicts = map[verdictKey]keptVerdict{}
	}
	c.verdicts[verdictKey{a, identity}] = keptVerdict{v, now}
}
