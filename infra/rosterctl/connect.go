package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/oauth2"
	"github.com/rosterhq/roster/internal/roster"
)

// place is a table and where it is.
type place struct {
	Table    string `json:"table"`
	Endpoint string `json:"endpoint,omitempty"`
	Region   string `json:"region,omitempty"`
	profile  string
}

// placeFlags adds the flags that say which table a command works on.
func (t *tool) placeFlags(c *cobra.Command) *place {
	p := &place{}
	flags := c.Flags()
	flags.StringVar(&p.Table, "table", "", "the table's name (default $ROSTER_TABLE)")
	flags.StringVar(&p.Endpoint, "endpoint", "", "the URL of DynamoDB Local (default $ROSTER_DYNAMODB_ENDPOINT, or else the cloud)")
	flags.StringVar(&p.Region, "region", "", "the AWS region (default as every AWS tool finds it)")
	flags.StringVar(&p.profile, "profile", "", "the profile of the AWS configuration")
	return p
}

// localRegion is the region of an endpoint that says none: any will do, but the SDK must have one.
const localRegion = "us-east-1"

// connect returns the operator of the table at p, and fills in p what the flags left to the environment.
func (t *tool) connect(ctx context.Context, p *place) (*directory.Operator, error) {
	table, err := t.open(ctx, p)
	if err != nil {
		return nil, err
	}
	return t.operator(table)
}

// longest is how long an entry of an audit trail is kept at most: which of them are over is said by the entries themselves.
const longest = 3650 * 24 * time.Hour

// open returns the table at p, and fills in p what the flags left to the environment.
func (t *tool) open(ctx context.Context, p *place) (*dynamo.Table, error) {
	if p.Table == "" {
		p.Table = t.env("ROSTER_TABLE")
	}
	if p.Endpoint == "" {
		p.Endpoint = t.env("ROSTER_DYNAMODB_ENDPOINT")
	}
	if p.Table == "" {
		return nil, errors.New("which table? give --table or set ROSTER_TABLE")
	}
	loopback, err := checkEndpoint(p.Endpoint)
	if err != nil {
		return nil, err
	}
	var options []func(*config.LoadOptions) error
	if p.Region != "" {
		options = append(options, config.WithRegion(p.Region))
	}
	if p.profile != "" {
		options = append(options, config.WithSharedConfigProfile(p.profile))
	}
	if loopback && p.profile == "" {
		// DynamoDB Local wants credentials but does not look at them, and nobody's own should travel to it.
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	switch {
	case settings.Region == "" && p.Endpoint != "":
		settings.Region = localRegion
	case settings.Region == "":
		return nil, errors.New("which region? give --region or set AWS_REGION")
	}
	p.Region = settings.Region
	client := dynamodb.NewFromConfig(settings, func(o *dynamodb.Options) {
		// The check stumbles over the answers to refused transactions, and warns on standard error. TLS does not need
		// it.
		o.DisableValidateResponseChecksum = true
		if t.transport != nil {
			o.HTTPClient = &http.Client{Transport: t.transport}
		}
		if p.Endpoint != "" {
			o.BaseEndpoint = aws.String(p.Endpoint)
		}
	})
	return dynamo.New(client, p.Table, dynamo.Options{Now: t.now, AuditRetention: longest}), nil
}

func (t *tool) operator(table *dynamo.Table) (*directory.Operator, error) {
	return directory.NewOperator(directory.OperatorConfig{
		Store: table, Now: t.now, Random: rand.Reader,
		// Each run is a request of its own: that tells its writes from those of another run.
		Stamp:             roster.Stamp{By: "rosterctl", Via: "rosterctl", RequestID: rand.Text()},
		HashPassword:      oauth2.HashPassword,
		NewClientSecret:   oauth2.NewClientSecret,
		KnownPasswordHash: func(hash string) bool { return oauth2.CheckHash(hash) == nil },
	})
}

// checkEndpoint reports whether the endpoint is on this machine. It returns an error for one that is no URL.
func checkEndpoint(endpoint string) (loopback bool, err error) {
	if endpoint == "" {
		return false, nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return false, fmt.Errorf("the endpoint must be a URL such as http://127.0.0.1:8000, not %q", endpoint)
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback(), nil
}

// explain gives the errors of the table that an operator can do something about the words of an operator.
func explain(err error, p *place) error {
	where := "in region " + p.Region
	if p.Endpoint != "" {
		where = "at " + p.Endpoint
	}
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return fmt.Errorf("there is no table %q %s", p.Table, where)
	}
	if refused, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("nothing answers %s: %w", where, refused)
	}
	return err
}
