package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
)

// tablePlace is where the table is, and how to get at it.
type tablePlace struct {
	name, endpoint, region     string
	accessKey, secret, session string
}

// startTable starts DynamoDB Local, unless the environment names a table elsewhere.
func (s *server) startTable(ctx context.Context) error {
	s.table = tablePlace{name: s.getenv("ROSTER_TABLE"), endpoint: s.getenv(dynamolocal.EndpointVariable), region: "local", accessKey: "roster", secret: "local"}
	if s.table.name == "" {
		s.table.name = "roster"
	}
	if s.table.endpoint == "" {
		local, err := dynamolocal.Start(ctx, dynamolocal.Options{Memory: s.memory, Dir: filepath.Join(s.dir, "dynamodb"), Progress: s.stderr})
		if err != nil {
			return ending(ctx, err)
		}
		s.local, s.table.endpoint = local, local.Endpoint()
		return nil
	}
	if s.memory {
		return fmt.Errorf("-memory and %s exclude each other: the table there is not this program's to throw away", dynamolocal.EndpointVariable)
	}
	u, err := url.Parse(s.table.endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s must be an address such as http://127.0.0.1:8000, not %q", dynamolocal.EndpointVariable, s.table.endpoint)
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	// Not on this machine, so it wants real credentials.
	s.table.region, s.table.accessKey = s.getenv("AWS_REGION"), s.getenv("AWS_ACCESS_KEY_ID")
	s.table.secret, s.table.session = s.getenv("AWS_SECRET_ACCESS_KEY"), s.getenv("AWS_SESSION_TOKEN")
	if s.table.region == "" || s.table.accessKey == "" || s.table.secret == "" {
		return fmt.Errorf("%s is not on this machine, so AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set", dynamolocal.EndpointVariable)
	}
	return nil
}

// getenv returns a variable of the process.
func (s *server) getenv(name string) string {
	for _, pair := range s.environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

func (p *tablePlace) client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: p.region, BaseEndpoint: aws.String(p.endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(p.accessKey, p.secret, p.session),
	})
}

// prepareTable makes the table of the template, if it is not there.
func (s *server) prepareTable(ctx context.Context) error {
	client := s.table.client()
	input := s.template.Table.CreateInput(s.table.name)
	if s.local != nil {
		input.StreamSpecification = nil // until the demo tenant is there: see turnOnStream
	}
	_, err := client.CreateTable(ctx, input)
	if _, exists := errors.AsType[*types.ResourceInUseException](err); exists {
		return nil
	}
	if _, unreachable := errors.AsType[*net.OpError](err); unreachable {
		return fmt.Errorf("nothing answers at %s (%w): start it, or unset %s", s.table.endpoint, rootCause(err), dynamolocal.EndpointVariable)
	}
	if err != nil {
		return fmt.Errorf("the table cannot be made at %s: %w", s.table.endpoint, err)
	}
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond })
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &s.table.name}, time.Minute); err != nil {
		return fmt.Errorf("the table %s is not ready at %s: %w", s.table.name, s.table.endpoint, err)
	}
	if expiry := s.template.Table.TTLInput(s.table.name); expiry != nil {
		if _, err := client.UpdateTimeToLive(ctx, expiry); err != nil {
			return fmt.Errorf("expiry cannot be turned on for the table %s: %w", s.table.name, err)
		}
	}
	return nil
}

// turnOnStream gives the table of this program's own DynamoDB Local its stream, if it has none yet. With one, DynamoDB Local
// looks through older records at each write, which would slow the demo tenant's users down; and that those were made up is
// nothing for an audit trail.
func (s *server) turnOnStream(ctx context.Context) error {
	specification := s.template.Table.CreateInput(s.table.name).StreamSpecification
	if s.local == nil || specification == nil {
		return nil
	}
	client := s.table.client()
	described, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table.name})
	if err != nil {
		return fmt.Errorf("the table %s cannot be described: %w", s.table.name, err)
	}
	if described.Table.LatestStreamArn != nil {
		return nil
	}
	if _, err := client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &s.table.name, StreamSpecification: specification}); err != nil {
		return fmt.Errorf("the stream of the table %s cannot be turned on: %w", s.table.name, err)
	}
	return nil
}

// stateName returns the name of the file that remembers the demo tenant of this table: every table has its own. The port of a
// DynamoDB Local that this program starts is another each time, so that one counts by its folder.
func (p *tablePlace) stateName(own bool) string {
	place := p.endpoint + "-" + p.name
	switch {
	case own && p.name == "roster":
		return "demo-tenant.json"
	case own:
		place = p.name
	}
	clean := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(place))
	return "demo-tenant-" + clean + ".json"
}

// store returns the table as those who look at it themselves need it.
func (p *tablePlace) store(now func() time.Time) *dynamo.Table {
	return dynamo.New(p.client(), p.name, dynamo.Options{Now: now})
}

// operator returns the operator of the table, who makes the demo tenant.
func (p *tablePlace) operator(now func() time.Time) (*directory.Operator, error) {
	return directory.NewOperator(directory.OperatorConfig{
		Store: p.store(now), Now: now, Random: rand.Reader,
		Stamp:             roster.Stamp{By: "infra/local", Via: "infra/local"},
		HashPassword:      oauth2.HashPassword,
		NewClientSecret:   oauth2.NewClientSecret,
		KnownPasswordHash: func(hash string) bool { return oauth2.CheckHash(hash) == nil },
	})
}
