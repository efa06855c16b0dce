package dynamo_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

// trail returns an organization's whole trail, newest first, read in pages of limit.
func (w *world) trail(t *testing.T, org roster.OrgID, limit int) []roster.AuditEntry {
	t.Helper()
	var all []roster.AuditEntry
	for before, pages := "", 0; ; pages++ {
		page, err := w.AuditEntries(t.Context(), 7, org, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Entries) > limit || len(page.Entries) == 0 && (page.Next != "" || pages > 0) || pages > 1000 {
			t.Fatalf("page %d of %d has %d entries and the next %q", pages, limit, len(page.Entries), page.Next)
		}
		all = append(all, page.Entries...)
		if page.Next == "" {
			return all
		}
		if strings.Trim(page.Next, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("the cursor is %q", page.Next)
		}
		before = page.Next
	}
}

// entries returns n entries of organization 8's trail, newest first, some of them of the same millisecond.
func (w *world) entries(n int) []roster.AuditEntry {
	all := make([]roster.AuditEntry, n)
	for i := range all {
		all[i] = roster.AuditEntry{
			Tenant: 7, Org: 8, At: w.clock.Now().Add(-time.Duration(i/3) * time.Second), Stamp: rostertest.Stamp(), Action: roster.ActionUserUpdated,
			Subject: fmt.Sprint("user:", 99-i%3), Name: "Jane", Version: int64(n - i),
			Fields: []roster.FieldChange{{Field: "name", Old: fmt.Sprint(i), New: "Jane"}, {Field: "title", New: "CEO"}},
		}
		if i%2 == 0 {
			all[i].Stamp.ForwardedFor = fmt.Sprint("client:", i)
		}
	}
	return all
}

func TestAuditTrailIsReadInPages(t *testing.T) {
	w := newWorld(t)
	want := w.entries(60)
	other := want[0]
	other.Org = 7
	if err := w.PutAudit(t.Context(), append(slices.Clone(want), other)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // written again, in another order and in parts, they are the same
		again := slices.Clone(want)
		slices.Reverse(again)
		if err := w.PutAudit(t.Context(), append(again[:30], again[:7]...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []int{1, 7, 59, 60, 61, 1000} {
		if diff := cmp.Diff(want, w.trail(t, 8, limit)); diff != "" {
			t.Fatalf("in pages of %d the trail is (-want +got):\n%s", limit, diff)
		}
	}
	if got := w.trail(t, 7, 10); !cmp.Equal(got, []roster.AuditEntry{other}) {
		t.Errorf("the root's trail is %v, want %v", got, other)
	}
	if got := w.trail(t, 99, 10); len(got) != 0 {
		t.Errorf("the trail of nobody is %v", got)
	}

	// A page stays where it was when something new comes in front of it.
	page, err := w.AuditEntries(t.Context(), 7, 8, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	newer := want[0]
	newer.At = newer.At.Add(time.Second)
	if err := w.PutAudit(t.Context(), []roster.AuditEntry{newer}); err != nil {
		t.Fatal(err)
	}
	second, err := w.AuditEntries(t.Context(), 7, 8, page.Next, 10)
	if err != nil || !cmp.Equal(second.Entries, want[10:20]) {
		t.Errorf("the second page is %v, %v, want %v", second.Entries, err, want[10:20])
	}
	w.mustFit(t)
}

func TestAuditEntriesExpire(t *testing.T) {
	w := newWorld(t)
	short := dynamo.New(rostertest.Client(t), w.name, dynamo.Options{Now: w.clock.Now, AuditRetention: 10 * time.Second})
	if err := short.PutAudit(t.Context(), w.entries(60)); err != nil { // 3 of each of the last 20 seconds
		t.Fatal(err)
	}
	if got := w.trail(t, 8, 100); len(got) != 30 {
		t.Errorf("%d entries are younger than 10 seconds, want 30", len(got))
	}
	w.clock.Advance(4500 * time.Millisecond)
	before := w.trail(t, 8, 7)
	if len(before) != 18 {
		t.Errorf("4.5 seconds later %d entries are left, want 18", len(before))
	}
	if page, err := short.AuditEntries(t.Context(), 7, 8, "", 100); err != nil || len(page.Entries) != 18 {
		t.Errorf("who keeps them for 10 seconds sees %d, %v", len(page.Entries), err)
	}
	page, err := w.AuditEntries(t.Context(), 7, 8, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	if got, err := short.AuditEntries(t.Context(), 7, 8, page.Next, 10); err != nil || len(got.Entries) != 0 || got.Next != "" {
		t.Errorf("from a cursor of what has expired come %v, %v", got, err)
	}
}

func TestAuditCursorsOfNobody(t *testing.T) {
	w := newWorld(t)
	encoded := base64.RawURLEncoding.EncodeToString
	for _, cursor := range []string{
		"x", "!", "0", encoded([]byte("1234567890123")), encoded([]byte("123456789012#user:1")), encoded([]byte("-123456789012#u")), encoded([]byte("1234567890123#")),
		encoded([]byte("1234567890123#\xff")), encoded([]byte("1234567890123#" + strings.Repeat("x", 1024))), strings.Repeat("A", 100_000),
	} {
		_, err := w.AuditEntries(t.Context(), 7, 8, cursor, 10)
		wantKind(t, fmt.Sprintf("the cursor %.40q", cursor), err, roster.KindInvalid)
	}
}

func TestLongValuesAreCutInTheTrail(t *testing.T) {
	w := newWorld(t)
	e := w.entries(1)[0]
	e.Fields = []roster.FieldChange{{Field: "delegates", Old: strings.Repeat("ẞ", 200_000), New: strings.Repeat("x", 300_000)}}
	if err := w.PutAudit(t.Context(), []roster.AuditEntry{e}); err != nil {
		t.Fatal(err)
	}
	f := w.trail(t, 8, 1)[0].Fields[0]
	if !strings.HasSuffix(f.Old, "ẞ…") || len(f.Old) > 1100 || f.New != strings.Repeat("x", 1024)+"…" {
		t.Errorf("the field is %d and %d bytes long", len(f.Old), len(f.New))
	}
}

// stream calls the table's stream API, which DynamoDB Local serves at the same address and checks no signature of.
func (w *world) stream(t *testing.T, operation string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rostertest.Endpoint(t), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+operation)
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=roster/20240101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v, %s", operation, response.StatusCode, err, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatal(err)
	}
}

// records returns everything that the table's stream has told so far.
func (w *world) records(t *testing.T) []json.RawMessage {
	t.Helper()
	table, err := rostertest.Client(t).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &w.name})
	if err != nil {
		t.Fatal(err)
	}
	arn := *table.Table.LatestStreamArn
	var described struct {
		StreamDescription struct{ Shards []struct{ ShardId string } }
	}
	w.stream(t, "DescribeStream", map[string]any{"StreamArn": arn}, &described)
	var all []json.RawMessage
	for _, shard := range described.StreamDescription.Shards {
		var at struct{ ShardIterator string }
		w.stream(t, "GetShardIterator", map[string]any{"StreamArn": arn, "ShardId": shard.ShardId, "ShardIteratorType": "TRIM_HORIZON"}, &at)
		for {
			var page struct {
				Records           []json.RawMessage
				NextShardIterator string
			}
			w.stream(t, "GetRecords", map[string]any{"ShardIterator": at.ShardIterator}, &page)
			all = append(all, page.Records...)
			if len(page.Records) == 0 || page.NextShardIterator == "" {
				break
			}
			at.ShardIterator = page.NextShardIterator
		}
	}
	return all
}

// TestTheStreamTellsTheTrail lets the stream of a real table tell what was done to it, twice, as Lambda may.
func TestTheStreamTellsTheTrail(t *testing.T) {
	w := newWorldIn(t, rostertest.CreateTableWithStream(t))
	stamp := roster.Stamp{By: "user:1", Via: "organization", RequestID: "request-9"}
	step := func() { w.clock.Advance(time.Second) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		step()
	}
	step()
	_, _, err := w.CreateUser(t.Context(), newcomer(rostertest.User(w.child, 42)), stamp, once(1, 1))
	must(err)
	must(w.RecordLogin(t.Context(), 7, 42, w.clock.Now()))
	user, err := w.User(t.Context(), 7, 42)
	must(err)
	renamed := user
	renamed.Name, renamed.Email = "New Name", "new@example.com"
	user, err = w.UpdateUser(t.Context(), user, renamed, stamp)
	must(err)
	must(w.PutCredential(t.Context(), roster.Credential{Tenant: 7, User: 42, PasswordHash: "second"}, roster.Stamp{By: "user:42", Via: "organization"}))
	must(w.ReplaceCredential(t.Context(), 7, 42, "second", "third"))
	moved := user
	moved.Path = w.root
	user, err = w.UpdateUser(t.Context(), user, moved, stamp)
	must(err)
	user, err = w.DeleteUser(t.Context(), user, stamp)
	must(err)
	_, err = w.RestoreUser(t.Context(), user, stamp)
	must(err)
	// An invited user who comes, and who then has forgotten the password.
	offer := w.offer()
	offer.ValidUntil = w.clock.Now().Add(time.Hour)
	guest, _, err := w.CreateInvitedUser(t.Context(), roster.NewUser{User: rostertest.User(roster.OrgPath{7, 8}, 50, pending)}, offer, oneQuota(5), stamp, nil)
	must(err)
	own, invited := roster.Stamp{Via: "invitations"}, w.invitation(t, inviteRef(50))
	came := w.clock.Now().Format(time.RFC3339)
	guest, err = w.AcceptInvitation(t.Context(), invited, w.mail(t, invited), guest, w.come(guest), roster.Credential{PasswordHash: "first"}, own)
	must(err)
	must(w.RegisterDevice(t.Context(), phone(7, 50, "a"), own))
	notification := w.notify(t, news(50))
	forgotten := w.put(t, w.reset(guest))
	guest, err = w.User(t.Context(), 7, 50)
	must(err)
	_, err = w.AcceptInvitation(t.Context(), forgotten, w.mail(t, forgotten), guest, guest, roster.Credential{PasswordHash: "second"}, own)
	must(err)
	must(w.RevokeClient(t.Context(), 7, "client-7", w.clock.Now(), stamp))
	_, _, err = w.CreateOrganization(t.Context(), rostertest.Organization(w.root, 30), stamp, nil)
	must(err)
	_, err = w.CreateRole(t.Context(), roster.Role{Tenant: 7, Name: "Auditor"}, stamp)
	must(err)

	var sent []string
	for _, record := range w.records(t) {
		o, ok, err := dynamo.OutgoingOf(record)
		if err != nil {
			t.Fatalf("%v in %s", err, record)
		}
		switch {
		case ok && o.Notification != nil:
			sent = append(sent, fmt.Sprint("notification ", *o.Notification))
		case ok:
			sent = append(sent, fmt.Sprint("mail ", *o.Invitation, o.InvitationID))
		}
	}
	want := []string{
		fmt.Sprint("mail ", inviteRef(50), invited.ID), fmt.Sprint("notification ", notification.Ref()), fmt.Sprint("mail ", forgotten.Ref(), forgotten.ID),
	}
	if !slices.Equal(sent, want) {
		t.Errorf("to be sent are %q, want %q", sent, want)
	}

	put := func() {
		for _, record := range w.records(t) {
			entries, err := dynamo.AuditOf(record)
			if err != nil {
				t.Fatalf("%v in %s", err, record)
			}
			if err := w.PutAudit(t.Context(), entries); err != nil {
				t.Fatal(err)
			}
		}
	}
	put()
	items := w.keys(t)
	put()
	if again := w.keys(t); !slices.Equal(again, items) {
		t.Errorf("told twice, the table has %d items, once %d", len(again), len(items))
	}
	tell := func(org roster.OrgID) []string {
		var lines []string
		for _, e := range w.trail(t, org, 3) {
			line := fmt.Sprintf("%s %s %d by %s", e.Action, e.Subject, e.Version, e.Stamp.By)
			if e.Action != roster.ActionUserCreated {
				for _, f := range e.Fields {
					line += fmt.Sprintf(", %s %s>%s", f.Field, f.Old, f.New)
				}
			}
			lines = append(lines, line)
		}
		return lines
	}
	for org, want := range map[roster.OrgID][]string{
		7: {
			"role.created role:4 1 by user:1, name >Auditor",
			"client.revoked client:client-7 2 by user:1",
			"user.restored user:42 6 by user:1",
			"user.deleted user:42 5 by user:1",
			"user.transferred user:42 4 by user:1, organization 8>7",
			// Told late, a change of password stands where the user is by then.
			"password.changed user:42 2 by user:42",
			"user.created user:1 1 by test",
			"organization.created organization:7 1 by test, name >Organization 7",
			"client.created client:client-7 1 by test, name >Client of Organization 7, organization >7",
		},
		8: {
			"password.changed user:50 2 by user:50",
			"user.updated user:50 3 by , devices >1",
			"user.updated user:50 2 by user:50, name Given50 Family50>Who Came, status Pending>Active, registeredAt >" + came,
			"user.created user:50 1 by user:1",
			"user.transferred user:42 4 by user:1, organization 8>7",
			"user.updated user:42 3 by user:1, email user-42@tenant-7.example.com>new@example.com, name Given42 Family42>New Name",
			"user.created user:42 1 by user:1",
			"organization.created organization:8 1 by test, name >Organization 8, parent >7",
		},
		30: {"organization.created organization:30 1 by user:1, name >Organization 30, parent >7"},
	} {
		if diff := cmp.Diff(want, tell(org)); diff != "" {
			t.Errorf("the trail of organization %v is (-want +got):\n%s", org, diff)
		}
	}
	w.mustFit(t)
}
