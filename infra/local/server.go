package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/infra/local/demo"
	"github.com/rosterhq/roster/infra/local/gateway"
	"github.com/rosterhq/roster/infra/local/outbox"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// demoOrganizations is the size of the demo tenant's tree.
const demoOrganizations = 40

// shutdownTime is how long requests under way get to finish.
const shutdownTime = 5 * time.Second

// server is one run of the developer server.
type server struct {
	process
	options

	template *samtemplate.Template
	baseURL  string
	table    tablePlace
	local    *dynamolocal.Server // nil if the table is elsewhere
}

// run does one thing after the other, and undoes what it started when it returns.
func (s *server) run(ctx context.Context) error {
	if err := s.readTemplate(); err != nil {
		return err
	}
	unlock, err := s.ownFolder()
	if err != nil {
		return err
	}
	defer unlock()
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := s.startTable(ctx); err != nil {
		return err
	}
	if s.local != nil {
		defer s.local.Stop()
	}
	if err := s.prepareTable(ctx); err != nil {
		return ending(ctx, err)
	}
	keyFile := filepath.Join(s.dir, "signing-key.pem")
	if err := oauth2.GenerateKeyFile(keyFile); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "functions.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	tenant, err := s.prepareDemo(ctx, keyFile)
	if err != nil {
		return ending(ctx, err)
	}
	if err := s.turnOnStream(ctx); err != nil {
		return ending(ctx, err)
	}
	functions, err := s.buildFunctions(ctx, keyFile, log)
	if err != nil {
		return ending(ctx, err)
	}
	g, err := s.buildGateway(functions)
	if err != nil {
		return err
	}
	box, err := s.openOutbox(functions)
	if err != nil {
		return err
	}
	if err := tenant.WriteFile(filepath.Join(s.dir, "demo.json"), s.baseURL, s.audience()); err != nil {
		return errors.Join(err, box.Close())
	}
	start := func() (func(), error) {
		stopStreams, err := s.startStreams(ctx, functions)
		if err != nil {
			return stopStreams, ending(ctx, err)
		}
		stopSchedules := s.startSchedules(ctx, functions)
		s.greet(tenant)
		return func() {
			stopSchedules()
			stopStreams()
		}, nil
	}
	return errors.Join(s.serve(ctx, listener, g, box, start), box.Close())
}

// ending returns nil for an error that only says that the run was ended.
func ending(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *server) readTemplate() error {
	var err error
	if s.options.template != "" {
		s.template, err = samtemplate.Read(s.options.template)
	} else {
		s.template, err = samtemplate.FindAndRead()
	}
	if err != nil {
		return fmt.Errorf("the template cannot be read: %w", err)
	}
	if s.dir == "" {
		s.dir = filepath.Join(filepath.Dir(s.template.Path), ".roster")
	}
	return nil
}

// ownFolder makes the folder and takes it for this run: two would mix up its data. It returns what gives it up.
func (s *server) ownFolder() (func(), error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if !lock(file) {
		file.Close()
		return nil, fmt.Errorf("another run has the folder %s: end it first, or choose another: make run ARGS='-dir FOLDER -addr 127.0.0.1:8081'", s.dir)
	}
	return func() { file.Close() }, nil
}

// listen takes the address before anything is started that would have to be undone.
func (s *server) listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.address)
	if err != nil {
		return nil, fmt.Errorf("the address %s cannot be had (%w): stop what has it, or choose another: make run ARGS='-addr 127.0.0.1:8081'", s.address, rootCause(err))
	}
	at := listener.Addr().(*net.TCPAddr)
	host := at.IP.String()
	if at.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	s.baseURL = "http://" + net.JoinHostPort(host, strconv.Itoa(at.Port))
	return listener, nil
}

// rootCause returns the innermost error, such as "address already in use".
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// prepareDemo makes the demo tenant or finds it again. What its integration shows is signed with the key of the functions.
func (s *server) prepareDemo(ctx context.Context, keyFile string) (*demo.Tenant, error) {
	operator, err := s.table.operator(s.now)
	if err != nil {
		return nil, err
	}
	signer, err := oauth2.NewFileSigner(keyFile)
	if err != nil {
		return nil, err
	}
	store := s.table.store(s.now)
	integrations, err := oauth2.NewIntegrations(oauth2.IntegrationsConfig{
		Store: store, Signer: signer, Issuer: s.baseURL, Audience: s.audience(), Now: s.now,
	})
	if err != nil {
		return nil, err
	}
	verifier := oauth2.NewVerifier(oauth2.VerifierConfig{Store: store, Issuer: s.baseURL, Audience: s.audience(), Now: s.now})
	state := ""
	if !s.memory {
		state = filepath.Join(s.dir, s.table.stateName(s.local != nil))
	}
	shown := -1
	return demo.Prepare(ctx, demo.Config{
		Operator: operator, State: state, Now: s.now, Users: s.users, Organizations: demoOrganizations,
		Mint: integrations.Mint, Verify: verifier.Principal,
		Progress: func(stored, of int) {
			if percent := stored * 100 / of; percent/10 != shown/10 || shown < 0 {
				shown = percent
				fmt.Fprintf(s.stderr, "making the demo tenant: %s of %s users\n", thousands(stored), thousands(of))
			}
		},
	})
}

// buildGateway puts the template's functions behind the template's API.
func (s *server) buildGateway(functions map[string]gateway.Function) (*gateway.Gateway, error) {
	config, err := gateway.FromTemplate(s.template, functions)
	if err != nil {
		return nil, err
	}
	config.Now = s.now
	config.Served = s.served
	return gateway.New(config)
}

// served prints a line about a request.
func (s *server) served(r gateway.Served) {
	if r.Failure != nil {
		fmt.Fprintf(s.stderr, "%d %s %s: %v (request %s)\n", r.Status, r.Method, r.Path, r.Failure, r.RequestID)
		return
	}
	if !s.quiet {
		fmt.Fprintf(s.stdout, "%d %s %s %v\n", r.Status, r.Method, r.Path, r.Took.Round(10*time.Microsecond))
	}
}

func (s *server) greet(tenant *demo.Tenant) {
	fmt.Fprintf(s.stdout, `
Roster runs at %s; Ctrl-C ends it.
Mail and push messages that it sends go nowhere but to %s; look there.
The demo tenant is %s: %s users in %d organizations. How to get in is in %s, what the functions log in %s.

Try:

%s`,
		s.baseURL, s.baseURL+outbox.PagePath, tenant.Name, thousands(tenant.Users+1), tenant.Organizations, s.relative("demo.json"), s.relative("functions.log"),
		tenant.Tour(s.baseURL, s.audience(), s.baseURL+outbox.PagePath))
}

// audience returns the audience of access tokens, as the functions have it.
func (s *server) audience() string {
	if audience := s.getenv("ROSTER_AUDIENCE"); audience != "" {
		return audience
	}
	return s.baseURL
}

// relative returns the path of a file in .roster, as seen from the working directory.
func (s *server) relative(name string) string {
	path := filepath.Join(s.dir, name)
	if wd, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(wd, path); err == nil && !strings.HasPrefix(short, "..") {
			return short
		}
	}
	return path
}

// serve serves until ctx or the table's server ends. start is called once requests are served, since what it starts calls the outbox; what
// start returns ends that again, which is done while the outbox still answers.
func (s *server) serve(ctx context.Context, listener net.Listener, g *gateway.Gateway, box *outbox.Outbox, start func() (func(), error)) error {
	web := &http.Server{
		Handler: beside(outbox.Prefix, box, g), ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes: 10 << 10, // the service takes 10,240 bytes of headers
	}
	web.RegisterOnShutdown(box.EndUpdates)
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }() // ends with Shutdown below
	stop, err := start()
	if err == nil && ctx.Err() == nil {
		err = s.wait(ctx, failed)
	}
	stop()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if web.Shutdown(stopping) != nil {
		web.Close()
	}
	g.Wait(stopping)
	return err
}

// beside returns a handler that has one handler for the paths that begin with prefix, and another for all others. It is no ServeMux,
// because that answers paths such as //x by itself, which are the gateway's to answer.
func beside(prefix string, below, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix) {
			below.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// wait returns when something ends the run.
func (s *server) wait(ctx context.Context, failed <-chan error) error {
	select {
	case <-ctx.Done():
		fmt.Fprintln(s.stderr, "\nending")
	case <-s.tableEnded():
		return errors.New("DynamoDB Local has ended by itself: start again; if it happens again, the data in .roster may be damaged")
	case <-leftByGo(ctx):
	case err := <-failed:
		return err
	}
	return nil
}

// tableEnded returns a channel that is closed when the local table's server ends by itself.
func (s *server) tableEnded() <-chan struct{} {
	if s.local == nil {
		return nil
	}
	return s.local.Exited()
}

// thousands returns n with commas: 10,000.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
