package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
)

// Server is the developer server under test, as the client of its demo tenant's root organization sees it.
type Server struct {
	command *exec.Cmd
	table   *dynamolocal.Server
	client  *http.Client
	token   string
	exited  chan struct{} // closed when the process has ended
	demo    struct {
		BaseURL      string `json:"baseUrl"`
		Organization struct {
			ClientID     string       `json:"clientId"`
			ClientSecret string       `json:"clientSecret"`
			OrgID        roster.OrgID `json:"orgId"`
		} `json:"organization"`
		Customers struct {
			CustomerID string `json:"customerId"`
		} `json:"customers"`
	}
}

// tableName is the table that the server makes, in a DynamoDB Local of its own.
const tableName = "roster-bench"

// Start builds the developer server and DynamoDB Local under the folder dir, and returns once the demo tenant has its
// users and the server answers. The caller stops it.
func Start(ctx context.Context, dir string, users int) (*Server, error) {
	module, err := moduleFolder(ctx)
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "local")
	build := exec.CommandContext(ctx, "go", "build", "-C", module, "-o", binary, "./infra/local")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the developer server: %w\n%s", err, out)
	}
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	table, err := dynamolocal.Start(ctx, dynamolocal.Options{Memory: true, Progress: os.Stderr})
	if err != nil {
		return nil, err
	}
	s := &Server{table: table, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}, exited: make(chan struct{})}
	s.command = exec.Command(binary, "-quiet", "-addr", address, "-template", filepath.Join(module, "template.yaml"), "-dir", filepath.Join(dir, "data"), "-users", strconv.Itoa(users))
	s.command.Env = append(os.Environ(), dynamolocal.EndpointVariable+"="+table.Endpoint(), "ROSTER_TABLE="+tableName)
	s.command.Stderr = os.Stderr // its standard output is for people
	if err := s.command.Start(); err != nil {
		table.Stop()
		return nil, fmt.Errorf("starting the developer server: %w", err)
	}
	go func() {
		_ = s.command.Wait() // how it ended is on its own standard error
		close(s.exited)
	}()
	if err := s.ready(ctx, filepath.Join(dir, "data", "demo.json")); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// moduleFolder returns where the module of Roster lies, which has other dependencies than this one.
func moduleFolder(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/rosterhq/roster").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module of Roster: %w", err)
	}
	return string(bytes.TrimSpace(out)), nil
}

// ready waits until the server answers and has given a token.
func (s *Server) ready(ctx context.Context, demo string) error {
	for {
		text, err := os.ReadFile(demo)
		if err == nil && json.Unmarshal(text, &s.demo) == nil {
			if _, err := s.ask(ctx, Request{Method: http.MethodGet, Path: "/.well-known/jwks.json"}, nil); err == nil {
				return s.login(ctx)
			}
		}
		select {
		case <-s.exited:
			return errors.New("the developer server ended before it answered")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// FreeAddress returns an address on loopback that nobody listens at.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Stop ends the server, and all that was started with it.
func (s *Server) Stop() {
	_ = s.command.Process.Signal(os.Interrupt) // fails only if it has ended already
	<-s.exited
	s.table.Stop()
}

func (s *Server) login(ctx context.Context) error {
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
		return fmt.Errorf("getting a token: status %d, %w", response.StatusCode, cmp.Or(err, errors.New("no token")))
	}
	s.token = answer.Token
	return nil
}

// Users calls visit for each user of the tenant, as the table holds them. The user is valid only during the call.
func (s *Server) Users(ctx context.Context, visit func(*roster.User) error) error {
	client := dynamodb.New(dynamodb.Options{
		Region: "local", BaseEndpoint: aws.String(s.table.Endpoint()),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "roster", SecretAccessKey: "local", Source: "bench"}, nil
		}),
	})
	table := dynamo.New(client, tableName, dynamo.Options{})
	for shard := range roster.Shards {
		err := table.Changes(ctx, roster.TenantID(s.demo.Organization.OrgID), shard, time.Time{}, func(c roster.Change) error {
			if c.User == nil {
				return nil
			}
			return visit(c.User)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Search asks for a page of 50 of the users with text in name, nickname or e-mail address, in the order of names, and
// returns how many there are on all pages.
func (s *Server) Search(ctx context.Context, text string, page int) (total int, took time.Duration, err error) {
	var found struct {
		TotalElements int `json:"totalElements"`
	}
	one, err := s.ask(ctx, search("query", text, "sortBy", "Name", "page", strconv.Itoa(page), "size", "50"), &found)
	return found.TotalElements, one.took, err
}

// Request is one request to the server.
type Request struct {
	Method, Path, Body string
}

func search(parameters ...string) Request {
	v := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		v.Set(parameters[i], parameters[i+1])
	}
	return Request{Method: http.MethodGet, Path: basePath + "/search/users?" + v.Encode()}
}

var (
	timing = regexp.MustCompile(`table;dur=([0-9.]+)`)
	reads  = regexp.MustCompile(`([0-9.]+) RRU`)
	writes = regexp.MustCompile(`([0-9.]+) WRU`)
)

// sample is one measured request.
type sample struct {
	took, table   time.Duration
	reads, writes float64 // RRU and WRU, indexes included
}

// ask sends one request and reads the whole answer, into body unless that is nil.
func (s *Server) ask(ctx context.Context, r Request, body any) (sample, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, s.demo.BaseURL+r.Path, bytes.NewReader([]byte(r.Body)))
	if err != nil {
		return sample{}, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	if r.Body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
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
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return sample{}, fmt.Errorf("%s %s: status %d: %s", r.Method, r.Path, response.StatusCode, text)
	}
	if body != nil {
		if err := json.Unmarshal(text, body); err != nil {
			return sample{}, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
		}
	}
	header := response.Header.Get("Server-Timing")
	table := time.Duration(match(timing, header) * float64(time.Millisecond))
	return sample{took: took, table: table, reads: match(reads, header), writes: match(writes, header)}, nil
}

func match(pattern *regexp.Regexp, header string) float64 {
	m := pattern.FindStringSubmatch(header)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(m[1], 64) // the pattern only takes digits
	return n
}
