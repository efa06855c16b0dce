// Package lambdaio is where Lambda meets Go: it turns API Gateway proxy events (REST API, payload v1) into requests for an
// http.Handler and its answers back, turns authorizer events into calls of a verify function and its verdict into a
// policy, gives the records of a table's stream and the messages of a topic to a function, and starts the Lambda loop. It is the
// only importer of aws-lambda-go and aws-lambda-go-api-proxy; everybody else uses the types that are named here.
//
// It decides nothing about users or tokens: who verifies a token is package oauth2, what a request does is an api dialect,
// and what is plugged into what is package app. How requests become events on a developer's machine is infra/local/gateway.
//
// Start with HTTP in http.go; request.go and response.go hold what the proxy library gets wrong and why it matters;
// authorizer.go, stream.go and topic.go are the other kinds of functions; start.go is what a main calls. What a record of the stream
// means is package dynamo's, what a message of the mail service means package delivery's.
package lambdaio
