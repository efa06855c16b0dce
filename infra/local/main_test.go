package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/rostertest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

// output is what a run prints, while it prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// running is a run under way.
type running struct {
	stdout, stderr *output
	end            context.CancelFunc
	ended          chan error
}

// start runs the server in dir on a table of its own until the test ends.
func start(t *testing.T, dir, table string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{stdout: &output{}, stderr: &output{}, end: cancel, ended: make(chan error, 1)}
	args = append([]string{"-addr", "127.0.0.1:0", "-dir", dir, "-users", "300"}, args...)
	environ := []string{"ROSTER_DYNAMODB_ENDPOINT=" + rostertest.Endpoint(t), "ROSTER_TABLE=" + table}
	go func() {
		r.ended <- run(ctx, process{args: args, environ: environ, stdout: r.stdout, stderr: r.stderr, now: time.Now})
	}()
	t.Cleanup(cancel)
	deadline := time.Now().Add(2 * time.Minute)
	for !strings.Contains(r.stdout.String(), "Try:") {
		select {
		case err := <-r.ended:
			t.Fatalf("the run ended: %v\n%s", err, r.stderr)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run does not get ready\n%s", r.stderr)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return r
}

// stop ends the run as Ctrl-C does, and waits for it.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.end()
	if err := <-r.ended; err != nil {
		t.Fatalf("the run ended with %v", err)
	}
}

// published is .roster/demo.json as its readers know it.
type published struct {
	BaseURL      string
	Organization struct {
		ClientID, ClientSecret, AdminUsername, AdminPassword string
		OrgID                                                int32
	}
	Customers struct{ ClientID, ClientSecret, Audience, CustomerID string }
	Workspace struct{ Workspace, APIKeyID, APIKeySecret string }
	Global    struct{ Token string }
}

func readPublished(t *testing.T, dir string) published {
	t.Helper()
	path := filepath.Join(dir, "demo.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var p published
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("demo.json has mode %v (%v), want 0600: it holds secrets", info.Mode(), err)
	}
	return p
}

// tableName returns the name of a table that is not there.
func tableName(t *testing.T) string {
	return strings.ToLower("local-" + t.Name() + "-" + time.Now().Format("150405.000000000"))
}

func TestSearchThroughEverythingAndAgainAfterARestart(t *testing.T) {
	dir, table := t.TempDir(), tableName(t)
	var before published
	for round := range 2 {
		r := start(t, dir, table)
		p := readPublished(t, dir)
		if !strings.Contains(r.stdout.String(), "Roster runs at "+p.BaseURL) || p.Organization.OrgID == 0 {
			t.Errorf("demo.json has %+v, printed was\n%s", p, r.stdout)
		}
		token := tokenFrom(t, p, "grant_type=client_credentials")
		body := get(t, p.BaseURL+"/api/v1/organization/search/users?query=@&size=1000", token)
		if total := totalOf(t, body); total != 302 {
			t.Errorf("round %d: %d users, want the 300, the Admin and the API user", round, total)
		}
		login := tokenFrom(t, p, "grant_type=user_credentials&username="+p.Organization.AdminUsername+"&password="+p.Organization.AdminPassword)
		if body := get(t, p.BaseURL+"/api/v1/organization/user/profile", login); !strings.Contains(body, p.Organization.AdminUsername) {
			t.Errorf("round %d: the profile is %s", round, body)
		}
		all := p.BaseURL + "/api/v1/customers/" + p.Customers.CustomerID + "/users"
		if body := get(t, all+"?search="+p.Organization.AdminUsername, customersToken(t, p)); !strings.HasPrefix(body, `[{"_id":"75736572`) || !strings.Contains(body, p.Organization.AdminUsername) {
			t.Errorf("round %d: in the customers dialect the Admin is %s", round, body)
		}
		program := workspaceToken(t, p)
		if body := get(t, p.BaseURL+"/users/me", program); !strings.Contains(body, `"name":"Demo API user"`) || !strings.Contains(body, `"deviceType":"API"`) || !strings.Contains(body, `"status":"ACTIVE"`) {
			t.Errorf("round %d: in the workspace dialect the caller is %s", round, body)
		}
		if body := get(t, p.BaseURL+"/users?role=ADMIN&sortBy=name&pageSize=30", program); !strings.HasPrefix(body, `{"page":1,`) || !strings.Contains(body, `"name":"Ada Admin"`) {
			t.Errorf("round %d: in the workspace dialect the Admins are %s", round, body)
		}
		seeded := strings.Contains(r.stderr.String(), "making the demo tenant")
		if seeded != (round == 0) {
			t.Errorf("round %d: the demo tenant was made: %v\n%s", round, seeded, r.stderr)
		}
		// The token of an integration is for this run's address, and opens every dialect.
		if body := get(t, all+"?search="+p.Organization.AdminUsername, p.Global.Token); !strings.Contains(body, p.Organization.AdminUsername) {
			t.Errorf("round %d: to the integration the Admin is %s", round, body)
		}
		p.BaseURL, p.Customers.Audience, p.Global.Token = "", "", ""
		if round == 1 && p != before {
			t.Errorf("the second run is for %+v, the first was for %+v", p, before)
		}
		before = p
		r.stop(t)
		log, err := os.ReadFile(filepath.Join(dir, "functions.log"))
		if err != nil || !strings.Contains(string(log), `"route":"GET /api/v1/organization/search/users"`) {
			t.Errorf("functions.log (%v):\n%s", err, log)
		}
	}
}

// TestPrintedCommandsWork runs every command of the tour in a shell.
func TestPrintedCommandsWork(t *testing.T) {
	for _, tool := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the tour needs %s", tool)
		}
	}
	dir := t.TempDir()
	r := start(t, dir, tableName(t))
	defer r.stop(t)
	var script strings.Builder
	for line := range strings.Lines(r.stdout.String()) {
		if command, ok := strings.CutPrefix(line, "  "); ok && !strings.HasPrefix(command, "#") {
			script.WriteString(command + "echo\n")
		}
	}
	out, err := exec.Command("sh", "-e", "-c", script.String()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script.String(), out)
	}
	if n := strings.Count(string(out), `"collection":[{"type":"`); n != 3 {
		t.Errorf("%d of the commands list users in the global dialect, want 3\n%s", n, out)
	}
	if n := strings.Count(string(out), `"totalElements":`); n != 3 {
		t.Errorf("%d of the commands list users, want 3\n%s", n, out)
	}
	for _, want := range []string{
		`"email":"admin@roster.example"`, "401 Unauthorized", `Www-Authenticate: Bearer realm="roster"`, `"name":"Zoë Lind"`, `"content":[`,
		`"status":"Pending"`, "/invitations/", `@roster.example","status":"Active"}`,
		`"customer":{`, `"nickname":"The Countess"`, `"name":"Demo API user"`, `{"page":2,"next":`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("nothing answers %s\n%s", want, out)
		}
	}
	p := &person{running: r, published: readPublished(t, dir)}
	for _, query := range []string{"?kind=push&to=the-token-of-a-phone", "?kind=mail&to=admin@roster.example"} {
		await(t, "what was sent to "+query, r.stderr, func() bool { return len(p.sent(t, query)) == 1 })
	}
}

// TestTrailArrivesThroughTheStreamAndOutlivesARestart writes over the API, with a restart in between, and finds each write
// in the audit trail, once.
func TestTrailArrivesThroughTheStreamAndOutlivesARestart(t *testing.T) {
	dir, table := t.TempDir(), tableName(t)
	names := []string{"Zoë Lind", "Åsa Berg"}
	for round, name := range names {
		r := start(t, dir, table, "-users", "5")
		p := readPublished(t, dir)
		token := tokenFrom(t, p, "grant_type=client_credentials")
		body := fmt.Sprintf(`{"email":"person%d@roster.example","password":"a sample password","name":%q,"orgId":%d,"roleId":3}`, round, name, p.Organization.OrgID)
		for range 2 {
			if status := post(t, p.BaseURL+"/api/v1/organization/users/create-in-org", token, fmt.Sprint("key", round), body); status != http.StatusCreated {
				t.Fatalf("round %d: the user was answered %d", round, status)
			}
		}
		await(t, "the entry", r.stderr, func() bool {
			return strings.Contains(get(t, p.BaseURL+"/api/v1/organization/audit?size=1000", token), name)
		})
		trail := get(t, p.BaseURL+"/api/v1/organization/audit?size=1000", token)
		for _, one := range names[:round+1] {
			if n := strings.Count(trail, `"name":"`+one+`"`); n != 1 {
				t.Errorf("round %d: the trail tells %d times of %s:\n%s", round, n, one, trail)
			}
		}
		if strings.Contains(trail, "a sample password") || strings.Contains(trail, "argon2id") {
			t.Errorf("a password is in the trail:\n%s", trail)
		}
		r.stop(t)
	}
	log, err := os.ReadFile(filepath.Join(dir, "functions.log"))
	if err != nil || strings.Contains(string(log), "record failed") {
		t.Errorf("functions.log (%v):\n%s", err, log)
	}
	// The second run went on where the first had ended: it did not deliver the founding of the tenant again.
	records := 0
	for _, match := range regexp.MustCompile(`"records":(\d+)`).FindAllStringSubmatch(string(log), -1) {
		n, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		records += n
	}
	if records < 1 || records > 10 {
		t.Errorf("the second run delivered the first one's changes again:\n%s", log)
	}
}

// post sends a body under an idempotency key and returns the status of the answer.
func post(t *testing.T, url, token, key, body string) int {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Idempotency-Key", key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestTokensThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir, tableName(t), "-quiet")
	defer r.stop(t)
	p := readPublished(t, dir)
	token := tokenFrom(t, p, "grant_type=client_credentials")
	for name, authorization := range map[string]string{"forged": "Bearer " + token[:len(token)-4] + "AAAA", "basic": "Basic YTpi", "junk": "Bearer x"} {
		request, err := http.NewRequest(http.MethodGet, p.BaseURL+"/api/v1/organization/users", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized || response.Header.Get("WWW-Authenticate") != `Bearer realm="roster", error="invalid_token"` || !json.Valid(body) {
			t.Errorf("%s: %d %v %s", name, response.StatusCode, response.Header, body)
		}
	}
	if strings.Contains(r.stdout.String(), "GET /api") {
		t.Errorf("-quiet prints a line per request:\n%s", r.stdout)
	}
}

func await(t *testing.T, what string, stderr *output, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s\n%s", what, stderr)
		}
	}
}

func tokenFrom(t *testing.T, p published, form string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, p.BaseURL+"/oauth2/token", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(p.Organization.ClientID, p.Organization.ClientSecret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", form, response.StatusCode, err)
	}
	return answer.AccessToken
}

// workspaceToken asks for a token in the way of the workspace dialect, and then for another one by what was given with it.
func workspaceToken(t *testing.T, p published) string {
	t.Helper()
	var answer struct{ AccessToken, RefreshToken string }
	ask := func(path, body string) {
		response, err := http.Post(p.BaseURL+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v", path, response.StatusCode, err)
		}
	}
	ask("/auth/token", fmt.Sprintf(`{"workspace":%q,"apiKeyId":%q,"apiKeySecret":%q}`, p.Workspace.Workspace, p.Workspace.APIKeyID, p.Workspace.APIKeySecret))
	ask("/auth/token/refresh", fmt.Sprintf(`{"workspace":"%d","refreshToken":%q}`, p.Organization.OrgID, answer.RefreshToken))
	return answer.AccessToken
}

// customersToken asks for a token in the way of the customers dialect.
func customersToken(t *testing.T, p published) string {
	t.Helper()
	body := fmt.Sprintf(`{"client_id":%q,"client_secret":%q,"audience":%q,"grant_type":"client_credentials"}`, p.Customers.ClientID, p.Customers.ClientSecret, p.Customers.Audience)
	response, err := http.Post(p.BaseURL+"/api/v1/oauth/token", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the token call of the customers dialect: %d %v", response.StatusCode, err)
	}
	return answer.AccessToken
}

func get(t *testing.T, url, token string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", url, response.StatusCode, body, err)
	}
	return string(body)
}

func totalOf(t *testing.T, body string) int {
	t.Helper()
	var page struct{ TotalElements int }
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return page.TotalElements
}

// TestWhatCannotBeIsSaidInOneLine checks the errors that a developer meets first.
func TestWhatCannotBeIsSaidInOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	noTemplate := filepath.Join(t.TempDir(), "template.yaml")
	ownedDir := t.TempDir()
	owner := &server{options: options{dir: ownedDir}}
	release, err := owner.ownFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for _, test := range []struct {
		name    string
		args    []string
		environ []string
		want    string
	}{
		{"port taken", []string{"-addr", taken.Addr().String()}, nil, "choose another: make run ARGS="},
		{"no template", []string{"-template", noTemplate}, nil, "the template cannot be read"},
		{"no such flag", []string{"-colour"}, nil, "-help lists the flags"},
		{"no flag", []string{"colour"}, nil, "-help lists the flags"},
		{"too many users", []string{"-users", "-1"}, nil, "-users must be from 0"},
		{"no endpoint", nil, []string{"ROSTER_DYNAMODB_ENDPOINT=localhost"}, "must be an address such as"},
		{"nobody there", nil, []string{"ROSTER_DYNAMODB_ENDPOINT=http://127.0.0.1:1"}, "unset ROSTER_DYNAMODB_ENDPOINT"},
		{"memory elsewhere", []string{"-memory"}, []string{"ROSTER_DYNAMODB_ENDPOINT=http://127.0.0.1:1"}, "exclude each other"},
		{"cloud without credentials", nil, []string{"ROSTER_DYNAMODB_ENDPOINT=https://dynamodb.eu-central-1.amazonaws.com"}, "AWS_REGION"},
		{"folder in use", []string{"-dir", ownedDir}, nil, "another run has the folder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"-addr", "127.0.0.1:0", "-dir", filepath.Join(t.TempDir(), "roster")}, test.args...)
			stderr := &output{}
			err := run(t.Context(), process{args: args, environ: test.environ, stdout: io.Discard, stderr: stderr, now: time.Now})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, test.want)
			}
			if stderr.String() != "" {
				t.Errorf("more was printed: %s", stderr)
			}
		})
	}
}

func TestHelpListsTheFlags(t *testing.T) {
	stderr := &output{}
	if err := run(t.Context(), process{args: []string{"-help"}, stdout: io.Discard, stderr: stderr, now: time.Now}); err == nil {
		t.Error("-help is no reason to start")
	}
	for _, name := range []string{"-addr", "-memory", "-users", "-quiet", "-dir", "-template"} {
		if !strings.Contains(stderr.String(), name) {
			t.Errorf("%s is not listed in\n%s", name, stderr)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 10001: "10,001", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}
