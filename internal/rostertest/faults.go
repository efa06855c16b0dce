package rostertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
)

// FaultKind says what goes wrong with a request to the table.
type FaultKind uint8

// The faults. DynamoDB Local shows none of them by itself.
const (
	// Throttled is ProvisionedThroughputExceededException, status 400: the request was not executed.
	Throttled FaultKind = iota + 1
	// TransactionConflict is another transaction on the same item, status 400: TransactionCanceledException with a
	// reason for each leg from TransactWriteItems and TransactGetItems, TransactionConflictException from all else. The
	// request was not executed.
	TransactionConflict
	// ServerError is InternalServerError, status 500: the request was not executed, but who gets it cannot know.
	ServerError
	// Unavailable is a bare status 503, as from something in between: the request was not executed.
	Unavailable
	// TimedOut is a connection on which no answer comes: the request was not executed.
	TimedOut
	// LostAnswer is a connection that breaks after the request was executed.
	LostAnswer
)

// Fault is one rule of what goes wrong.
type Fault struct {
	Kind FaultKind
	// Operation names the operation that it happens to, such as TransactWriteItems; empty is each.
	Operation string
	// Skip lets so many of these requests pass first.
	Skip int
	// Times is to how many of the requests after that it happens; zero is all.
	Times int
	// Probability is how likely it is to happen to each of those; zero is certain.
	Probability float64
	// Leg is the leg of the transaction that a TransactionConflict names, from 0.
	Leg int
}

// Faults is the road to a table on which things go wrong. Give it to a client with WithTransport. It is safe for concurrent
// use; with one request at a time, the same seed gives the same faults.
type Faults struct {
	mu       sync.Mutex
	random   *rand.Rand     // guarded by mu
	faults   []*faultState  // guarded by mu
	requests map[string]int // by operation, guarded by mu
	injected int            // guarded by mu
}

type faultState struct {
	Fault
	seen, done int
}

// NewFaults returns a road with those faults; of several that fit a request the first happens.
func NewFaults(seed uint64, faults ...Fault) *Faults {
	f := &Faults{random: rand.New(rand.NewPCG(seed, 0)), requests: map[string]int{}}
	f.Set(faults...)
	return f
}

// Set replaces the faults by others, which count from here; none mends the road.
func (f *Faults) Set(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
	for _, fault := range faults {
		f.faults = append(f.faults, &faultState{Fault: fault})
	}
}

// Requests returns how many requests with that operation were sent, those that went wrong included; an empty operation
// counts all.
func (f *Faults) Requests(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if operation != "" {
		return f.requests[operation]
	}
	sum := 0
	for _, n := range f.requests {
		sum += n
	}
	return sum
}

// Injected returns how many requests went wrong.
func (f *Faults) Injected() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.injected
}

// RoundTrip sends the request, or does not, as the faults say.
func (f *Faults) RoundTrip(request *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	fault, ok := f.next(operation)
	if !ok {
		return http.DefaultTransport.RoundTrip(request)
	}
	if fault.Kind == LostAnswer {
		return loseAnswer(request)
	}
	var body []byte
	if request.Body != nil {
		defer request.Body.Close()
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	switch fault.Kind {
	case Throttled:
		return answer(request, http.StatusBadRequest, exception("ProvisionedThroughputExceededException", "The level of configured provisioned throughput was exceeded.", nil))
	case TransactionConflict:
		return answer(request, http.StatusBadRequest, conflict(operation, body, fault.Leg))
	case ServerError:
		return answer(request, http.StatusInternalServerError, exception("InternalServerError", "The request could not be processed.", nil))
	case Unavailable:
		return answer(request, http.StatusServiceUnavailable, nil)
	case TimedOut:
		return nil, timeout{}
	default:
		return nil, fmt.Errorf("no such fault: %d", fault.Kind)
	}
}

// next counts the request and returns the fault that happens to it, if any.
func (f *Faults) next(operation string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests[operation]++
	for _, fault := range f.faults {
		if fault.Operation != "" && fault.Operation != operation {
			continue
		}
		fault.seen++
		if fault.seen <= fault.Skip || fault.Times > 0 && fault.done >= fault.Times {
			continue
		}
		if fault.Probability > 0 && f.random.Float64() >= fault.Probability {
			continue
		}
		fault.done++
		f.injected++
		return fault.Fault, true
	}
	return Fault{}, false
}

// loseAnswer sends the request and waits for the whole answer, so that it has been executed, and then breaks off.
func loseAnswer(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}

// timeout is a net.Error that times out, as a connection does.
type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

const namespace = "com.amazonaws.dynamodb.v20120810#"

// exception is the body of an error answer.
func exception(name, message string, more map[string]any) []byte {
	fields := map[string]any{"__type": namespace + name, "message": message}
	for k, v := range more {
		fields[k] = v
	}
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // text and lists of text always marshal
	}
	return body
}

// conflict is the body of the answer to a request that met another transaction on the item of that leg.
func conflict(operation string, request []byte, leg int) []byte {
	if operation != "TransactWriteItems" && operation != "TransactGetItems" {
		return exception("TransactionConflictException", "Transaction is ongoing for the item", nil)
	}
	var transaction struct {
		TransactItems []json.RawMessage
	}
	if err := json.Unmarshal(request, &transaction); err != nil {
		panic(fmt.Sprintf("%s with a body that is no JSON: %v", operation, err)) // the SDK wrote it
	}
	reasons := make([]map[string]string, len(transaction.TransactItems))
	codes := make([]string, len(reasons))
	for i := range reasons {
		reasons[i], codes[i] = map[string]string{"Code": "None"}, "None"
		if i == leg {
			reasons[i] = map[string]string{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
			codes[i] = "TransactionConflict"
		}
	}
	message := "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"
	return exception("TransactionCanceledException", message, map[string]any{"Message": message, "CancellationReasons": reasons})
}

func answer(request *http.Request, status int, body []byte) (*http.Response, error) {
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {"INJECTED"}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       request,
	}, nil
}
