package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/rosterhq/roster/infra/local/gateway"
	"github.com/rosterhq/roster/infra/local/stream"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

// startStreams gives the records of the table's stream to the functions that the template gives them to, from where the last run
// ended, until the returned function is called, which waits for what is under way. It can be called in any case.
func (s *server) startStreams(ctx context.Context, functions map[string]gateway.Function) (func(), error) {
	nothing := func() {}
	if len(s.template.Streams) == 0 {
		return nothing, nil
	}
	arn, err := s.table.streamARN(ctx)
	if err != nil {
		return nothing, err
	}
	var pollers []*stream.Poller
	for _, mapping := range s.template.Streams {
		poller, err := s.poller(mapping, arn, functions[mapping.Function])
		if err != nil {
			return nothing, fmt.Errorf("%s:%d: %w", s.template.Path, mapping.Line, err)
		}
		pollers = append(pollers, poller)
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, poller := range pollers {
		running.Go(func() { poller.Run(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}, nil
}

// poller returns what delivers the stream of that ARN as a mapping of the template says.
func (s *server) poller(mapping samtemplate.Stream, arn string, to stream.Function) (*stream.Poller, error) {
	function, _ := s.template.Function(mapping.Function)
	file := ""
	if !s.memory {
		file = filepath.Join(s.dir, strings.ToLower(mapping.LogicalID)+"-"+strings.TrimPrefix(s.table.stateName(s.local != nil), "demo-"))
	}
	return stream.New(stream.Config{
		API: s.table.streams(), Stream: arn, Function: to, Timeout: function.Timeout,
		BatchSize:  int32(min(mapping.BatchSize, 1000)), // GetRecords gives no more
		MaxRetries: mapping.MaxRetries, Bisect: mapping.Bisect, PartialFailures: mapping.PartialFailures, Filters: mapping.Filters,
		File:   file,
		Report: func(line string) { fmt.Fprintf(s.stderr, "%s: %s\n", mapping.LogicalID, line) },
	})
}

// streamARN returns the ARN of the table's stream.
func (p *tablePlace) streamARN(ctx context.Context) (string, error) {
	out, err := p.client().DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &p.name})
	if err != nil {
		return "", fmt.Errorf("the table %s cannot be described: %w", p.name, err)
	}
	if out.Table.LatestStreamArn == nil {
		return "", fmt.Errorf("the table %s has no stream, which the template gives to functions: turn one on with new and old images, or choose another table", p.name)
	}
	return *out.Table.LatestStreamArn, nil
}

func (p *tablePlace) streams() *dynamodbstreams.Client {
	return dynamodbstreams.New(dynamodbstreams.Options{
		Region: p.region, BaseEndpoint: aws.String(p.endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(p.accessKey, p.secret, p.session),
	})
}
