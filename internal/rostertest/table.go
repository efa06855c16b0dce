package rostertest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// server is the DynamoDB Local that this test binary started for itself, if it had to. A JVM for each test would cost
// seconds, so it outlives the tests and Main ends it.
var server struct {
	sync.Mutex
	running *dynamolocal.Server
	err     error // why it could not be started: tried once
}

// Main runs a package's tests and then ends the DynamoDB Local that they started, if any. Each package whose tests call
// Table has it:
//
//	func TestMain(m *testing.M) { rostertest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	server.Lock()
	defer server.Unlock()
	if server.running != nil {
		server.running.Stop()
	}
	os.Exit(code)
}

// Endpoint returns the address of a DynamoDB Local: the one that ROSTER_TEST_DYNAMODB_ENDPOINT names, which the whole test
// run shares (make test sets it), or else this test binary's own, started at the first call.
func Endpoint(t testing.TB) string {
	t.Helper()
	if endpoint := os.Getenv(dynamolocal.TestEndpointVariable); endpoint != "" {
		return endpoint
	}
	server.Lock()
	defer server.Unlock()
	if server.running == nil && server.err == nil {
		// Not the test's context: the server outlives the test.
		server.running, server.err = dynamolocal.Start(context.Background(), dynamolocal.Options{Memory: true, Progress: os.Stderr})
	}
	if server.err != nil {
		t.Fatalf("no DynamoDB Local for the tests: %v (for tests the variable is %s)", server.err, dynamolocal.TestEndpointVariable)
	}
	return server.running.Endpoint()
}

// Client returns a client of the DynamoDB Local of Endpoint. The options come last and may change anything: the transport
// (see WithTransport), the number of tries.
func Client(t testing.TB, options ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	settings := dynamodb.Options{
		Region:       "local",
		BaseEndpoint: aws.String(Endpoint(t)),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "roster", SecretAccessKey: "local", Source: "rostertest"}, nil
		}),
	}
	return dynamodb.New(settings, options...)
}

// WithTransport makes a client send its requests through transport: a *Faults, or one that counts.
func WithTransport(transport http.RoundTripper) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) { o.HTTPClient = &http.Client{Transport: transport} }
}

// CreateTable makes a table as template.yaml defines it but for the stream, under a name of its own, and returns the name.
// The table goes when the test ends.
//
// DynamoDB Local looks through older stream records, of all tables, at each write to a table with a stream: a package's
// tests took 236 s with streams and 21 s without. CreateTableWithStream is for tests that read it.
func CreateTable(t testing.TB) string {
	t.Helper()
	return createTable(t, func(input *dynamodb.CreateTableInput) { input.StreamSpecification = nil })
}

// CreateTableWithStream is CreateTable with the stream.
func CreateTableWithStream(t testing.TB) string {
	t.Helper()
	return createTable(t, func(*dynamodb.CreateTableInput) {})
}

func createTable(t testing.TB, change func(*dynamodb.CreateTableInput)) string {
	t.Helper()
	template, err := samtemplate.FindAndRead()
	if err != nil {
		t.Fatal(err)
	}
	client, name := Client(t), tableName(t)
	input := template.Table.CreateInput(name)
	change(input)
	if _, err := client.CreateTable(t.Context(), input); err != nil {
		t.Fatalf("creating the table %s: %v", name, err)
	}
	t.Cleanup(func() { // the test's context has ended by then
		if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			t.Errorf("deleting the table %s: %v", name, err)
		}
	})
	if input := template.Table.TTLInput(name); input != nil {
		if _, err := client.UpdateTimeToLive(t.Context(), input); err != nil {
			t.Fatalf("turning on expiry of the table %s: %v", name, err)
		}
	}
	// The table of DynamoDB Local is there at once, but asking costs little and documents the rule.
	wait := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 20 * time.Millisecond })
	if err := wait.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
		t.Fatalf("waiting for the table %s: %v", name, err)
	}
	return name
}

// tableName returns a name of 3 to 255 characters (AWS, Naming rules) that tells the test and is used by no other. Local
// table names differ by more than case, because DynamoDB Local does not tell case apart.
func tableName(t testing.TB) string {
	const most = 60
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name()))
	return fmt.Sprintf("%.*s-%s", most, name, strings.ToLower(rand.Text()))
}

// Table returns a directory's table, empty and the test's own.
func Table(t testing.TB) *dynamo.Table {
	t.Helper()
	return TableWith(t, dynamo.Options{})
}

// TableWith is Table with options for the table, such as a Clock's Now, and for its client.
func TableWith(t testing.TB, options dynamo.Options, client ...func(*dynamodb.Options)) *dynamo.Table {
	t.Helper()
	return dynamo.New(Client(t, client...), CreateTable(t), options)
}

// CostOf runs what with a context that counts what the table's calls in it cost.
func CostOf(t testing.TB, what func(context.Context) error) roster.Cost {
	t.Helper()
	meter := &roster.Meter{}
	if err := what(roster.WithMeter(t.Context(), meter)); err != nil {
		t.Fatal(err)
	}
	return meter.Cost()
}
