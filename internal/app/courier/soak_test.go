package courier_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/rosterhq/roster/infra/local/stream"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

func TestMain(m *testing.M) {
	if os.Getenv(courierVariable) != "" {
		beCourier()
		return
	}
	rostertest.Main(m)
}

// soak is a delivery of all messages of a world, with everything failing that can: the services behind their moods, the road to the
// table, and the courier, which is killed. function_test.go has the courier as Lambda runs it, moods_test.go and services_test.go
// the services, watch_test.go the road and what is kept of all calls, world_test.go the messages, judge_test.go what must hold
// afterwards.
type soak struct {
	*world
	*watch
	random        *rand.Rand // of the delivery, which is by one after the other
	log           *journal
	road          *road
	ses, sns, sqs *service
	// batch is how many records the courier is given at once, unless the template says fewer.
	batch int32
	// deliveries is how often each record of the stream was delivered, by its number, and earlier the events that were.
	deliveries map[string]int
	earlier    [][]byte
	failed     bool // the last invocation
}

// backends are what stands behind the moods.
type backends struct {
	ses, sns, sqs http.Handler
	queue         string
	applications  map[roster.Platform]string
}

// newSoak puts the courier before a world's messages. It dies after every so many points of its work on average, at most so many times.
func newSoak(w *world, seed uint64, behind backends, every, most int) *soak {
	source := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
	s := &soak{world: w, watch: newWatch(source(1), every, most), random: source(2), log: &journal{}, batch: 100, deliveries: map[string]int{}}
	s.road = newRoad(w.T, s.watch, seed)
	s.ses = newService(w.T, "SES", sesWire, behind.ses, s.watch, 6, source(3))
	s.sns = newService(w.T, "SNS", snsWire(w.devices), behind.sns, s.watch, 6, source(4))
	s.sqs = newService(w.T, "SQS", sqsWire, behind.sqs, s.watch, 2, source(5))
	for _, service := range s.services() {
		service.deck = slices.Clone(bad)
		s.random.Shuffle(len(bad), func(i, j int) { service.deck[i], service.deck[j] = service.deck[j], service.deck[i] })
	}
	s.road.trouble = troubles()
	s.watch.function = newFunction(w.T, map[string]string{
		"AWS_REGION": "eu-central-1", "ROSTER_TABLE": w.place, "ROSTER_DYNAMODB_ENDPOINT": s.road.url, "ROSTER_LOG_LEVEL": "DEBUG",
		"ROSTER_MAIL_FROM": "Roster <" + mailFrom + ">", "ROSTER_LINK_BASE": linkBase, "ROSTER_SES_ENDPOINT": s.ses.url(),
		"ROSTER_PUSH_FCM":          behind.applications[roster.PlatformFCM],
		"ROSTER_PUSH_APNS":         behind.applications[roster.PlatformAPNS],
		"ROSTER_PUSH_APNS_SANDBOX": behind.applications[roster.PlatformAPNSSandbox],
		"ROSTER_SNS_ENDPOINT":      s.sns.url(), "ROSTER_REFUSALS_QUEUE": behind.queue, "ROSTER_SQS_ENDPOINT": s.sqs.url(),
	}, s.log, s.settle)
	return s
}

func (s *soak) services() []*service { return []*service{s.ses, s.sns, s.sqs} }

// troubles are what goes wrong on the road to the table, one after the other. The marks are what matters: one that fails as often as
// the client tries has its message sent again.
func troubles() [][]rostertest.Fault {
	marks := func(kind rostertest.FaultKind) []rostertest.Fault {
		return []rostertest.Fault{{Kind: kind, Operation: "UpdateItem", Times: 40}}
	}
	one := func(f rostertest.Fault) []rostertest.Fault { return []rostertest.Fault{f} }
	return [][]rostertest.Fault{
		marks(rostertest.ServerError),
		one(rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "UpdateItem", Times: 20}),
		one(rostertest.Fault{Kind: rostertest.Unavailable, Operation: "GetItem", Times: 30, Probability: 0.5}),
		marks(rostertest.Throttled),
		one(rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "PutItem", Times: 8}),
		marks(rostertest.TimedOut),
		one(rostertest.Fault{Kind: rostertest.ServerError, Operation: "PutItem", Times: 12}),
		one(rostertest.Fault{Kind: rostertest.Throttled, Times: 40, Probability: 0.6}),
		marks(rostertest.Unavailable),
		one(rostertest.Fault{Kind: rostertest.LostAnswer, Times: 60, Probability: 0.2}),
		one(rostertest.Fault{Kind: rostertest.TransactionConflict, Operation: "TransactWriteItems", Times: 8}),
		one(rostertest.Fault{Kind: rostertest.LostAnswer, Operation: "TransactWriteItems", Times: 4}),
	}
}

// deliver gives the courier what is new in the table's stream, as the template's mapping says, until all of it is handled.
func (s *soak) deliver() {
	s.Helper()
	template, err := samtemplate.FindAndRead()
	if err != nil {
		s.Fatal(err)
	}
	at := slices.IndexFunc(template.Streams, func(m samtemplate.Stream) bool { return m.Function == "CourierFunction" })
	if at < 0 {
		s.Fatal("the template gives the courier no stream")
	}
	mapping := template.Streams[at]
	halfADay := 12 * time.Hour // which a service may be away for; zero is a day
	if !mapping.PartialFailures || mapping.MaxRetries != -1 || mapping.MaxRecordAge != 0 && mapping.MaxRecordAge < halfADay || mapping.OnFailure == "" || len(mapping.Filters) == 0 {
		s.Fatalf("the mapping is %+v", mapping)
	}
	out, err := rostertest.Client(s).DescribeTable(s.Context(), &dynamodb.DescribeTableInput{TableName: &s.place})
	if err != nil {
		s.Fatal(err)
	}
	poller, err := stream.New(stream.Config{
		API: dynamodbstreams.New(dynamodbstreams.Options{
			Region: "eu-central-1", BaseEndpoint: aws.String(rostertest.Endpoint(s)),
			Credentials: credentials.NewStaticCredentialsProvider("roster", "local", ""),
		}),
		Stream: *out.Table.LatestStreamArn, Function: s, BatchSize: min(int32(mapping.BatchSize), s.batch),
		MaxRetries: mapping.MaxRetries, Bisect: mapping.Bisect, PartialFailures: mapping.PartialFailures, Filters: mapping.Filters,
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		s.Fatal(err)
	}
	for {
		read, err := poller.Poll(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		if read == 0 {
			return
		}
	}
}

// Invoke gives the courier an event, and once it has answered the same once or twice more, and sometimes one from before. In some
// events every record is there twice.
func (s *soak) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	if s.random.IntN(3) == 0 {
		payload = s.doubled(payload)
	}
	output, err := s.once(payload)
	for again := 1 + s.random.IntN(2); again > 0 && err == nil; again-- {
		output, err = s.once(payload)
	}
	if s.earlier = append(s.earlier, payload); s.random.IntN(4) == 0 {
		s.once(s.earlier[s.random.IntN(len(s.earlier))]) // how it goes does not matter: it was handled, or will be delivered again
	}
	return output, err
}

// doubled returns an event with every record twice.
func (s *soak) doubled(payload []byte) []byte {
	s.Helper()
	var event struct{ Records []json.RawMessage }
	if err := json.Unmarshal(payload, &event); err != nil {
		s.Fatal(err)
	}
	var twice []json.RawMessage
	for _, record := range event.Records {
		twice = append(twice, record, record)
	}
	event.Records = twice
	payload, err := json.Marshal(event)
	if err != nil {
		s.Fatal(err)
	}
	return payload
}

// How long an invocation may take: one in which a service lets its callers wait ends soon, and so does one in which all calls fail.
const (
	longInvocation  = 30 * time.Second
	shortInvocation = 2 * time.Second
)

// once invokes the courier, as the services and the road are in the mood for.
func (s *soak) once(payload []byte) ([]byte, error) {
	within := longInvocation
	for _, service := range s.services() {
		if m := service.turn(s.T, s.failed); m.waits() || m == down {
			within = shortInvocation
		}
	}
	s.road.turn()
	var event struct{ Records []streamRecord }
	if err := json.Unmarshal(payload, &event); err != nil {
		s.Fatal(err)
	}
	for _, record := range event.Records {
		s.deliveries[record.DynamoDB.SequenceNumber]++
	}
	s.start()
	output, err := s.function.invoke(payload, within)
	s.failed = err != nil
	if err == nil {
		handled := handledOf(output, event.Records)
		s.failed = len(handled) < len(event.Records)
		s.finish(handled)
	}
	return output, err
}

// streamRecord is what is read of a record here.
type streamRecord struct {
	DynamoDB struct {
		SequenceNumber string
		NewImage       struct{ ID struct{ N string } }
	}
}

// handledOf returns those of the records that the courier's answer says are handled: all before the one that it names.
func handledOf(output []byte, records []streamRecord) []streamRecord {
	for n, record := range records {
		if bytes.Contains(output, []byte(`"`+record.DynamoDB.SequenceNumber+`"`)) {
			return records[:n]
		}
	}
	return records
}

// TestEveryMessageIsSentWhateverFails delivers 1,000 messages and more, once at least and again only where the courier could not know or note
// that they were sent.
func TestEveryMessageIsSentWhateverFails(t *testing.T) {
	t.Parallel()
	const seed = 4
	t.Logf("the seed is %d", seed)
	applications := map[roster.Platform]string{
		roster.PlatformFCM:         "arn:aws:sns:eu-central-1:123456789012:app/GCM/roster",
		roster.PlatformAPNS:        "arn:aws:sns:eu-central-1:123456789012:app/APNS/roster",
		roster.PlatformAPNSSandbox: "arn:aws:sns:eu-central-1:123456789012:app/APNS_SANDBOX/roster",
	}
	w := newWorld(t, rand.New(rand.NewPCG(seed, 0)), func(_ context.Context, platform roster.Platform, token string, f fate) (string, error) {
		mark := map[fate]string{sent: "well", refused: refusedMark, dropped: goneMark}[f]
		if f == dropped && len(token)%2 == 0 {
			mark = deletedMark
		}
		return strings.Replace(applications[platform], ":app/", ":endpoint/", 1) + "/" + mark + "-" + token, nil
	})
	w.all(slices.Concat(
		times(110, func() func(context.Context) error { return w.invite(sent) }),
		times(10, func() func(context.Context) error { return w.invite(refused) }),
		times(5, func() func(context.Context) error { return w.invite(ended) }),
		times(425, func() func(context.Context) error { return w.signUp(sent) }),
		times(15, func() func(context.Context) error { return w.signUp(refused) }),
		times(8, func() func(context.Context) error { return w.signUp(dropped) }),
		times(10, func() func(context.Context) error { return w.signUp(replaced) }),
		times(110, func() func(context.Context) error { return w.reset(sent) }),
		times(8, func() func(context.Context) error { return w.reset(refused) }),
		times(8, func() func(context.Context) error { return w.reset(dropped) }),
		times(10, func() func(context.Context) error { return w.reset(replaced) }),
		times(35, func() func(context.Context) error { return w.notify(3, sent) }),
		times(30, func() func(context.Context) error { return w.notify(3, sent, sent) }),
		times(15, func() func(context.Context) error { return w.notify(3, sent, sent, sent) }),
		times(8, func() func(context.Context) error { return w.notify(3, sent, dropped) }),
		times(6, func() func(context.Context) error { return w.notify(2, refused, sent, dropped) }),
		times(4, func() func(context.Context) error { return w.notify(2, refused, dropped) }),
		times(6, func() func(context.Context) error { return w.notify(2, dropped) }),
		times(5, func() func(context.Context) error { return w.notify(1) }),
	)...)
	s := newSoak(w, seed, backends{
		ses: fakeSES(), sns: fakeSNS(), sqs: fakeSQS(), queue: "https://sqs.eu-central-1.amazonaws.com/123456789012/refusals",
		applications: applications,
	}, 450, 12)
	s.deliver()
	reasons := s.judge()
	s.mustHaveFailed(reasons, map[*service]int{s.ses: len(bad), s.sns: len(bad), s.sqs: len(bad) - 2}, 8)
}

// mustHaveFailed fails the test unless everything went wrong that it is about: so many of the moods of each service, so many deaths,
// and each of the reasons for which a message may be sent again.
func (s *soak) mustHaveFailed(reasons map[string]int, moods map[*service]int, deaths int) {
	s.Helper()
	for service, n := range moods {
		if len(service.played) < n {
			s.Errorf("of the moods of %s only these met a message: %v", service.name, slices.Collect(maps.Keys(service.played)))
		}
	}
	for _, reason := range []string{unheard, unnoted, interrupted} {
		if reasons[reason] == 0 {
			s.Errorf("no message was taken on and %s", reason)
		}
	}
	if s.deaths < deaths {
		s.Errorf("the courier was killed %d times, want %d or more", s.deaths, deaths)
	}
	for number, n := range s.deliveries {
		if n < 2 {
			s.Errorf("the record %s was delivered once", number)
		}
	}
}
