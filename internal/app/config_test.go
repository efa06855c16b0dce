package app

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// getenv returns a lookup of pairs of names and values.
func getenv(pairs ...string) func(string) string {
	env := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return env[name] }
}

// minimal is what every function needs.
var minimal = []string{"ROSTER_TABLE", "t", "AWS_REGION", "eu-central-1", "AWS_ACCESS_KEY_ID", "id", "AWS_SECRET_ACCESS_KEY", "secret"}

func with(pairs ...string) func(string) string {
	return getenv(append(append([]string(nil), minimal...), pairs...)...)
}

// every is all parts.
var every = []Part{Tokens, Signing, Replica, Retention, Invitations, Mail, Push, Refusals, Requests}

func TestDefaults(t *testing.T) {
	got, err := Load(with("ROSTER_ISSUER", "https://roster.example/dev/", "ROSTER_SIGNING_KEY", "key", "ROSTER_MAIL_FROM", "no-reply@roster.example",
		"ROSTER_LINK_BASE", "https://roster.example/dev/", "ROSTER_REFUSALS_QUEUE", "https://sqs.example/1/refusals"), every...)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Table: "t", Region: "eu-central-1", Credentials: Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, Memory: 512 << 20,
		Issuer: "https://roster.example/dev", Audience: "https://roster.example/dev", AccessTokenTTL: 15 * time.Minute,
		RefreshTokenTTL: 720 * time.Hour, SigningKey: "key",
		ReplicaOverlap: 5 * time.Second, ReplicaMemory: 512 << 20 / 10 * 6, SnapshotUsers: 10_000,
		DeletedRetention: 90 * 24 * time.Hour, AuditRetention: 90 * 24 * time.Hour,
		InvitationValidity: 7 * 24 * time.Hour, InvitationsPerDay: 25, LinksPerDay: 1000, LinksPerAddress: 5,
		MailFrom: "no-reply@roster.example", LinkBase: "https://roster.example/dev", RefusalsQueue: "https://sqs.example/1/refusals", RequestsPerMinute: 10_000,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

func TestEverythingCanBeSet(t *testing.T) {
	got, err := Load(with(
		"ROSTER_LOG_LEVEL", "debug", "ROSTER_DYNAMODB_ENDPOINT", "http://127.0.0.1:8000", "AWS_SESSION_TOKEN", "session",
		"ROSTER_BASE_PATH", "/v1/rest", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024",
		"ROSTER_ISSUER", "http://127.0.0.1:8080", "ROSTER_AUDIENCE", "everybody", "ROSTER_ACCESS_TOKEN_TTL", "1h",
		"ROSTER_REFRESH_TOKEN_TTL", "24h", "ROSTER_SIGNING_KEY_FILE", "key.pem",
		"ROSTER_REPLICA_MAX_AGE", "2s", "ROSTER_REPLICA_OVERLAP", "10s", "ROSTER_REPLICA_MEMORY", "1048576", "ROSTER_SNAPSHOT_USERS", "500",
		"ROSTER_DELETED_RETENTION_DAYS", "30", "ROSTER_AUDIT_RETENTION_DAYS", "365",
		"ROSTER_INVITATION_DAYS", "30", "ROSTER_INVITATIONS_PER_DAY", "0", "ROSTER_LINKS_PER_DAY", "1000000", "ROSTER_LINKS_PER_ADDRESS", "1",
		"ROSTER_MAIL_FROM", "Roster <no-reply@roster.example>", "ROSTER_MAIL_REPLY_TO", "help@roster.example", "ROSTER_MAIL_CONFIGURATION_SET", "set",
		"ROSTER_LINK_BASE", "http://127.0.0.1:8080", "ROSTER_SES_ENDPOINT", "http://127.0.0.1:1/ses",
		"ROSTER_PUSH_FCM", "arn:aws:sns:eu-central-1:1:app/GCM/a", "ROSTER_PUSH_APNS", "arn:aws-cn:sns:cn-north-1:1:app/APNS/b",
		"ROSTER_PUSH_APNS_SANDBOX", "arn:aws:sns:eu-central-1:1:app/APNS_SANDBOX/c", "ROSTER_SNS_ENDPOINT", "http://127.0.0.1:1/sns",
		"ROSTER_REFUSALS_QUEUE", "http://127.0.0.1:1/queue", "ROSTER_SQS_ENDPOINT", "http://127.0.0.1:1/sqs", "ROSTER_REQUESTS_PER_MINUTE", "0",
	), every...)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		LogLevel: slog.LevelDebug, Table: "t", TableEndpoint: "http://127.0.0.1:8000", Region: "eu-central-1",
		Credentials: Credentials{AccessKeyID: "id", SecretAccessKey: "secret", SessionToken: "session"}, BasePath: "/v1/rest", Memory: 1024 << 20,
		Issuer: "http://127.0.0.1:8080", Audience: "everybody", AccessTokenTTL: time.Hour, RefreshTokenTTL: 24 * time.Hour, SigningKeyFile: "key.pem",
		ReplicaMaxAge: 2 * time.Second, ReplicaOverlap: 10 * time.Second, ReplicaMemory: 1 << 20, SnapshotUsers: 500,
		DeletedRetention: 30 * 24 * time.Hour, AuditRetention: 365 * 24 * time.Hour,
		InvitationValidity: 30 * 24 * time.Hour, InvitationsPerDay: 0, LinksPerDay: 1_000_000, LinksPerAddress: 1,
		MailFrom: "Roster <no-reply@roster.example>", MailReplyTo: "help@roster.example", MailConfigurationSet: "set",
		LinkBase: "http://127.0.0.1:8080", SESEndpoint: "http://127.0.0.1:1/ses",
		PushFCM: "arn:aws:sns:eu-central-1:1:app/GCM/a", PushAPNS: "arn:aws-cn:sns:cn-north-1:1:app/APNS/b",
		PushAPNSSandbox: "arn:aws:sns:eu-central-1:1:app/APNS_SANDBOX/c", SNSEndpoint: "http://127.0.0.1:1/sns",
		RefusalsQueue: "http://127.0.0.1:1/queue", SQSEndpoint: "http://127.0.0.1:1/sqs",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

func TestAFunctionNeedsOnlyItsOwnParts(t *testing.T) {
	if _, err := Load(with(), Replica); err != nil {
		t.Errorf("a function that neither signs nor verifies: %v", err)
	}
	if _, err := Load(with("ROSTER_ISSUER", "https://roster.example"), Tokens); err != nil {
		t.Errorf("a function that verifies: %v", err)
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	_, err := Load(getenv(
		"ROSTER_LOG_LEVEL", "loud", "ROSTER_DYNAMODB_ENDPOINT", "localhost:8000", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "lots",
		"ROSTER_ISSUER", "roster.example", "ROSTER_ACCESS_TOKEN_TTL", "15", "ROSTER_REFRESH_TOKEN_TTL", "1s",
		"ROSTER_REPLICA_MAX_AGE", "-1s", "ROSTER_REPLICA_OVERLAP", "1h", "ROSTER_REPLICA_MEMORY", "1", "ROSTER_SNAPSHOT_USERS", "99",
		"ROSTER_DELETED_RETENTION_DAYS", "0", "ROSTER_AUDIT_RETENTION_DAYS", "3651",
		"ROSTER_INVITATION_DAYS", "91", "ROSTER_INVITATIONS_PER_DAY", "-1", "ROSTER_LINKS_PER_DAY", "1000001", "ROSTER_LINKS_PER_ADDRESS", "few",
		"ROSTER_MAIL_REPLY_TO", "nobody", "ROSTER_LINK_BASE", "roster.example", "ROSTER_SES_ENDPOINT", "localhost:1",
		"ROSTER_PUSH_FCM", "arn:aws:sns:eu-central-1:1:app/APNS/a", "ROSTER_PUSH_APNS", "arn:aws:sns:eu-central-1:1:app/APNS_SANDBOX/a",
		"ROSTER_PUSH_APNS_SANDBOX", "c", "ROSTER_SNS_ENDPOINT", "localhost:1", "ROSTER_REFUSALS_QUEUE", "refusals", "ROSTER_SQS_ENDPOINT", "localhost:1", "ROSTER_REQUESTS_PER_MINUTE", "-1",
	), every...)
	if err == nil {
		t.Fatal("Load accepts all of it")
	}
	for _, name := range []string{
		"ROSTER_LOG_LEVEL", "ROSTER_TABLE", "ROSTER_DYNAMODB_ENDPOINT", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "ROSTER_ISSUER", "ROSTER_ACCESS_TOKEN_TTL", "ROSTER_REFRESH_TOKEN_TTL", "ROSTER_SIGNING_KEY",
		"ROSTER_REPLICA_MAX_AGE", "ROSTER_REPLICA_OVERLAP", "ROSTER_REPLICA_MEMORY", "ROSTER_SNAPSHOT_USERS",
		"ROSTER_DELETED_RETENTION_DAYS", "ROSTER_AUDIT_RETENTION_DAYS",
		"ROSTER_INVITATION_DAYS", "ROSTER_INVITATIONS_PER_DAY", "ROSTER_LINKS_PER_DAY", "ROSTER_LINKS_PER_ADDRESS",
		"ROSTER_MAIL_FROM", "ROSTER_MAIL_REPLY_TO", "ROSTER_LINK_BASE", "ROSTER_SES_ENDPOINT",
		"ROSTER_PUSH_FCM", "ROSTER_PUSH_APNS", "ROSTER_PUSH_APNS_SANDBOX", "ROSTER_SNS_ENDPOINT", "ROSTER_REFUSALS_QUEUE", "ROSTER_SQS_ENDPOINT", "ROSTER_REQUESTS_PER_MINUTE",
	} {
		if n := strings.Count(err.Error(), "\n"+name+": "); n != 1 {
			t.Errorf("%s is named %d times, want once, in\n%v", name, n, err)
		}
	}
}

func TestOneSigningKeyExactly(t *testing.T) {
	for _, pairs := range [][]string{nil, {"ROSTER_SIGNING_KEY", "a", "ROSTER_SIGNING_KEY_FILE", "b"}} {
		if _, err := Load(with(pairs...), Signing); err == nil {
			t.Errorf("Load accepts %q", pairs)
		}
	}
}

func TestMailNeedsAnAddressALinkAndAQueue(t *testing.T) {
	_, err := Load(with("ROSTER_MAIL_FROM", "two@roster.example, addresses@roster.example"), Mail, Push, Refusals)
	for _, want := range []string{"ROSTER_MAIL_FROM: must be an e-mail address", "ROSTER_LINK_BASE: is required", "ROSTER_REFUSALS_QUEUE: is required"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load: %v, want %s", err, want)
		}
	}
}

func TestIssuersThatAreNone(t *testing.T) {
	for _, issuer := range []string{"", "ftp://roster.example", "https://", "https://roster.example?x=1", "https://roster.example#x", "https://me@roster.example", "https://%zz"} {
		if _, err := Load(with("ROSTER_ISSUER", issuer), Tokens); err == nil {
			t.Errorf("Load accepts %q", issuer)
		}
	}
}

func TestLogLinesAreWhatLambdaReads(t *testing.T) {
	var out bytes.Buffer
	config := Config{LogLevel: slog.LevelInfo}
	log := RequestLogger(config.Logger(&out)).With("part", "x").WithGroup("group")
	log.DebugContext(context.Background(), "not shown")
	log.InfoContext(WithRequestID(context.Background(), "id"), "shown", "time", "noon")
	var line struct {
		Timestamp time.Time
		Level     string
		Msg, Part string
		Group     struct{ Time, RequestID string }
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%s: %v", out.String(), err)
	}
	if line.Timestamp.IsZero() || line.Level != "INFO" || line.Msg != "shown" || line.Part != "x" || line.Group.Time != "noon" || line.Group.RequestID != "id" {
		t.Errorf("line = %s", out.String())
	}
}

// A snapshot must be gone before a user is who was deleted after it was made.
func TestSnapshotsAreYoungerThanDeletions(t *testing.T) {
	for days, want := range map[string]time.Duration{"": 7 * 24 * time.Hour, "1": 12 * time.Hour, "10": 5 * 24 * time.Hour, "3650": 7 * 24 * time.Hour} {
		c, err := Load(with("ROSTER_DELETED_RETENTION_DAYS", days), Replica, Retention)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.SnapshotMaxAge(); got != want || 2*got > c.DeletedRetention {
			t.Errorf("where deletions stay for %q days, snapshots are used for %v, want %v", days, got, want)
		}
	}
}
