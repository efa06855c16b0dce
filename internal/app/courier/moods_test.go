package courier_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// mood is how a service fails for a time.
type mood uint8

const (
	calm mood = iota
	// down is nobody listening.
	down
	// throttling, failing and hangingUp are calls refused for now, answered with a fault, and cut off: nothing was done.
	throttling
	failing
	hangingUp
	// stuck is calls that nothing is done about, and that are never answered.
	stuck
	// cuttingOff, garbling, mistaken and slow are calls that are done, of which the answer breaks off, is no answer, says that
	// there was a fault, or comes too late.
	cuttingOff
	garbling
	mistaken
	slow
)

var moodNames = [...]string{
	calm: "calm", down: "down", throttling: "throttling", failing: "failing", hangingUp: "hanging up", stuck: "stuck",
	cuttingOff: "cutting off", garbling: "garbling", mistaken: "mistaken", slow: "slow",
}

// String returns the mood's name, such as "hanging up".
func (m mood) String() string { return moodNames[m] }

// bad are the moods of a service that is not well.
var bad = []mood{down, throttling, failing, hangingUp, stuck, cuttingOff, garbling, mistaken, slow}

// waits reports whether the calls of a mood end only when the caller's time does.
func (m mood) waits() bool { return m == stuck || m == slow }

// service stands between the courier and a service, SES, SNS or SQS: it lets calls through as its mood is, and keeps a record of
// what the service took on.
type service struct {
	wire
	*watch
	name    string
	behind  http.Handler
	address string
	// victims is how many messages a mood meets before it is over.
	victims int
	random  *rand.Rand // guarded by mu

	mu     sync.Mutex
	http   *http.Server
	mood   mood           // guarded by mu
	rest   int            // how many invocations it is well for; guarded by mu
	met    map[string]int // how often the mood still meets a message, by its key; guarded by mu
	age    int            // how many invocations the mood has lasted; guarded by mu
	deck   []mood         // the moods to come; guarded by mu
	played map[mood]int   // how many calls each mood has met; guarded by mu
}

// wire is what is to be known of a service's protocol.
type wire struct {
	// keyOf returns which message a call is about: see acceptance.
	keyOf func(r *http.Request, body []byte) (key string, c content, err error)
	// idOf returns what an answer calls the message.
	idOf func(body []byte) string
	// busy and fault are error answers: too many calls, and a fault of the service's own.
	busy, fault func(w http.ResponseWriter)
}

// newService opens a service before the handler behind.
func newService(t *testing.T, name string, wire wire, behind http.Handler, w *watch, victims int, random *rand.Rand) *service {
	t.Helper()
	listener, err := listenAside(random)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{
		wire: wire, watch: w, name: name, behind: behind, address: listener.Addr().String(), victims: victims, random: random,
		played: map[mood]int{},
	}
	s.open(listener)
	t.Cleanup(func() { s.http.Close() })
	return s
}

func (s *service) url() string { return "http://" + s.address }

// listenAside listens on a port that the system gives to no connection, so that it is free again after the service was down.
func listenAside(random *rand.Rand) (net.Listener, error) {
	for try := 0; ; try++ {
		port := 10_000 + random.IntN(20_000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil || try == 100 {
			return listener, err
		}
	}
}

func (s *service) open(listener net.Listener) {
	s.http = &http.Server{Handler: s, ErrorLog: quiet}
	go s.http.Serve(listener) // ends with Close
}

// turn is called before each invocation: the mood goes on, or it is over, the service is well for a while, and the next one comes.
// It is told whether the last invocation failed.
func (s *service) turn(t *testing.T, failed bool) mood {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	const longest = 6 // invocations, where a mood meets nobody
	s.age++
	var over bool
	switch {
	case s.mood == calm:
		over = s.age > s.rest
	case s.mood == down:
		over = failed
	case s.mood.waits():
		over = s.played[s.mood] > 0
	default:
		over = len(s.met) >= s.victims
	}
	if !over && s.age <= longest {
		return s.mood
	}
	if s.mood == down {
		listener, err := net.Listen("tcp", s.address)
		if err != nil {
			t.Fatalf("%s cannot come back: %v", s.name, err)
		}
		s.open(listener)
	}
	if s.mood != calm && s.played[s.mood] == 0 {
		s.deck = append(s.deck, s.mood)
	}
	s.change()
	return s.mood
}

// change begins what comes next, of which every other is that the service is well. The caller holds mu.
func (s *service) change() {
	s.age, s.met = 0, map[string]int{}
	if s.mood != calm || len(s.deck) == 0 {
		s.mood, s.rest = calm, s.random.IntN(4)
		return
	}
	s.mood, s.deck = s.deck[0], s.deck[1:]
	if s.mood == down {
		s.http.Close()
		s.played[down]++
	}
}

// meets reports whether the mood meets a call for that message, and which it is. Some messages it meets once, some for as long
// as it lasts.
func (s *service) meets(key string) mood {
	s.mu.Lock()
	defer s.mu.Unlock()
	left, known := s.met[key]
	if !known && len(s.met) < s.victims && s.mood != calm {
		left, known = 1+s.random.IntN(5), true // the client tries four times
	}
	if !known || left == 0 {
		return calm
	}
	s.met[key] = left - 1
	s.played[s.mood]++
	return s.mood
}

// ServeHTTP lets a call through, or does not.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.begin()()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	key, c, err := s.keyOf(r, body)
	if err != nil {
		s.complain("%s got a call that makes no sense: %v", s.name, err)
	}
	if !strings.HasPrefix(key, refusalPrefix) {
		s.sending(key)
	}
	s.point()
	mood := s.meets(key)
	switch mood {
	case throttling:
		s.busy(w)
		return
	case failing:
		s.fault(w)
		return
	case hangingUp:
		panic(http.ErrAbortHandler)
	case stuck:
		awaitEnd(r)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	s.behind.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context()))) // done, whether or not the caller is still there
	id := ""
	if answer.Code == http.StatusOK {
		id = s.idOf(answer.Body.Bytes())
	}
	if id == "" { // refused
		s.point()
		deliver(w, answer)
		return
	}
	a := s.accept(s.name, key, id, c, r)
	s.point()
	switch mood {
	case cuttingOff:
		w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
		w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		panic(http.ErrAbortHandler)
	case garbling:
		w.Header().Set("Content-Type", "text/html")
		garbage := []string{"<html><body>Please log in to the network.</body></html>", "", "{}", "\x00\x01\x02"}
		w.Write([]byte(garbage[a.seq%len(garbage)]))
	case mistaken:
		s.fault(w)
	case slow:
		awaitEnd(r)
	default:
		here := r.Context().Err() == nil
		if deliver(w, answer) && here {
			s.delivered(a)
		}
	}
	s.point()
}

// awaitEnd waits until the caller has given up. It does before the client's own patience ends, since its invocation does.
func awaitEnd(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(time.Minute):
	}
}

// deliver passes an answer on, and reports whether it was taken.
func deliver(w http.ResponseWriter, answer *httptest.ResponseRecorder) bool {
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
	w.WriteHeader(answer.Code)
	_, err := w.Write(answer.Body.Bytes())
	return err == nil && !errors.Is(http.NewResponseController(w).Flush(), syscall.EPIPE)
}

// quiet is the error log of servers whose handlers break off, which is worth a line to others.
var quiet = log.New(io.Discard, "", 0)
