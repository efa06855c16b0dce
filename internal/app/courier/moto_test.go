package courier_test

import (
	"context"
	"math/rand/v2"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/moto"
)

// motoServices is moto's SES, SNS and SQS, as an operator sets them up.
type motoServices struct {
	*testing.T
	base         string
	ses          *sesv2.Client
	sns          *sns.Client
	sqs          *sqs.Client
	queue        string
	applications map[roster.Platform]string
}

func newMoto(t *testing.T) *motoServices {
	t.Helper()
	base := moto.Start(t)
	config := aws.Config{Region: "eu-central-1", BaseEndpoint: &base, Credentials: credentials.NewStaticCredentialsProvider("operator", "local", "")}
	m := &motoServices{
		T: t, base: base, ses: sesv2.NewFromConfig(config), sns: sns.NewFromConfig(config), sqs: sqs.NewFromConfig(config),
		applications: map[roster.Platform]string{},
	}
	queue, err := m.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("refusals")})
	if err != nil {
		t.Fatal(err)
	}
	m.queue = *queue.QueueUrl
	for platform, name := range map[roster.Platform]string{roster.PlatformFCM: "GCM", roster.PlatformAPNS: "APNS", roster.PlatformAPNSSandbox: "APNS_SANDBOX"} {
		made, err := m.sns.CreatePlatformApplication(t.Context(), &sns.CreatePlatformApplicationInput{
			Name: aws.String("roster"), Platform: &name, Attributes: map[string]string{"PlatformCredential": "none"},
		})
		if err != nil {
			t.Fatal(err)
		}
		m.applications[platform] = *made.PlatformApplicationArn
	}
	return m
}

// endpoint makes an endpoint, which is disabled if its messages are to be dropped.
func (m *motoServices) endpoint(ctx context.Context, platform roster.Platform, token string, f fate) (string, error) {
	made, err := m.sns.CreatePlatformEndpoint(ctx, &sns.CreatePlatformEndpointInput{PlatformApplicationArn: aws.String(m.applications[platform]), Token: &token})
	if err != nil || f != dropped {
		return aws.ToString(made.EndpointArn), err
	}
	_, err = m.sns.SetEndpointAttributes(ctx, &sns.SetEndpointAttributesInput{EndpointArn: made.EndpointArn, Attributes: map[string]string{"Enabled": "false"}})
	return *made.EndpointArn, err
}

// TestEveryMessageReachesMotoWhateverFails is the smaller sister of TestEveryMessageIsSentWhateverFails, with moto behind the moods: what was sent is
// what moto says. Moto refuses mail from a sender who is not verified, as the sender is not at first.
func TestEveryMessageReachesMotoWhateverFails(t *testing.T) {
	t.Parallel()
	const seed = 5
	t.Logf("the seed is %d", seed)
	m := newMoto(t)
	w := newWorld(t, rand.New(rand.NewPCG(seed, 0)), m.endpoint)
	base, err := url.Parse(m.base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(base) }, ErrorLog: quiet}
	s := newSoak(w, seed, backends{ses: proxy, sns: proxy, sqs: proxy, queue: m.queue, applications: m.applications}, 70, 5)
	s.batch = 16
	s.ses.victims, s.sns.victims, s.sqs.victims = 2, 2, 1
	s.road.trouble = s.road.trouble[:6]

	w.all(slices.Concat(
		times(4, func() func(context.Context) error { return w.invite(refused) }),
		times(6, func() func(context.Context) error { return w.signUp(refused) }),
	)...)
	s.deliver()
	if _, err := m.ses.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String(mailFrom)}); err != nil {
		t.Fatal(err)
	}
	w.all(slices.Concat(
		times(15, func() func(context.Context) error { return w.invite(sent) }),
		times(20, func() func(context.Context) error { return w.signUp(sent) }),
		times(2, func() func(context.Context) error { return w.signUp(dropped) }),
		times(3, func() func(context.Context) error { return w.signUp(replaced) }),
		times(15, func() func(context.Context) error { return w.reset(sent) }),
		times(10, func() func(context.Context) error { return w.notify(2, sent, sent) }),
		times(3, func() func(context.Context) error { return w.notify(2, sent, dropped) }),
		times(2, func() func(context.Context) error { return w.notify(2, dropped) }),
	)...)
	s.deliver()
	reasons := s.judge()
	m.judge(s)
	s.mustHaveFailed(reasons, map[*service]int{s.ses: 5, s.sns: 5, s.sqs: 1}, 3)
}

// judge holds what moto has against what went to it.
func (m *motoServices) judge(s *soak) {
	m.Helper()
	want, got := map[string][]string{}, map[string][]string{}
	tokens := map[string]string{}
	for _, a := range s.acceptances {
		want[a.service] = append(want[a.service], a.id)
		tokens[a.id] = a.content.token
	}
	for _, mail := range moto.Models[struct {
		ID, Body     string
		Destinations map[string][]string
	}](m.T, m.base, "ses", "Message") {
		got["SES"] = append(got["SES"], mail.ID)
		if !strings.Contains(mail.Body, linkBase+"/invitations/"+tokens[mail.ID]) || len(mail.Destinations["ToAddresses"]) != 1 {
			m.Errorf("moto has the mail %s without its link, or to %v", mail.ID, mail.Destinations)
		}
	}
	for _, endpoint := range moto.Models[struct{ Messages map[string]string }](m.T, m.base, "sns", "PlatformEndpoint") {
		for id := range endpoint.Messages {
			got["SNS"] = append(got["SNS"], id)
		}
	}
	got["SQS"] = m.refusals()
	for _, ids := range []map[string][]string{want, got} {
		for service := range ids {
			slices.Sort(ids[service])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		m.Errorf("what moto has is not what it took on (-taken on +has):\n%s", diff)
	}
}

// refusals returns the ids of all messages in the queue.
func (m *motoServices) refusals() []string {
	m.Helper()
	var ids []string
	for {
		received, err := m.sqs.ReceiveMessage(m.Context(), &sqs.ReceiveMessageInput{QueueUrl: &m.queue, MaxNumberOfMessages: 10, VisibilityTimeout: 600})
		if err != nil {
			m.Fatal(err)
		}
		if len(received.Messages) == 0 {
			return ids
		}
		for _, message := range received.Messages {
			ids = append(ids, *message.MessageId)
		}
	}
}
