package app

import (
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/quota"
)

// NewTable returns the table. It makes no call. Without the part Retention it keeps things for as long as package dynamo does by itself.
func (c *Config) NewTable(now func() time.Time, log *slog.Logger) *dynamo.Table {
	options := dynamodb.Options{
		Region:      c.Region,
		Credentials: c.Provider(),
		HTTPClient:  HTTPClient(),
		Retryer:     Retryer(),
	}
	if c.TableEndpoint != "" {
		options.BaseEndpoint = aws.String(c.TableEndpoint)
	}
	return dynamo.New(dynamodb.New(options), c.Table, dynamo.Options{
		Now: now, Log: log, Retention: c.DeletedRetention, AuditRetention: c.AuditRetention,
	})
}

// NewQuota returns what lets requests through, nil where nothing bounds them, which a Limiter knows. It needs the part Requests, and
// makes no call.
func (c *Config) NewQuota(table *dynamo.Table, now func() time.Time) *quota.Limiter {
	if c.RequestsPerMinute == 0 {
		return nil
	}
	return quota.New(table, c.RequestsPerMinute, now)
}

// Provider returns the credentials in the form that AWS clients take.
func (c *Config) Provider() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(c.Credentials.AccessKeyID, c.Credentials.SecretAccessKey, c.Credentials.SessionToken)
}

// AWS returns what the client of a service is made from, at that address or, if it is empty, at the Region's own. It makes no call.
// The clients themselves are made in the packages of the functions that need them, so that no other function links them.
func (c *Config) AWS(endpoint string) aws.Config {
	config := aws.Config{Region: c.Region, Credentials: c.Provider(), HTTPClient: HTTPClient(), Retryer: Retryer}
	if endpoint != "" {
		config.BaseEndpoint = aws.String(endpoint)
	}
	return config
}

// Retryer returns what AWS clients go by when a call fails: four tries, with a wait between them of anything up to 50, 100 and 200
// milliseconds ("full jitter"). With the SDK's own waits, of up to 20 s, a caller would be gone before the second try; and with a
// MaxBackoff below a second the SDK waits for just that long, every time and in step with everybody else.
func Retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 4
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return rand.N(firstBackoff << min(max(attempt-1, 0), 3)), nil
		})
	})
}

// firstBackoff bounds the wait before the second try of a call. Each further one is bounded by twice as much.
const firstBackoff = 50 * time.Millisecond

// HTTPClient returns the client that AWS is called with. Its services answer in milliseconds from the same Region, so what takes
// seconds is lost and better tried again.
func HTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{Transport: &http.Transport{
		Proxy:          http.ProxyFromEnvironment,
		DialContext:    dialer.DialContext,
		DialTLSContext: dialTLS(dialer),
		// The four shards of a tenant's feed are read side by side, and a tenant being loaded must not keep others waiting.
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   2 * time.Second,
		ResponseHeaderTimeout: 10 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // the SDK asks for gzip itself where it wants it
	}}
}
