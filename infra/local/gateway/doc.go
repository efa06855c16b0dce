// Package gateway is API Gateway on a developer's machine: an http.Handler that turns each request into the event of a REST
// API's proxy integration (payload v1), asks the Lambda authorizer and keeps its verdicts, calls the function that the route
// names, and turns its answer, or what went wrong, into the response that the service would send.
//
// It knows nothing of Roster: routes, authorizers and gateway responses come in Config, which FromTemplate makes of
// template.yaml, and functions are called with the JSON that Lambda would give them. Which functions there are, and what they are
// run with, is infra/local's to say. Where the service's behaviour is documented it
// is kept, limits included (10 MB in, 6 MB out, 29 s); what it does not do is throttle, check API keys, or run one request at a
// time per function as an execution environment does.
//
// Read gateway.go first: ServeHTTP is a request's whole way. event.go makes the event, authorizer.go the verdict, policy.go reads
// it, answer.go and responses.go write what comes back.
package gateway
