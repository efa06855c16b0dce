package courier_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// watch sees every call that the courier makes, keeps what the judgement needs to know of them, and kills the courier in the
// midst of one from time to time. It is safe for concurrent use.
type watch struct {
	function *function
	random   *rand.Rand // guarded by mu
	// every is how many points lie between two deaths, on average, and most how many deaths there are at most.
	every, most int

	underWay atomic.Int64

	mu          sync.Mutex
	seq         int           // guarded by mu, as are those below
	acceptances []*acceptance // in their order
	marks       []*markTry    // in their order
	points      int
	open        map[string]bool // what the courier tried to send in this invocation, and did not note yet
	next        int             // the point at which the courier dies next
	deaths      int
	complaints  []string
}

// acceptance is a message that a service has taken on, be it that the courier could know or not.
type acceptance struct {
	seq     int
	service string
	// key is that of what was taken on: see mailKey, pushKey and refusalKey.
	key string
	// id is what the service calls it.
	id         string
	content    content
	invocation *invocation
	// delivered says that the courier was told, in a whole answer.
	delivered bool
}

// content is what is kept of a message that was taken on: of a mail all of it, of a refusal the text, of a push message nothing.
type content struct {
	to            roster.Email
	subject, text string
	// token is that of the link.
	token string
}

// markTry is a call by which the courier notes in the table what became of a message.
type markTry struct {
	seq        int
	key        string
	invocation *invocation
	// noted says that the table has done it, whether or not the courier was told.
	noted bool
}

func mailKey(id roster.InvitationID) string { return "mail " + id.String() }

func pushKey(id roster.NotificationID, device string) string {
	return "push " + id.String() + " " + device
}

// refusalKey is that of the message about one that was refused, by the key of that.
func refusalKey(key string) string { return refusalPrefix + key }

const refusalPrefix = "refusal of "

func newWatch(random *rand.Rand, every, most int) *watch {
	w := &watch{random: random, every: every, most: most}
	w.next = w.pause()
	return w
}

func (w *watch) pause() int { return w.every/2 + w.random.IntN(w.every) }

// begin notes that a call is under way until the function that it returns is called.
func (w *watch) begin() func() {
	w.underWay.Add(1)
	return func() { w.underWay.Add(-1) }
}

// settle waits until nothing is under way, and nothing has come after it.
func (w *watch) settle() {
	for quiet := 0; quiet < 10; quiet++ {
		if w.underWay.Load() > 0 {
			quiet = 0
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// start forgets what earlier invocations have left open.
func (w *watch) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = map[string]bool{}
}

// sending notes that the courier tries to send a message.
func (w *watch) sending(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[key] = true
}

// finish is called with the records that the courier says it has handled: it must have noted what became of all of theirs that it
// tried to send.
func (w *watch) finish(handled []streamRecord) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := map[string]bool{}
	for _, record := range handled {
		ids[record.DynamoDB.NewImage.ID.N] = true
	}
	for key := range w.open {
		if ids[strings.Fields(key)[1]] {
			w.complaints = append(w.complaints, "the courier said that it had handled "+key+", and had not")
		}
	}
}

// point is called where the courier may die.
func (w *watch) point() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.points++
	if w.points < w.next || w.deaths >= w.most {
		return
	}
	w.next = w.points + w.pause()
	if w.function.kill() {
		w.deaths++
	}
}

func (w *watch) complain(format string, arguments ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = append(w.complaints, fmt.Sprintf(format, arguments...))
}

func (w *watch) accept(service, key, id string, c content, r *http.Request) *acceptance {
	i := w.function.of(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	a := &acceptance{seq: w.seq, service: service, key: key, id: id, content: c, invocation: i}
	w.acceptances = append(w.acceptances, a)
	return a
}

func (w *watch) delivered(a *acceptance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a.delivered = true
}

func (w *watch) tried(key string, noted bool, r *http.Request) {
	i := w.function.of(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	if noted {
		delete(w.open, strings.TrimPrefix(key, refusalPrefix))
	}
	w.marks = append(w.marks, &markTry{seq: w.seq, key: key, invocation: i, noted: noted})
}

// road is the way to the table: what is to go wrong on it is set from turn to turn.
type road struct {
	*watch
	url     string
	faults  *rostertest.Faults
	trouble [][]rostertest.Fault // to come
	// before is how many requests had gone wrong when the trouble of now began, and age how many invocations ago that was.
	before, age int
}

func newRoad(t *testing.T, w *watch, seed uint64) *road {
	t.Helper()
	table, err := url.Parse(rostertest.Endpoint(t))
	if err != nil {
		t.Fatal(err)
	}
	r := &road{watch: w, faults: rostertest.NewFaults(seed)}
	server := httptest.NewServer(&httputil.ReverseProxy{
		// The host is a part of what is signed.
		Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(table); p.Out.Host = p.In.Host },
		Transport:    r,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	server.Config.ErrorLog = quiet
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// turn is called before each invocation: the next trouble comes once that of now has met a request.
func (r *road) turn() {
	const longest = 6 // invocations, where it meets none
	r.age++
	if r.age <= longest && r.faults.Injected() == r.before {
		return
	}
	r.age, r.before = 0, r.faults.Injected()
	if len(r.trouble) == 0 {
		r.faults.Set()
		return
	}
	r.faults.Set(r.trouble[0]...)
	r.trouble = r.trouble[1:]
}

// RoundTrip sends a request on, or does not, as the faults say, and notes what the courier tried to note.
func (r *road) RoundTrip(request *http.Request) (*http.Response, error) {
	defer r.begin()()
	key, err := markedKey(request)
	if err != nil {
		r.complain("the table got a call that makes no sense: %v", err)
	}
	if key == "" {
		return r.faults.RoundTrip(request)
	}
	r.point()
	response, err := r.faults.RoundTrip(request)
	// The road breaks off only after the table has done what it was to do. It refuses, with a condition that does not hold, what
	// was noted before.
	noted := errors.Is(err, io.ErrUnexpectedEOF) || err == nil && response.StatusCode == http.StatusOK
	if err == nil && response.StatusCode == http.StatusBadRequest {
		noted = strings.Contains(peek(response), "ConditionalCheckFailed")
	}
	r.tried(key, noted, request)
	r.point()
	return response, err
}

// peek returns the body of an answer, which can be read again.
func peek(response *http.Response) string {
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(strings.NewReader(string(body)))
	if err != nil {
		return ""
	}
	return string(body)
}

// markedKey returns which message the courier notes the end of in a request to the table, empty where it does not.
func markedKey(request *http.Request) (string, error) {
	if !strings.HasSuffix(request.Header.Get("X-Amz-Target"), ".UpdateItem") {
		return "", nil
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return "", nil // the courier is gone
	}
	request.Body = io.NopCloser(strings.NewReader(string(body)))
	var update struct {
		Key                       struct{ SK struct{ S string } }
		ExpressionAttributeNames  map[string]string
		ExpressionAttributeValues struct {
			ID       struct{ N string } `json:":id"`
			Delivery struct{ S string } `json:":delivery"`
			Noted    struct {
				M struct{ Delivery struct{ S string } }
			} `json:":noted"`
		}
	}
	if err := json.Unmarshal(body, &update); err != nil {
		return "", err
	}
	values := update.ExpressionAttributeValues
	key, delivery := "mail "+values.ID.N, values.Delivery.S
	if device := update.ExpressionAttributeNames["#device"]; device != "" {
		key, delivery = "push "+strings.TrimPrefix(update.Key.SK.S, "NOTIFICATION#")+" "+device, values.Noted.M.Delivery.S
	} else if values.ID.N == "" {
		return "", nil // the end of a notification, all of whose devices were noted
	}
	if delivery == roster.DeliveryRefused.String() {
		key = refusalKey(key)
	}
	return key, nil
}
