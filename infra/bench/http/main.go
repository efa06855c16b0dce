// Command http measures the whole road over HTTP: it starts the developer server with a throw-away table, fills it with
// users, and prints p50 and p99 of each class of request through gateway, authorizer, function, replica and table, with one
// client and with several, and how much of the time went to the table.
//
// The replica alone, and other databases beside it, are measured by the command in the folder above. All traffic stays on
// loopback, and every run is bounded by -requests.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.IntVar(&o.users, "users", 100_000, "how many users the tenant has")
	flag.IntVar(&o.requests, "requests", 200, "how many requests to measure per class and number of clients")
	flag.IntVar(&o.clients, "clients", 8, "how many clients the second half of each measurement has")
	flag.Parse()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "http bench:", err)
		os.Exit(1)
	}
}

type options struct {
	users, requests, clients int
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "roster-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := start(ctx, dir, o.users)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.login(ctx); err != nil {
		return err
	}
	ids, err := s.someIDs(ctx)
	if err != nil {
		return err
	}
	// Past the overlap, in which a follower reads what came last once more, the tenant is as quiet as it mostly is.
	select {
	case <-time.After(6 * time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "class\trequests\tp50 ms, 1 client\tp99\tp50 ms, %d clients\tp99\tin the table\tRRU\t\n", o.clients)
	for _, c := range classes(ids, o.users) {
		alone, err := s.measure(ctx, c, o.requests, 1)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		many, err := s.measure(ctx, c, o.requests, o.clients)
		if err != nil {
			return fmt.Errorf("%s, %d clients: %w", c.name, o.clients, err)
		}
		fmt.Fprintf(out, "%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f %%\t%.2f\t\n", c.name, o.requests,
			alone.quantile(0.50), alone.quantile(0.99), many.quantile(0.50), many.quantile(0.99), alone.tableShare()*100, alone.reads())
	}
	return out.Flush()
}

// class is a sort of request; its queries are sent in turn.
type class struct {
	name string
	urls []string
}

// needles are those of the replica's benchmark: common, rare and absent ones.
var needles = strings.Fields("a q an qx ann xav qqq smith quist anaxi .example reyes123")

var sortFields = []string{"User Id", "Name", "Email", "Status", "Role", "Organization Name", "Devices Count", "Country", "Registered At", "Phone Number"}

func classes(ids []int64, users int) []class {
	const base = "/api/v1/organization"
	search := func(parameters ...string) string {
		v := url.Values{}
		for i := 0; i < len(parameters); i += 2 {
			v.Set(parameters[i], parameters[i+1])
		}
		return base + "/search/users?" + v.Encode()
	}
	deep := strconv.Itoa(min(1500, users/50-1))
	byID := class{name: "get by id"}
	for _, id := range ids {
		byID.urls = append(byID.urls, fmt.Sprintf("%s/user?userId=%d", base, id))
	}
	mix, sorted := class{name: "search, the 12 needles"}, class{name: "search, the 12 needles by name"}
	for _, n := range needles {
		mix.urls = append(mix.urls, search("query", n))
		sorted.urls = append(sorted.urls, search("query", n, "sortBy", "Name", "sortOrder", "DESC"))
	}
	all := []class{byID,
		{name: "list, own organization", urls: []string{base + "/users"}},
		{name: "list, whole tree, page " + deep, urls: []string{base + "/users?includeSubOrgUsers=true&page=" + deep}},
		mix, sorted,
	}
	for _, f := range sortFields {
		// Every address holds an @, so that there is a page this deep.
		all = append(all, class{name: "page " + deep + " by " + f, urls: []string{search("query", "@", "sortBy", f, "page", deep)}})
	}
	return all
}

// server is the developer server under test.
type server struct {
	command *exec.Cmd
	client  *http.Client
	token   string
	exited  chan struct{} // closed when the process has ended
	demo    struct {
		BaseURL      string `json:"baseUrl"`
		Organization struct {
			ClientID     string `json:"clientId"`
			ClientSecret string `json:"clientSecret"`
		} `json:"organization"`
	}
}

// start builds the developer server, and returns it once it has its users and answers.
func start(ctx context.Context, dir string, users int) (*server, error) {
	binary := filepath.Join(dir, "local")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./infra/local")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the developer server: %w\n%s", err, out)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}, exited: make(chan struct{})}
	s.command = exec.Command(binary, "-memory", "-quiet", "-addr", address, "-dir", filepath.Join(dir, "data"), "-users", strconv.Itoa(users))
	s.command.Dir = "../.."
	s.command.Stdout, s.command.Stderr = os.Stderr, os.Stderr
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("starting the developer server: %w", err)
	}
	go func() {
		_ = s.command.Wait() // how it ended is on its own standard error
		close(s.exited)
	}()
	for {
		text, err := os.ReadFile(filepath.Join(dir, "data", "demo.json"))
		if err == nil && json.Unmarshal(text, &s.demo) == nil && s.answers(ctx) {
			return s, nil
		}
		select {
		case <-s.exited:
			return nil, errors.New("the developer server ended before it answered")
		case <-ctx.Done():
			s.stop()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (s *server) answers(ctx context.Context) bool {
	_, err := s.get(ctx, "/.well-known/jwks.json", nil)
	return err == nil
}

// stop ends the server, and all that it started with it.
func (s *server) stop() {
	_ = s.command.Process.Signal(os.Interrupt) // fails only if it has ended already
	<-s.exited
}

func (s *server) login(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.demo.BaseURL+"/oauth2/token?grant_type=client_credentials", nil)
	if err != nil {
		return err
	}
	request.SetBasicAuth(s.demo.Organization.ClientID, s.demo.Organization.ClientSecret)
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token == "" {
		return fmt.Errorf("getting a token: status %d, %w", response.StatusCode, err)
	}
	s.token = answer.Token
	return nil
}

// someIDs returns ids of users from all over the tenant.
func (s *server) someIDs(ctx context.Context) ([]int64, error) {
	var page struct {
		Content []struct {
			ID int64 `json:"id"`
		} `json:"content"`
	}
	if _, err := s.get(ctx, "/api/v1/organization/search/users?query=ann&size=100", &page); err != nil {
		return nil, err
	}
	ids := make([]int64, len(page.Content))
	for i, u := range page.Content {
		ids[i] = u.ID
	}
	if len(ids) == 0 {
		return nil, errors.New("the tenant holds no user with ann in it")
	}
	return ids, nil
}

var (
	timing = regexp.MustCompile(`table;dur=([0-9.]+)`)
	units  = regexp.MustCompile(`([0-9.]+) RRU`)
)

// sample is one measured request.
type sample struct {
	took, table float64 // milliseconds
	reads       float64 // RRU
}

// get sends one request and reads the whole answer, into body unless that is nil.
func (s *server) get(ctx context.Context, path string, body any) (sample, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.demo.BaseURL+path, nil)
	if err != nil {
		return sample{}, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	begin := time.Now()
	response, err := s.client.Do(request)
	if err != nil {
		return sample{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	took := time.Since(begin)
	if err != nil {
		return sample{}, err
	}
	if response.StatusCode != http.StatusOK {
		return sample{}, fmt.Errorf("GET %s: status %d: %s", path, response.StatusCode, text)
	}
	if body != nil {
		if err := json.Unmarshal(text, body); err != nil {
			return sample{}, fmt.Errorf("GET %s: %w", path, err)
		}
	}
	header := response.Header.Get("Server-Timing")
	return sample{took: float64(took) / float64(time.Millisecond), table: match(timing, header), reads: match(units, header)}, nil
}

func match(pattern *regexp.Regexp, header string) float64 {
	m := pattern.FindStringSubmatch(header)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(m[1], 64) // the pattern only takes digits
	return n
}

type samples []sample

// measure sends requests of a class from a number of clients, after one of each URL that does not count.
func (s *server) measure(ctx context.Context, c class, requests, clients int) (samples, error) {
	for _, u := range c.urls {
		if _, err := s.get(ctx, u, nil); err != nil {
			return nil, err
		}
	}
	next := make(chan string)
	var mu sync.Mutex
	var all samples
	var failed error
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for u := range next {
				one, err := s.get(ctx, u, nil)
				mu.Lock()
				all, failed = append(all, one), cmp.Or(failed, err)
				mu.Unlock()
			}
		})
	}
	for i := range requests {
		next <- c.urls[i%len(c.urls)]
	}
	close(next)
	wg.Wait()
	return all, failed
}

// quantile returns the q-quantile of the latencies in milliseconds.
func (s samples) quantile(q float64) float64 {
	took := make([]float64, len(s))
	for i := range s {
		took[i] = s[i].took
	}
	slices.Sort(took)
	return took[min(int(q*float64(len(took))), len(took)-1)]
}

// tableShare returns the part of the time in which a call to the table was under way.
func (s samples) tableShare() float64 {
	var table, all float64
	for i := range s {
		table, all = table+s[i].table, all+s[i].took
	}
	return table / all
}

func (s samples) reads() float64 {
	var sum float64
	for i := range s {
		sum += s[i].reads
	}
	return sum / float64(len(s))
}
