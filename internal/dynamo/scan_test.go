package dynamo

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/roster"
)

// transport answers a client's requests in the place of a server.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is what DynamoDB answers with: the body, and its sum in the header.
func answer(status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.0"},
			crcHeader:      {strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)},
		},
	}
}

// tableOver returns a table whose requests go to the transport, with no pauses.
func tableOver(tr transport) *Table {
	client := dynamodb.New(dynamodb.Options{
		Region: "local", BaseEndpoint: aws.String("http://table.invalid"), HTTPClient: &http.Client{Transport: tr},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "roster", SecretAccessKey: "local"}, nil
		}),
		Retryer: aws.NopRetryer{},
	})
	return New(client, "roster", Options{
		Log:   slog.New(slog.DiscardHandler),
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
}

// wire returns an attribute value as it goes over the wire.
func wire(value types.AttributeValue) any {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(v.Value)}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": true}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": v.Value}
	case *types.AttributeValueMemberL:
		elements := make([]any, len(v.Value))
		for i, e := range v.Value {
			elements[i] = wire(e)
		}
		return map[string]any{"L": elements}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": wireItem(v.Value)}
	}
	panic(fmt.Sprintf("unknown attribute value %T", value))
}

func wireItem(item map[string]types.AttributeValue) map[string]any {
	members := make(map[string]any, len(item))
	for name, value := range item {
		members[name] = wire(value)
	}
	return members
}

// page returns the answer to a query that found the items.
func page(t testing.TB, items []map[string]types.AttributeValue) []byte {
	t.Helper()
	wired := make([]any, len(items))
	for i, item := range items {
		wired[i] = wireItem(item)
	}
	body, err := json.Marshal(map[string]any{
		"Count": len(items), "ScannedCount": len(items), "Items": wired,
		"ConsumedCapacity": map[string]any{"TableName": "roster", "CapacityUnits": 128.5, "GlobalSecondaryIndexes": map[string]any{"search": map[string]any{"CapacityUnits": 128.5}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// escapeAll writes every character of a JSON text that is beyond ASCII as an escape sequence.
func escapeAll(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else if a, c := utf16.EncodeRune(r); a != utf8.RuneError {
			fmt.Fprintf(&b, `\u%04X\u%04x`, a, c)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

func indent(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, text, "\r", "\t"); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bySDK reads a page as the rest of the package would: through the SDK and its package attributevalue.
func bySDK(body []byte) ([]roster.Change, error) {
	table := tableOver(func(*http.Request) (*http.Response, error) { return answer(200, body), nil })
	var changes []roster.Change
	_, err := table.queryPage(context.Background(), feedQuery(1, 0, time.Time{}), func(attributes map[string]types.AttributeValue) error {
		change, known, err := changeBySDK(attributes)
		if known {
			changes = append(changes, change)
		}
		return err
	})
	return changes, err
}

func changeBySDK(attributes map[string]types.AttributeValue) (roster.Change, bool, error) {
	var h head
	if typ, ok := attributes["type"].(*types.AttributeValueMemberS); ok {
		h.Type = typ.Value
	}
	switch h.Type {
	case typeUser:
		var item userItem
		if err := decode(attributes, &item); err != nil {
			return roster.Change{}, false, err
		}
		u, err := item.noun()
		return roster.Change{User: &u}, true, err
	case typeOrganization:
		var item organizationItem
		if err := decode(attributes, &item); err != nil {
			return roster.Change{}, false, err
		}
		o, err := item.noun()
		return roster.Change{Organization: &o}, true, err
	case typeRole:
		var item roleItem
		if err := decode(attributes, &item); err != nil {
			return roster.Change{}, false, err
		}
		r, err := item.noun()
		return roster.Change{Role: &r}, true, err
	case typeWarehouse:
		var item warehouseItem
		if err := decode(attributes, &item); err != nil {
			return roster.Change{}, false, err
		}
		w, err := item.noun()
		return roster.Change{Warehouse: &w}, true, err
	}
	return roster.Change{}, false, nil
}

// byFeed reads a page with the scanner, and keeps copies of what it shows.
func byFeed(body []byte) ([]roster.Change, error) {
	pages := [][]byte{body, []byte("{}")} // lest a page that says there are more goes on for ever
	table := tableOver(func(*http.Request) (*http.Response, error) {
		body := pages[0]
		pages = pages[1:]
		return answer(200, body), nil
	})
	var changes []roster.Change
	err := table.Changes(context.Background(), 1, 0, time.Time{}, func(c roster.Change) error {
		changes = append(changes, keep(c))
		return nil
	})
	return changes, err
}

// keep returns a copy of a change that outlives the call of visit.
func keep(c roster.Change) roster.Change {
	switch {
	case c.User != nil:
		c.User = c.User.Clone()
	case c.Organization != nil:
		o := *c.Organization
		o.Path = slices.Clone(o.Path)
		c.Organization = &o
	case c.Role != nil:
		r := *c.Role
		c.Role = &r
	case c.Warehouse != nil:
		w := *c.Warehouse
		c.Warehouse = &w
	}
	return c
}

// anyItem draws an item of the feed: of a known type, of an unknown one, and either with attributes of later releases.
func anyItem() *rapid.Generator[map[string]types.AttributeValue] {
	return rapid.Custom(func(t *rapid.T) map[string]types.AttributeValue {
		var item any
		switch rapid.IntRange(0, 6).Draw(t, "type") {
		case 0:
			o := anyOrganization().Draw(t, "organization")
			item = toOrganizationItem(&o)
		case 1:
			r := anyRole().Draw(t, "role")
			item = toRoleItem(&r)
		case 2:
			w := anyWarehouse().Draw(t, "warehouse")
			item = toWarehouseItem(&w)
		default:
			u := AnyUser().Draw(t, "user")
			item = toUserItem(&u)
		}
		attributes, err := encode(item)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 3).Draw(t, "more") {
			attributes["x"+rapid.StringN(0, 5, 10).Draw(t, "name")] = anyAttribute(3).Draw(t, "attribute")
		}
		if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
			// What an unknown item calls "name" may be anything.
			attributes["type"] = text("group")
			for name := range attributes {
				if name != "type" && rapid.Bool().Draw(t, "odd") {
					attributes[name] = anyAttribute(2).Draw(t, "attribute")
				}
			}
		}
		return attributes
	})
}

func anyAttribute(depth int) *rapid.Generator[types.AttributeValue] {
	return rapid.Custom(func(t *rapid.T) types.AttributeValue {
		most := 6
		if depth == 0 {
			most = 4
		}
		switch rapid.IntRange(0, most).Draw(t, "type") {
		case 0:
			return text(anyText().Draw(t, "s"))
		case 1:
			return number(rapid.Int64().Draw(t, "n"))
		case 2:
			return &types.AttributeValueMemberBOOL{Value: rapid.Bool().Draw(t, "bool")}
		case 3:
			return &types.AttributeValueMemberNULL{Value: true}
		case 4:
			return &types.AttributeValueMemberB{Value: rapid.SliceOf(rapid.Byte()).Draw(t, "b")}
		case 5:
			return &types.AttributeValueMemberL{Value: rapid.SliceOfN(anyAttribute(depth-1), 0, 3).Draw(t, "l")}
		default:
			return &types.AttributeValueMemberM{Value: rapid.MapOfN(rapid.StringN(0, 5, 10), anyAttribute(depth-1), 0, 3).Draw(t, "m")}
		}
	})
}

func TestScannerReadsWhatTheSDKReads(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := page(t, rapid.SliceOfN(anyItem(), 0, 5).Draw(rt, "items"))
		switch rapid.IntRange(0, 3).Draw(rt, "form") {
		case 0:
			body = escapeAll(body)
		case 1:
			body = indent(t, body)
		}
		want, err := bySDK(body)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := byFeed(body)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("the scanner read something else (-SDK +scanner):\n%s", diff)
		}
	})
}

// FuzzScannerReadsWhatTheSDKReads gives both any bytes. Where the SDK reads a page, the scanner reads the same or refuses
// it; it may be the stricter of the two, but it never panics and never makes something up.
func FuzzScannerReadsWhatTheSDKReads(f *testing.F) {
	u := richUser()
	attributes, err := encode(toUserItem(&u))
	if err != nil {
		f.Fatal(err)
	}
	body := page(f, []map[string]types.AttributeValue{attributes})
	f.Add(body)
	f.Add(indent(f, body))
	f.Add([]byte(`{"Items":[{"type":{"S":"user"},"name":{"S":"\ud83d\ude00\ud800x\u0000"},"path":{"S":"1/2"},"status":{"S":"Active"}}]}`))
	f.Add([]byte(`{"Items":[{"type":{"S":"role"},"id":{"N":"-0"},"name":{"NULL":true},"permissions":{"L":[{"S":"ROLE_VIEW"}]}}],"LastEvaluatedKey":null}`))
	f.Add([]byte(`{"Items":[` + strings.Repeat(`{"x":{"M":`, 300) + `]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := byFeed(body)
		if err != nil {
			return
		}
		want, err := bySDK(body)
		if err != nil {
			return // such as an unknown attribute type in what the scanner skips
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" && utf8.Valid(body) && !repeats(body) {
			t.Fatalf("the scanner read something else (-SDK +scanner):\n%s", diff)
		}
	})
}

// repeats reports whether a JSON text has an object with two members of one name, of which DynamoDB sends none.
func repeats(text []byte) bool {
	var decoded any
	if json.Unmarshal(text, &decoded) != nil {
		return true
	}
	return bytes.Count(text, []byte(":")) != members(decoded)+colons(decoded)
}

// members counts the members of all objects in a decoded JSON value.
func members(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n += 1 + members(e)
		}
	case []any:
		for _, e := range v {
			n += members(e)
		}
	}
	return n
}

// colons counts the colons in all strings of a decoded JSON value.
func colons(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for name, e := range v {
			n += strings.Count(name, ":") + colons(e)
		}
	case []any:
		for _, e := range v {
			n += colons(e)
		}
	case string:
		n += strings.Count(v, ":")
	}
	return n
}

func TestFeedRefusesAnItemOfWrongTypes(t *testing.T) {
	for _, item := range []string{
		`"name":{"N":"1"}`, `"version":{"S":"1"}`, `"version":{"N":"1.5"}`, `"tenantId":{"N":"2147483648"}`, `"roles":{"SS":["1"]}`,
		`"roles":{"L":[{"S":"1"}]}`, `"darkMode":{"S":"true"}`, `"path":{"S":""}`, `"path":{"S":"1//2"}`, `"path":{"S":"0"}`,
		`"status":{"S":"Gone"}`, `"deviceType":{"S":"TOASTER"}`, `"identities":{"L":[{"S":"x"}]}`,
	} {
		members := []string{`"type":{"S":"user"}`, item}
		for _, sound := range []string{`"path":{"S":"1"}`, `"status":{"S":"Active"}`} {
			if !strings.HasPrefix(item, sound[:strings.Index(sound, ":")]) {
				members = append(members, sound)
			}
		}
		if _, err := byFeed([]byte(`{"Items":[{` + strings.Join(members, ",") + `}]}`)); err == nil {
			t.Errorf("a user with %s was shown", item)
		}
	}
}

func TestFeedRefusesBrokenAnswers(t *testing.T) {
	whole := []byte(`{"Items":[{"type":{"S":"user"},"path":{"S":"1"},"status":{"S":"Active"}}],"Count":1}`)
	if changes, err := byFeed(whole); err != nil || len(changes) != 1 {
		t.Fatalf("the whole answer gives %v, %v", changes, err)
	}
	for n := range len(whole) - 1 {
		if _, err := byFeed(whole[:n]); err == nil {
			t.Errorf("the first %d bytes of %d were accepted: %s", n, len(whole), whole[:n])
		}
	}
}

func TestFeedChecksTheSumOfTheAnswer(t *testing.T) {
	body := page(t, nil)
	calls := 0
	table := tableOver(func(*http.Request) (*http.Response, error) {
		calls++
		response := answer(200, body)
		if calls == 1 {
			response.Header.Set(crcHeader, "1")
		}
		return response, nil
	})
	err := table.Changes(t.Context(), 1, 0, time.Time{}, nil)
	if roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("a broken answer gives %v, want unavailable", err)
	}
	if err := table.Changes(t.Context(), 1, 0, time.Time{}, nil); err != nil {
		t.Errorf("a whole answer gives %v", err)
	}
}

func TestFeedSkipsWhatItDoesNotKnow(t *testing.T) {
	var log bytes.Buffer
	table := tableOver(func(*http.Request) (*http.Response, error) {
		return answer(200, []byte(`{"Items":[{"type":{"S":"group"},"pk":{"S":"T#1#ORG#1"},"name":{"L":[]}},{"type":{"S":"role"},"id":{"N":"4"}}]}`)), nil
	})
	table.log = slog.New(slog.NewTextHandler(&log, nil))
	var ids []roster.RoleID
	err := table.Changes(t.Context(), 1, 0, time.Time{}, func(c roster.Change) error {
		ids = append(ids, c.Role.ID)
		return nil
	})
	if err != nil || !slices.Equal(ids, []roster.RoleID{4}) {
		t.Errorf("the feed shows the roles %v, %v, want 4", ids, err)
	}
	if !strings.Contains(log.String(), "type=group") {
		t.Errorf("the log does not name the skipped item: %s", &log)
	}
}

func TestFeedEndsWhereVisitSays(t *testing.T) {
	enough := errors.New("enough")
	table := tableOver(func(*http.Request) (*http.Response, error) {
		return answer(200, []byte(`{"Items":[{"type":{"S":"role"}},{"type":{"S":"role"}}],"LastEvaluatedKey":{"pk":{"S":"x"}}}`)), nil
	})
	visits := 0
	err := table.Changes(t.Context(), 1, 0, time.Time{}, func(roster.Change) error {
		visits++
		return enough
	})
	if !errors.Is(err, enough) || visits != 1 {
		t.Errorf("after %d visits the feed ended with %v, want 1 and %v", visits, err, enough)
	}
}
