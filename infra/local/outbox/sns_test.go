package outbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"
)

// endpoint makes the endpoint of a token.
func (b *bench) endpoint(t *testing.T, application, token string) string {
	t.Helper()
	out, err := b.sns.CreatePlatformEndpoint(t.Context(), &sns.CreatePlatformEndpointInput{PlatformApplicationArn: &application, Token: &token})
	if err != nil {
		t.Fatal(err)
	}
	return *out.EndpointArn
}

func (b *bench) attributes(t *testing.T, arn string) map[string]string {
	t.Helper()
	out, err := b.sns.GetEndpointAttributes(t.Context(), &sns.GetEndpointAttributesInput{EndpointArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes
}

func (b *bench) setAttribute(t *testing.T, arn, name, value string) error {
	t.Helper()
	_, err := b.sns.SetEndpointAttributes(t.Context(), &sns.SetEndpointAttributesInput{EndpointArn: &arn, Attributes: map[string]string{name: value}})
	return err
}

// publish sends a message in the structure json.
func (b *bench) publish(t *testing.T, arn, message string) (string, error) {
	t.Helper()
	out, err := b.sns.Publish(t.Context(), &sns.PublishInput{TargetArn: &arn, Message: &message, MessageStructure: aws.String("json")})
	if err != nil {
		return "", err
	}
	return *out.MessageId, nil
}

func TestTokenHasOneEndpoint(t *testing.T) {
	b := serve(t, Config{})
	arn := b.endpoint(t, ApplicationFCM, "token")
	if !strings.HasPrefix(arn, "arn:aws:sns:local:000000000000:endpoint/GCM/roster/") {
		t.Errorf("the endpoint is %s", arn)
	}
	if again := b.endpoint(t, ApplicationFCM, "token"); again != arn {
		t.Errorf("again it is %s, first it was %s", again, arn)
	}
	if other := b.endpoint(t, ApplicationFCM, "token2"); other == arn {
		t.Error("two tokens have one endpoint")
	}
	if apns := b.endpoint(t, ApplicationAPNS, "0aF9"); !strings.Contains(apns, ":endpoint/APNS/roster/") {
		t.Errorf("the endpoint is %s", apns)
	}
	for name, input := range map[string]*sns.CreatePlatformEndpointInput{
		"other data":      {PlatformApplicationArn: aws.String(ApplicationFCM), Token: aws.String("token"), CustomUserData: aws.String("x")},
		"other attribute": {PlatformApplicationArn: aws.String(ApplicationFCM), Token: aws.String("token"), Attributes: map[string]string{"Enabled": "false"}},
	} {
		_, err := b.sns.CreatePlatformEndpoint(t.Context(), input)
		message := wantCode[*types.InvalidParameterException](t, name, err, "InvalidParameter")
		// Clients find the endpoint that is there by this pattern; there is no other way.
		found := regexp.MustCompile(`Endpoint (arn:aws[^ ]+) already exists with the same [Tt]oken`).FindStringSubmatch(message)
		if found == nil || found[1] != arn {
			t.Errorf("%s: %q does not name %s", name, message, arn)
		}
	}
	// A disabled endpoint stays so.
	if err := b.setAttribute(t, arn, "Enabled", "false"); err != nil {
		t.Fatal(err)
	}
	if again := b.endpoint(t, ApplicationFCM, "token"); again != arn || b.attributes(t, arn)["Enabled"] != "false" {
		t.Errorf("again it is %s with %v", again, b.attributes(t, arn))
	}
}

func TestEndpointsThatCannotBe(t *testing.T) {
	b := serve(t, Config{})
	for name, input := range map[string]*sns.CreatePlatformEndpointInput{
		"empty token":      {PlatformApplicationArn: aws.String(ApplicationFCM), Token: aws.String("")},
		"long token":       {PlatformApplicationArn: aws.String(ApplicationFCM), Token: aws.String(strings.Repeat("x", 4097))},
		"no hexadecimal":   {PlatformApplicationArn: aws.String(ApplicationAPNSSandbox), Token: aws.String("xyz")},
		"other attributes": {PlatformApplicationArn: aws.String(ApplicationFCM), Token: aws.String("t"), Attributes: map[string]string{"Colour": "red"}},
		"no boolean":       {PlatformApplicationArn: aws.String(ApplicationFCM), Token: aws.String("t"), Attributes: map[string]string{"Enabled": "perhaps"}},
	} {
		_, err := b.sns.CreatePlatformEndpoint(t.Context(), input)
		wantCode[*types.InvalidParameterException](t, name, err, "InvalidParameter")
	}
	_, err := b.sns.CreatePlatformEndpoint(t.Context(), &sns.CreatePlatformEndpointInput{PlatformApplicationArn: aws.String(ApplicationFCM + "2"), Token: aws.String("t")})
	wantCode[*types.NotFoundException](t, "unknown application", err, "NotFound")
}

func TestEndpointAttributesChange(t *testing.T) {
	b := serve(t, Config{})
	arn, other := b.endpoint(t, ApplicationFCM, "one"), b.endpoint(t, ApplicationFCM, "two")
	for name, value := range map[string]string{"Token": "three", "Enabled": "false", "CustomUserData": "x & <y>"} {
		if err := b.setAttribute(t, arn, name, value); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(map[string]string{"Token": "three", "Enabled": "false", "CustomUserData": "x & <y>"}, b.attributes(t, arn)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	message := wantCode[*types.InvalidParameterException](t, "the token of another", b.setAttribute(t, arn, "Token", "two"), "InvalidParameter")
	if !strings.Contains(message, other) {
		t.Errorf("%q does not name %s", message, other)
	}
	wantCode[*types.InvalidParameterException](t, "an empty token", b.setAttribute(t, arn, "Token", ""), "InvalidParameter")
	for range 2 { // deleting what is not there is no error
		if _, err := b.sns.DeleteEndpoint(t.Context(), &sns.DeleteEndpointInput{EndpointArn: &arn}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.sns.GetEndpointAttributes(t.Context(), &sns.GetEndpointAttributesInput{EndpointArn: &arn})
	wantCode[*types.NotFoundException](t, "attributes of what is deleted", err, "NotFound")
	wantCode[*types.NotFoundException](t, "changing what is deleted", b.setAttribute(t, arn, "Enabled", "true"), "NotFound")
	_, err = b.publish(t, arn, `{"default":"x"}`)
	wantCode[*types.InvalidParameterException](t, "a message for what is deleted", err, "InvalidParameter")
}

func TestSNSKeepsAPush(t *testing.T) {
	b := serve(t, Config{})
	fcm, apns := b.endpoint(t, ApplicationFCM, "phone"), b.endpoint(t, ApplicationAPNSSandbox, "0a")
	for _, test := range []struct {
		name, arn, message string
		want               Push
	}{
		{"FCM", fcm, `{"GCM":"{\"fcmV1Message\": {\"message\":{\"notification\":{\"title\":\"T\",\"body\":\"B\",\"image\":\"https://x.example/i\"}}}}"}`, Push{
			Platform: "GCM", Token: "phone", Title: "T", Body: "B", Image: "https://x.example/i",
			Payload: json.RawMessage(`{"fcmV1Message":{"message":{"notification":{"title":"T","body":"B","image":"https://x.example/i"}}}}`),
		}},
		{"the old form of FCM", fcm, `{"GCM":"{\"notification\":{\"title\":\"T\"}}"}`, Push{
			Platform: "GCM", Token: "phone", Title: "T", Payload: json.RawMessage(`{"notification":{"title":"T"}}`),
		}},
		{"APNs", apns, `{"APNS_SANDBOX":"{\"aps\":{\"alert\":{\"title\":\"T\",\"body\":\"B\"}},\"imageUrl\":\"https://x.example/i\"}","APNS":"{}"}`, Push{
			Platform: "APNS_SANDBOX", Token: "0a", Title: "T", Body: "B", Image: "https://x.example/i",
			Payload: json.RawMessage(`{"aps":{"alert":{"title":"T","body":"B"}},"imageUrl":"https://x.example/i"}`),
		}},
		{"APNs with a text", apns, `{"APNS_SANDBOX":"{\"aps\":{\"alert\":\"B\"}}"}`, Push{
			Platform: "APNS_SANDBOX", Token: "0a", Body: "B", Payload: json.RawMessage(`{"aps":{"alert":"B"}}`),
		}},
		{"for all", apns, `{"default":"B"}`, Push{Platform: "APNS_SANDBOX", Token: "0a", Body: "B", Payload: json.RawMessage(`{"aps":{"alert":"B"}}`)}},
		{"for all, to FCM", fcm, `{"default":"B"}`, Push{
			Platform: "GCM", Token: "phone", Body: "B", Payload: json.RawMessage(`{"fcmV1Message":{"message":{"data":{"default":"B"}}}}`),
		}},
	} {
		id, err := b.publish(t, test.arn, test.message)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		test.want.Endpoint = test.arn
		if got := b.sent(t, "?kind=push")[0]; got.MessageID != id || got.Kind != "push" {
			t.Errorf("%s: kept is %+v", test.name, got)
		} else if diff := cmp.Diff(&test.want, got.Push); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	_, err := b.sns.Publish(t.Context(), &sns.PublishInput{TargetArn: &apns, Message: aws.String("plain"), MessageAttributes: map[string]types.MessageAttributeValue{
		"AWS.SNS.MOBILE.APNS.PRIORITY": {DataType: aws.String("String"), StringValue: aws.String("10")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.sent(t, "?to=0a")[0].Push; got.Body != "plain" || !cmp.Equal(got.Attributes, []Pair{{"AWS.SNS.MOBILE.APNS.PRIORITY", "10"}}) {
		t.Errorf("a plain text: %+v", got)
	}
}

func TestSNSRefusesWhatSNSRefuses(t *testing.T) {
	b := serve(t, Config{})
	fcm, apns := b.endpoint(t, ApplicationFCM, "phone"), b.endpoint(t, ApplicationAPNS, "0a")
	for name, test := range map[string]struct{ arn, message string }{
		"no JSON":               {fcm, `{"GCM"`},
		"a list":                {fcm, `["GCM"]`},
		"null":                  {fcm, `null`},
		"nothing for it":        {fcm, `{"APNS":"{}"}`},
		"an object for it":      {fcm, `{"GCM":{"notification":{}}}`},
		"an object for another": {fcm, `{"GCM":"{}","APNS":{}}`},
		"no JSON for it":        {fcm, `{"GCM":"hello"}`},
		"null for it":           {fcm, `{"GCM":"null"}`},
		"a list for it":         {fcm, `{"GCM":"[]"}`},
		"no message of FCM":     {fcm, `{"GCM":"{\"fcmV1Message\":{}}"}`},
		"no object of FCM":      {fcm, `{"GCM":"{\"fcmV1Message\":7}"}`},
		"no aps":                {apns, `{"APNS":"{\"alert\":\"x\"}"}`},
		"aps that is no object": {apns, `{"APNS":"{\"aps\":\"x\"}"}`},
		"payload too long":      {apns, `{"APNS":"{\"aps\":{\"alert\":\"` + strings.Repeat("x", maxPayloadBytes) + `\"}}"}`},
		"message too long":      {apns, `{"default":"` + strings.Repeat("x", maxPublishBytes) + `"}`},
		"no endpoint":           {"arn:aws:sns:local:000000000000:endpoint/GCM/roster/x", `{"default":"x"}`},
		"no target":             {"", `{"default":"x"}`},
	} {
		_, err := b.publish(t, test.arn, test.message)
		wantCode[*types.InvalidParameterException](t, name, err, "InvalidParameter")
	}
	for name, input := range map[string]*sns.PublishInput{
		"a topic":           {TopicArn: aws.String("arn:aws:sns:local:000000000000:x"), Message: aws.String("x")},
		"an empty message":  {TargetArn: &fcm, Message: aws.String("")},
		"another structure": {TargetArn: &fcm, Message: aws.String("x"), MessageStructure: aws.String("xml")},
	} {
		_, err := b.sns.Publish(t.Context(), input)
		wantCode[*types.InvalidParameterException](t, name, err, "InvalidParameter")
	}
	if err := b.setAttribute(t, fcm, "Enabled", "false"); err != nil {
		t.Fatal(err)
	}
	_, err := b.publish(t, fcm, `{"default":"x"}`)
	wantCode[*types.EndpointDisabledException](t, "a disabled endpoint", err, "EndpointDisabled")
	if _, err := b.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("x")}); err == nil || !strings.Contains(err.Error(), `InvalidAction: the stand-in for SNS knows Publish to endpoints and the actions of platform endpoints, not "CreateTopic"`) {
		t.Errorf("another action: %v", err)
	}
	for body, want := range map[string]int{"Action=Publish&Message=%zz": http.StatusBadRequest, strings.Repeat("x", maxFormBytes+1): http.StatusRequestEntityTooLarge} {
		if response, text := b.send(t, "POST", SNSPath+"/", body, "Authorization", "AWS4-HMAC-SHA256 x"); response.StatusCode != want {
			t.Errorf("a body of %d bytes: %d %s, want %d", len(body), response.StatusCode, text, want)
		}
	}
	if left := b.sent(t, ""); len(left) > 0 {
		t.Errorf("kept: %+v", left)
	}
}
