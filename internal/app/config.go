package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/quota"
)

// Environment is what a Lambda gets from the process it runs in.
type Environment struct {
	// Getenv returns an environment variable, empty if it is not set.
	Getenv func(name string) string
	// Log is where log lines go.
	Log io.Writer
	// Now tells the time.
	Now func() time.Time
}

// Part is a group of settings that some functions need and others do not.
type Part int

// The parts. Settings outside of them are read for every function.
const (
	// Tokens are the settings that verifying access tokens takes.
	Tokens Part = iota
	// Signing are the settings that giving out tokens takes, besides Tokens.
	Signing
	// Replica are the settings of the in-memory replicas.
	Replica
	// Retention are the settings of those who write what is kept for a time only.
	Retention
	// Invitations are the settings of those who record invitations.
	Invitations
	// Mail are the settings of those who send mail.
	Mail
	// Push are the settings of those who call the push service.
	Push
	// Refusals are the settings of those who tell of messages that cannot be sent.
	Refusals
	// Requests are the settings of those who answer requests of organizations.
	Requests
)

// Config is the configuration of a function. Fields of parts that were not asked for are zero.
type Config struct {
	// LogLevel is ROSTER_LOG_LEVEL: DEBUG, INFO, WARN or ERROR; INFO if it is not set.
	LogLevel slog.Level
	// MetricsNamespace is ROSTER_METRICS_NAMESPACE, what CloudWatch keeps the metrics of the log under, up to 255 letters, digits and
	// ./-_#:; no metrics if it is not set. FunctionName is AWS_LAMBDA_FUNCTION_NAME, which Lambda sets.
	MetricsNamespace, FunctionName string
	// Table is ROSTER_TABLE, the table's name. Required.
	Table string
	// TableEndpoint is ROSTER_DYNAMODB_ENDPOINT, the address of another DynamoDB than the Region's; empty if it is not set.
	TableEndpoint string
	// Region is AWS_REGION, which Lambda sets. Required.
	Region string
	// Credentials are AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which Lambda sets to the function's
	// role and which are valid for longer than an execution environment lives. The first two are required.
	Credentials Credentials
	// BasePath is ROSTER_BASE_PATH, the prefix of the path that a custom domain's base path mapping leaves in requests, such as
	// /v1/rest; empty if it is not set.
	BasePath string
	// Memory is AWS_LAMBDA_FUNCTION_MEMORY_SIZE in bytes, which Lambda sets; 512 MiB if it is not set.
	Memory int64

	// Issuer is ROSTER_ISSUER, the address that the API is reached at. Part Tokens; required.
	Issuer string
	// Audience is ROSTER_AUDIENCE, the audience of access tokens; the issuer if it is not set. Part Tokens.
	Audience string
	// AccessTokenTTL is ROSTER_ACCESS_TOKEN_TTL, from 1s to 24h; 15m if it is not set. Part Tokens, since a verifier trusts a
	// retired key for as long.
	AccessTokenTTL time.Duration

	// RefreshTokenTTL is ROSTER_REFRESH_TOKEN_TTL, from 1m to 8760h; 720h if it is not set. Part Signing.
	RefreshTokenTTL time.Duration
	// SigningKey is ROSTER_SIGNING_KEY, the id or ARN of a KMS key, and SigningKeyFile is ROSTER_SIGNING_KEY_FILE, a file with a
	// key in PEM. Part Signing; one of the two is required.
	SigningKey     string
	SigningKeyFile string

	// ReplicaMaxAge is ROSTER_REPLICA_MAX_AGE: how long a replica answers without looking at the feed, from 0s to 1h; 0s,
	// which is always looking, if it is not set. Part Replica.
	ReplicaMaxAge time.Duration
	// ReplicaOverlap is ROSTER_REPLICA_OVERLAP: how far behind what it has seen a replica reads the feed again, to catch what
	// clock skew and index lag made late, from 0s to 10m; 5s if it is not set. Part Replica.
	ReplicaOverlap time.Duration
	// ReplicaMemory is ROSTER_REPLICA_MEMORY: what all replicas together may take, in bytes, from 1 MiB up; 60 % of Memory if it
	// is not set. Part Replica.
	ReplicaMemory int64
	// SnapshotUsers is ROSTER_SNAPSHOT_USERS: the number of users from which on a tenant gets a snapshot, from 100 up; 10000 if it is
	// not set. Part Replica.
	SnapshotUsers int

	// DeletedRetention is ROSTER_DELETED_RETENTION_DAYS: how long a removed user can be restored, from 1 day to 3650; 90 days if it
	// is not set. Part Retention.
	DeletedRetention time.Duration
	// AuditRetention is ROSTER_AUDIT_RETENTION_DAYS: how long an entry of an audit trail is kept, from 1 day to 3650; 90 days if it
	// is not set. Part Retention.
	AuditRetention time.Duration

	// InvitationValidity is ROSTER_INVITATION_DAYS: how long the links of invitations and sign-ups work, from 1 day to 90; 7 days if
	// it is not set. Part Invitations.
	InvitationValidity time.Duration
	// InvitationsPerDay is ROSTER_INVITATIONS_PER_DAY: how many people an organization can invite in a day, from 0 to 1000000; 25 if
	// it is not set. Part Invitations.
	InvitationsPerDay int64
	// LinksPerDay is ROSTER_LINKS_PER_DAY: how many links to sign up and to set a password an organization can have mailed in a day,
	// from 0 to 1000000; 1000 if it is not set. Part Invitations.
	LinksPerDay int64
	// LinksPerAddress is ROSTER_LINKS_PER_ADDRESS: how many of those go to one address in a day, from 0 to 1000000; 5 if it is not
	// set. Part Invitations.
	LinksPerAddress int64

	// MailFrom is ROSTER_MAIL_FROM, the address that mail comes from, such as Roster <no-reply@roster.example>. Part Mail; required.
	MailFrom string
	// MailReplyTo is ROSTER_MAIL_REPLY_TO, the address that answers go to; empty if it is not set. Part Mail.
	MailReplyTo string
	// MailConfigurationSet is ROSTER_MAIL_CONFIGURATION_SET, by which SES tells what became of a mail; empty if it is not set. Part
	// Mail.
	MailConfigurationSet string
	// LinkBase is ROSTER_LINK_BASE, the address that links in mail begin with. Part Mail; required.
	LinkBase string
	// SESEndpoint is ROSTER_SES_ENDPOINT, the address of another SES than the Region's; empty if it is not set. Part Mail.
	SESEndpoint string

	// PushFCM, PushAPNS and PushAPNSSandbox are ROSTER_PUSH_FCM, ROSTER_PUSH_APNS and ROSTER_PUSH_APNS_SANDBOX, the ARNs of the SNS
	// platform applications; empty for a platform without one. Part Push.
	PushFCM, PushAPNS, PushAPNSSandbox string
	// SNSEndpoint is ROSTER_SNS_ENDPOINT, the address of another SNS than the Region's; empty if it is not set. Part Push.
	SNSEndpoint string

	// RefusalsQueue is ROSTER_REFUSALS_QUEUE, the URL of the SQS queue that is told of messages that cannot be sent. Part Refusals;
	// required.
	RefusalsQueue string
	// SQSEndpoint is ROSTER_SQS_ENDPOINT, the address of another SQS than the Region's; empty if it is not set. Part Refusals.
	SQSEndpoint string

	// RequestsPerMinute is ROSTER_REQUESTS_PER_MINUTE: how many requests an organization may make in a minute, from 0, which is any
	// number, to 10000000; 10000 if it is not set. Part Requests.
	RequestsPerMinute int64
}

// Credentials are what AWS requests are signed with.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// The defaults of settings that have one.
const (
	defaultMemory          = 512 << 20
	defaultAccessTokenTTL  = 15 * time.Minute
	defaultRefreshTokenTTL = 30 * 24 * time.Hour
	defaultReplicaOverlap  = 5 * time.Second
	defaultSnapshotUsers   = 10_000
	mostSnapshotAge        = 7 * 24 * time.Hour
	defaultRetentionDays   = 90
	mostRetentionDays      = 3650
	defaultInvitationDays  = 7
	mostInvitationDays     = 90
	defaultInvitations     = 25
	defaultLinks           = 1000
	defaultLinksPerAddress = 5
	mostMessages           = 1_000_000
	mostRequests           = 10_000_000
)

// Load reads a function's configuration: what every function needs, and the given parts. The error names everything that is
// missing or wrong, not only the first.
func Load(getenv func(string) string, parts ...Part) (*Config, error) {
	e := &environment{getenv: getenv}
	c := &Config{
		LogLevel:      e.level("ROSTER_LOG_LEVEL"),
		Table:         e.required("ROSTER_TABLE"),
		FunctionName:  getenv("AWS_LAMBDA_FUNCTION_NAME"),
		TableEndpoint: e.address("ROSTER_DYNAMODB_ENDPOINT"),
		Region:        e.required("AWS_REGION"),
		Credentials: Credentials{
			AccessKeyID:     e.required("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: e.required("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    getenv("AWS_SESSION_TOKEN"),
		},
		BasePath: getenv("ROSTER_BASE_PATH"),
		Memory:   e.number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", defaultMemory>>20, 1, 1<<20) << 20,

		MetricsNamespace: e.namespace("ROSTER_METRICS_NAMESPACE"),
	}
	for _, part := range parts {
		switch part {
		case Tokens:
			c.Issuer = strings.TrimRight(e.issuer("ROSTER_ISSUER"), "/")
			if c.Audience = getenv("ROSTER_AUDIENCE"); c.Audience == "" {
				c.Audience = c.Issuer
			}
			c.AccessTokenTTL = e.duration("ROSTER_ACCESS_TOKEN_TTL", defaultAccessTokenTTL, time.Second, 24*time.Hour)
		case Signing:
			c.RefreshTokenTTL = e.duration("ROSTER_REFRESH_TOKEN_TTL", defaultRefreshTokenTTL, time.Minute, 365*24*time.Hour)
			c.SigningKey, c.SigningKeyFile = e.oneOf("ROSTER_SIGNING_KEY", "ROSTER_SIGNING_KEY_FILE")
		case Replica:
			c.ReplicaMaxAge = e.duration("ROSTER_REPLICA_MAX_AGE", 0, 0, time.Hour)
			c.ReplicaOverlap = e.duration("ROSTER_REPLICA_OVERLAP", defaultReplicaOverlap, 0, 10*time.Minute)
			c.ReplicaMemory = e.number("ROSTER_REPLICA_MEMORY", c.Memory/10*6, 1<<20, 1<<40)
			c.SnapshotUsers = int(e.number("ROSTER_SNAPSHOT_USERS", defaultSnapshotUsers, 100, 1<<30))
		case Retention:
			c.DeletedRetention = e.days("ROSTER_DELETED_RETENTION_DAYS", defaultRetentionDays, mostRetentionDays)
			c.AuditRetention = e.days("ROSTER_AUDIT_RETENTION_DAYS", defaultRetentionDays, mostRetentionDays)
		case Invitations:
			c.InvitationValidity = e.days("ROSTER_INVITATION_DAYS", defaultInvitationDays, mostInvitationDays)
			c.InvitationsPerDay = e.number("ROSTER_INVITATIONS_PER_DAY", defaultInvitations, 0, mostMessages)
			c.LinksPerDay = e.number("ROSTER_LINKS_PER_DAY", defaultLinks, 0, mostMessages)
			c.LinksPerAddress = e.number("ROSTER_LINKS_PER_ADDRESS", defaultLinksPerAddress, 0, mostMessages)
		case Mail:
			c.MailFrom = e.mailbox("ROSTER_MAIL_FROM", true)
			c.MailReplyTo = e.mailbox("ROSTER_MAIL_REPLY_TO", false)
			c.MailConfigurationSet = getenv("ROSTER_MAIL_CONFIGURATION_SET")
			c.LinkBase = strings.TrimRight(e.issuer("ROSTER_LINK_BASE"), "/")
			c.SESEndpoint = e.address("ROSTER_SES_ENDPOINT")
		case Push:
			c.PushFCM = e.application("ROSTER_PUSH_FCM", "GCM")
			c.PushAPNS = e.application("ROSTER_PUSH_APNS", "APNS")
			c.PushAPNSSandbox = e.application("ROSTER_PUSH_APNS_SANDBOX", "APNS_SANDBOX")
			c.SNSEndpoint = e.address("ROSTER_SNS_ENDPOINT")
		case Requests:
			c.RequestsPerMinute = e.number("ROSTER_REQUESTS_PER_MINUTE", quota.DefaultLimit, 0, mostRequests)
		case Refusals:
			e.required("ROSTER_REFUSALS_QUEUE")
			c.RefusalsQueue = e.address("ROSTER_REFUSALS_QUEUE")
			c.SQSEndpoint = e.address("ROSTER_SQS_ENDPOINT")
		}
	}
	if err := e.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// SnapshotMaxAge is the age from which on a snapshot is not used: a week, or half of the time for which a deleted user stays in the feed,
// whichever is less, so that a snapshot and the feed since never miss a deletion. It needs the parts Replica and Retention.
func (c *Config) SnapshotMaxAge() time.Duration { return min(mostSnapshotAge, c.DeletedRetention/2) }

// environment reads variables and collects what is wrong with them.
type environment struct {
	getenv func(string) string
	faults []error
}

func (e *environment) err() error {
	if len(e.faults) == 0 {
		return nil
	}
	return fmt.Errorf("the configuration is not valid:\n%w", errors.Join(e.faults...))
}

func (e *environment) fault(name, format string, arguments ...any) {
	e.faults = append(e.faults, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, arguments...)))
}

func (e *environment) required(name string) string {
	text := e.getenv(name)
	if strings.TrimSpace(text) == "" {
		e.fault(name, "is required")
	}
	return text
}

// oneOf reads two variables of which exactly one must be set.
func (e *environment) oneOf(first, second string) (string, string) {
	a, b := e.getenv(first), e.getenv(second)
	switch {
	case a == "" && b == "":
		e.fault(first, "or %s is required", second)
	case a != "" && b != "":
		e.fault(first, "and %s exclude each other", second)
	}
	return a, b
}

func (e *environment) level(name string) slog.Level {
	levels := map[string]slog.Level{"": slog.LevelInfo, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn, "ERROR": slog.LevelError}
	level, ok := levels[strings.ToUpper(e.getenv(name))]
	if !ok {
		e.fault(name, "must be DEBUG, INFO, WARN or ERROR, not %q", e.getenv(name))
	}
	return level
}

// address reads an optional http or https URL.
func (e *environment) address(name string) string {
	text := e.getenv(name)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		e.fault(name, "must be an address such as https://host:port, not %q", text)
	}
	return text
}

// issuer reads a required URL without query and fragment (RFC 8414, section 2). That it is https, or on this machine, is checked by
// package oauth2.
func (e *environment) issuer(name string) string {
	text := e.required(name)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		e.fault(name, "must be an address such as https://roster.example, not %q", text)
	}
	return text
}

// namespace reads the optional namespace of metrics (Amazon CloudWatch API Reference, MetricDatum: those of AWS are not for others).
func (e *environment) namespace(name string) string {
	text := e.getenv(name)
	odd := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._/#:-", r))
	}
	if len(text) > 255 || strings.HasPrefix(text, "AWS/") || strings.ContainsFunc(text, odd) {
		e.fault(name, "must be a namespace of CloudWatch such as Roster/prod, not %q", text)
	}
	return text
}

func (e *environment) duration(name string, standard, least, most time.Duration) time.Duration {
	text := e.getenv(name)
	if text == "" {
		return standard
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		e.fault(name, "must be a duration from %v to %v, such as 15m, not %q", least, most, text)
	}
	return d
}

// days reads a whole number of days, from one to most.
func (e *environment) days(name string, standard, most int64) time.Duration {
	return time.Duration(e.number(name, standard, 1, most)) * 24 * time.Hour
}

// mailbox reads an e-mail address, with or without the name of who has it (RFC 5322, section 3.4).
func (e *environment) mailbox(name string, required bool) string {
	text := e.getenv(name)
	if required {
		text = e.required(name)
	}
	if strings.TrimSpace(text) == "" {
		return ""
	}
	if _, err := mail.ParseAddress(text); err != nil {
		e.fault(name, "must be an e-mail address such as Roster <no-reply@roster.example>, not %q", text)
	}
	return text
}

// application reads the ARN of an SNS platform application of that platform, which may be empty.
func (e *environment) application(name, platform string) string {
	text := e.getenv(name)
	if text == "" {
		return ""
	}
	parts := strings.SplitN(text, ":", 6) // arn:partition:sns:region:account:app/platform/name
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" || len(parts[5]) <= len("app/"+platform+"/") || !strings.HasPrefix(parts[5], "app/"+platform+"/") {
		e.fault(name, "must be the ARN of an SNS platform application, arn:aws:sns:region:account:app/%s/name, not %q", platform, text)
	}
	return text
}

func (e *environment) number(name string, standard, least, most int64) int64 {
	text := e.getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		e.fault(name, "must be a whole number from %d to %d, not %q", least, most, text)
	}
	return n
}
