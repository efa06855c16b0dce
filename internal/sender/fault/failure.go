package fault

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Failure is a call that failed, in words that are safe to keep and to log: the service's own text is not among them, nor is
// anything of the message. The client's error is not in its chain, for whoever prints that prints the service's text.
type Failure struct {
	doing   string // "sending a mail"
	seen    string // the error code, or what was seen of the failure: "connect: connection refused"
	status  int    // of the HTTP answer, zero without one
	request string // the service's id of the call, for its operators; may be empty
	outcome Outcome

	// message is the service's, for packages that decide by it.
	message string
	// passing says that the service could not be reached, or cannot answer now.
	passing bool
	// ended is why the call's context ended, nil if it did not.
	ended error
}

// Error says what was tried, what was seen and what it means: "sending a mail: MessageRejected (HTTP 400): the mail service will
// not send this mail".
func (f *Failure) Error() string {
	var b strings.Builder
	b.WriteString(f.doing + ": " + f.seen)
	if f.status != 0 {
		b.WriteString(" (HTTP " + strconv.Itoa(f.status))
		if f.request != "" {
			b.WriteString(", request " + f.request)
		}
		b.WriteString(")")
	}
	return b.String() + ": " + f.outcome.Reason
}

// Unwrap returns the Final of the outcome where the failure is for good, and why the context ended where that was it.
func (f *Failure) Unwrap() []error {
	var chain []error
	if f.outcome.Final != nil {
		chain = append(chain, f.outcome.Final)
	}
	if f.ended != nil {
		chain = append(chain, f.ended)
	}
	return chain
}

// Code returns that of the outcome, empty for one that the table does not have.
func (f *Failure) Code() string { return f.outcome.Code }

// Message returns the service's own text. It can quote an address or a token: decide by it, but pass nothing of it on.
func (f *Failure) Message() string { return f.message }

// Passing reports whether the service could not be reached, or cannot answer now.
func (f *Failure) Passing() bool { return f.passing }

// The texts that are taken over from a service, by their form: a code is words, an id of a request is a UUID. Neither can be a
// token.
var (
	codePattern    = regexp.MustCompile(`^[A-Za-z]+(\.[A-Za-z]+)*$`)
	requestPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// maxCode is longer than any code; a hexadecimal or Base64 token is longer still, or has digits.
const maxCode = 40

// Of returns the failure of a call that was made with ctx, which is to be the one that bounds it. What it means is looked up in
// the table.
func Of(ctx context.Context, doing string, table []Outcome, err error) *Failure {
	f := &Failure{doing: doing, outcome: unknownOutcome}
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && response.Response != nil {
		f.status = response.HTTPStatusCode()
		if id := response.Response.Header.Get("X-Amzn-Requestid"); requestPattern.MatchString(id) {
			f.request = id
		}
	}
	f.passing = f.status == 0 || f.status == http.StatusTooManyRequests || f.status >= http.StatusInternalServerError ||
		retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == aws.TrueTernary

	if ctx.Err() != nil {
		f.ended, f.passing = ctx.Err(), true
		f.seen = "the call was given up"
		if errors.Is(f.ended, context.DeadlineExceeded) {
			f.seen = "no answer in time"
		}
		return f
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		f.seen, f.passing = sight(err, f.status), true
		return f
	}
	code, message := api.ErrorCode(), api.ErrorMessage()
	f.outcome, f.message = outcomeOf(table, code, message), message
	f.seen = "an error without a code"
	if len(code) <= maxCode && codePattern.MatchString(code) {
		f.seen = code
	}
	return f
}

// Garbled returns the failure of a call whose answer says that it succeeded and lacks what it must have.
func Garbled(doing string) *Failure {
	return &Failure{doing: doing, seen: "an answer that makes no sense", status: http.StatusOK, outcome: unknownOutcome, passing: true}
}

// sight says what was seen of a failure that no service reported. Only errors whose text is made from addresses and the system's
// words are quoted: others, such as those of a parser, quote the answer.
func sight(err error, status int) string {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e.Error()
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate is not trusted"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "no answer in time"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the answer ended early"
	}
	if status != 0 {
		return "an answer that makes no sense"
	}
	return fmt.Sprintf("no answer of use (%T)", innermost(err))
}

// innermost returns the end of err's chain.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// callWithin is how long a call may take, with the tries that the client makes. The services answer in some hundred
// milliseconds; what takes longer is better tried again later, when the stream delivers its record again.
const callWithin = 10 * time.Second

// Within returns what bounds a call: what is set, or else 10 seconds.
func Within(set time.Duration) time.Duration {
	if set > 0 {
		return set
	}
	return callWithin
}
