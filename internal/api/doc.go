// Package api holds what every dialect's HTTP API shares: the huma set-up on a standard ServeMux, the principal of a
// request, the rules for parameters, the one table from error kind to HTTP status, and one log line per request.
//
// It knows no dialect: the wire structs, parameter names and error bodies are in the packages below it (organization,
// ...), each of which describes itself in a Dialect, registers its Operations and is an http.Handler. Package lambdaio
// feeds that handler from Lambda events and puts the principal that the authorizer found into the request's context;
// what a request means is decided in package directory.
//
// Read dialect.go (API, Register), then exchange.go (the road of one request), rates.go, parameters.go, body.go, list.go, problem.go,
// etag.go and once.go.
//
// Decisions that hold for all dialects:
//
//   - A parameter that the document does not name is ignored; one that it names must keep to what the document says of
//     it, and is refused with a message that names it. A parameter may be given once, unless it is a list. Given but
//     empty is not the same as absent: it must still be a valid value.
//   - A path parameter that is an enumeration stands for as many paths: another value is no path, and answered 404.
//   - Booleans are true and false, integers are plain decimal digits with an optional minus sign.
//   - A body is one JSON object in UTF-8; a Content-Type that says anything else is refused, none means JSON. It has at most 64 KiB, or Dialect.MaxBody, and 16 levels. A field that the document does not name is refused, unlike a
//     parameter: who sends one means something by it that would not happen. So is one that is given twice, by whichever
//     spelling, and a value of another type: numbers are not text, and integers have no fraction and no exponent. A null is
//     an optional field that is absent, but where the dialect refuses it (Dialect.RefuseNull). What is wrong with the structure is reported together with the broken rules of the
//     fields, see Body.
//   - A message names parameters and fields by the dialect's names, and repeats nothing of what the caller wrote but names
//     of fields that look like one.
//   - Every operation takes a permit of the caller's organization before anything else is looked at, refused requests too. Every
//     answer to a request that asked for one says in X-RateLimit-Limit, -Remaining and -Reset how the organization stands.
//   - Answers are JSON whatever Accept says (RFC 9110, section 12.5.1, allows that), and are never to be cached.
//   - A path that is not an operation's is answered 404, a method that its path does not have 405 with Allow, HEAD like
//     GET without the body, OPTIONS with Allow and nothing else. The error body is the dialect's everywhere.
package api
