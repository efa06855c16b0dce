package main

// List prices of us-east-1 in dollars as they were known in November 2026: the first tier of each, without what an account gets for
// nothing. They were gathered from what others have written of the price pages, and not read there: look a price up before a budget
// rests on it. Other Regions are dearer, some by a fifth.
const (
	perMillionRequests    = 3.50         // API Gateway, REST
	perMillionInvocations = 0.20         // Lambda
	perGBSecond           = 0.0000133334 // Lambda, arm64
	perMillionReadUnits   = 0.125        // DynamoDB, on demand
	perMillionWriteUnits  = 0.625
	perGBStored           = 0.25   // a month, DynamoDB
	perGBRecoverable      = 0.20   // a month, point-in-time recovery of DynamoDB
	perKey                = 1.00   // a month, KMS
	perMillionSignatures  = 3.00   // KMS, RSA_2048
	perGBLogged           = 0.50   // CloudWatch Logs
	perMillionTraces      = 5.00   // X-Ray
	perAlarmMetric        = 0.10   // a month, CloudWatch, each metric of an alarm
	perDashboard          = 3.00   // a month, CloudWatch
	perWebAcl             = 5.00   // a month, WAF
	perWebAclRule         = 1.00   // a month, WAF
	perMillionMails       = 100.00 // SES
	perMillionPushes      = 0.50   // SNS
)

// billed says how each type of resource that the template may have is paid for. None is paid for by the hour: what has a fee while
// nobody uses it has it by the month, in standing. A type that is not here must be looked up before it is deployed.
var billed = map[string]string{
	"AWS::ApiGateway::Account":                   "nothing",
	"AWS::CloudFormation::Stack":                 "nothing",
	"AWS::CloudWatch::Alarm":                     "by the month and metric",
	"AWS::CloudWatch::Dashboard":                 "by the month",
	"AWS::DynamoDB::Table":                       "by unit, and by stored byte; on demand, which a test of this program asks for",
	"AWS::IAM::Role":                             "nothing",
	"AWS::KMS::Key":                              "by the month, and by call",
	"AWS::Lambda::EventSourceMapping":            "nothing: Lambda reads streams of DynamoDB for nothing",
	"AWS::Logs::LogGroup":                        "by logged and stored byte",
	"AWS::SES::ConfigurationSet":                 "nothing",
	"AWS::SES::ConfigurationSetEventDestination": "nothing",
	"AWS::SNS::Subscription":                     "by message",
	"AWS::SNS::Topic":                            "by message",
	"AWS::SNS::TopicPolicy":                      "nothing",
	"AWS::SQS::Queue":                            "by request",
	"AWS::SQS::QueuePolicy":                      "nothing",
	"AWS::Serverless::Api":                       "by request; without a cache, which a test of this program asks for",
	"AWS::Serverless::Function":                  "by invocation and by its time; without provisioned concurrency, which a test of this program asks for",
	"AWS::WAFv2::WebACL":                         "by the month, and by request",
	"AWS::WAFv2::WebACLAssociation":              "nothing",
	"AWS::XRay::SamplingRule":                    "nothing",
}

// operation is something that callers do, with what it costs at the table as a test pins it.
type operation struct {
	name string
	// reads and writes are units. Writes to an index are counted as twice what they are where they are part of a transaction, which is
	// what DynamoDB Local reports and the most it can be.
	reads, writes float64
	// milliseconds are what the function is taken to run for, at memory MB: most of it waits for the table. Where the courier sends
	// something, what it runs for at half the memory is in there by half, and it is invoked once more.
	milliseconds, memory      float64
	signatures, mails, pushes float64
	// pinned are lines of a test that pin the units, in file.
	file   string
	pinned []string
}

const (
	dynamoCosts = "internal/dynamo/costs_test.go"
	tokenCosts  = "internal/oauth2/dynamo_test.go"
)

// operations are what the table shows. A change of a user moves it in the change feed, which is a delete and a put there, and rewrites
// it in the index of organizations.
var operations = []operation{
	{name: "get a user", reads: 1, milliseconds: 10, memory: 1024, file: dynamoCosts, pinned: []string{`pin("User", calls{1, 1, 0, 0}`}},
	{name: "search or list, any page", reads: 2, milliseconds: 12, memory: 1024, file: dynamoCosts, pinned: []string{`pin("a look at the feed", calls{roster.Shards, 0.5 * roster.Shards, 0, 0}`}},
	{name: "change a user", reads: 1, writes: 4, milliseconds: 20, memory: 1024, file: dynamoCosts, pinned: []string{`alone := calls{1, 0, 1, 0}`}},
	{name: "create a user in an organization", reads: 1, writes: 10, milliseconds: 25, memory: 1024, file: dynamoCosts, pinned: []string{`pin("CreateUser", calls{1, 0, 0, 3}`}},
	// Four legs, of which the user is in both indexes and the invitation in one. The courier reads the invitation, the user, the
	// organization and who invited, writes the link, and marks the invitation there and in its index.
	{name: "invite somebody, with the mail", reads: 5, writes: 17, milliseconds: 100, memory: 512, mails: 1, file: dynamoCosts, pinned: []string{
		`pin("CreateInvitedUser", calls{1, 0, 0, 4}`, `pin("Invitation", calls{1, 1, 0, 0}`, `pin("User", calls{1, 1, 0, 0}`, `pin("PutLink", calls{1, 0, 1, 0}`, `pin("MarkInvitation", calls{1, 0, 1, 0}`,
	}},
	// The courier reads the message, the user and the devices, of which there is one, and marks the device and the message.
	{name: "a push message, to one device", reads: 4, writes: 3, milliseconds: 75, memory: 512, pushes: 1, file: dynamoCosts, pinned: []string{
		`pin("CreateNotification", calls{1, 0, 1, 0}`, `pin("Notification", calls{1, 1, 0, 0}`, `pin("Devices", calls{1, 1, 0, 0}`, `pin("MarkDevice", calls{1, 0, 1, 0}`, `pin("MarkNotification", calls{1, 0, 1, 0}`,
	}},
	{name: "token for a client", reads: 0.5, writes: 1, milliseconds: 20, memory: 512, signatures: 1, file: tokenCosts, pinned: []string{`roster.Cost{Calls: 2, Reads: 0.5, Writes: 1, TableWrites: 1}`}},
	{name: "token for a user, with a password", reads: 3.5, writes: 1, milliseconds: 250, memory: 512, signatures: 1, file: tokenCosts, pinned: []string{`{"log-in", func(w *world) { w.userTokens(t, w.branch) }, roster.Cost{Calls: 6, Reads: 3.5, Writes: 1, TableWrites: 1}}`}},
}

// loggedKB is what a request leaves in logs: the gateway's line, the function's, and Lambda's own about the invocation. tracedShare is
// the share of requests that X-Ray keeps.
const (
	loggedKB    = 2
	tracedShare = 0.05
)

// What 100,000 users take at most, in KB each: a user, their credential and their claim of an address are one KB or less, since each is
// one write unit, and both indexes have the user once more.
const (
	idleUsers = 100_000
	tableKB   = 3
	indexesKB = 2
	kbPerGB   = 1 << 20
)
