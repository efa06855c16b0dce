package roster_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

func TestATokenIsFoundAgainByItsHash(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token, hash := roster.NewLinkToken()
		if got, ok := roster.ParseLinkToken(token); !ok || got != hash {
			t.Fatalf("ParseLinkToken(%q) = %x, %v, want %x", token, got, ok, hash)
		}
		if len(token) != 43 || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("the token %q is not 43 characters that a URL takes as they are", token)
		}
		if seen[token] {
			t.Fatalf("the token %q was made twice", token)
		}
		seen[token] = true
	}
}

func TestTheHashOfATokenIsOfItsBytes(t *testing.T) {
	raw := []byte("0123456789abcdef0123456789abcdef")
	hash, ok := roster.ParseLinkToken(base64.RawURLEncoding.EncodeToString(raw))
	if !ok || hash != sha256.Sum256(raw) {
		t.Errorf("ParseLinkToken = %x, %v, want %x", hash, ok, sha256.Sum256(raw))
	}
}

func TestOnlyATokenIsParsed(t *testing.T) {
	good := base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	for name, text := range map[string]string{
		"nothing":              "",
		"too short":            good[:42],
		"too long":             good + "A",
		"padded":               good + "=",
		"a space before":       " " + good,
		"a space within":       good[:20] + " " + good[21:],
		"a line break within":  good[:20] + "\n" + good[21:],
		"a line break more":    good[:20] + "\n" + good[20:],
		"the other alphabet":   strings.Repeat("+/", 21) + "A",
		"dots":                 strings.Repeat("..", 21) + "A",
		"bits that are no use": good[:42] + string(good[42]+1),
		"not ASCII":            strings.Repeat("é", 21) + "A",
		"not UTF-8":            strings.Repeat("\xff", 43),
	} {
		if hash, ok := roster.ParseLinkToken(text); ok || hash != (roster.LinkHash{}) {
			t.Errorf("%s: ParseLinkToken(%q) = %x, %v", name, text, hash, ok)
		}
	}
}

func FuzzParseLinkToken(f *testing.F) {
	token, _ := roster.NewLinkToken()
	for _, seed := range []string{"", token, token[:42], token + "=", strings.Repeat("A", 43), strings.Repeat("\n", 43), strings.Repeat("-_", 21) + "w"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		hash, ok := roster.ParseLinkToken(text)
		if !ok {
			if hash != (roster.LinkHash{}) {
				t.Errorf("%q is no token and has the hash %x", text, hash)
			}
			return
		}
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || hash != sha256.Sum256(raw) {
			t.Errorf("%q has the hash %x of other bytes than %x, %v", text, hash, raw, err)
		}
		// There is one way to write a token.
		if again := base64.RawURLEncoding.EncodeToString(raw); again != text || len(raw) != 32 {
			t.Errorf("%q is a token, and so is %q", text, again)
		}
	})
}

func TestWhereAnInvitationStands(t *testing.T) {
	invite := roster.Invitation{Tenant: 7, ID: 5, Purpose: roster.PurposeInvite, Path: roster.OrgPath{7, 8}, User: 42, Email: "Jane@Example.com"}
	if got, want := invite.Ref(), (roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeInvite, User: 42}); got != want {
		t.Errorf("an invitation stands at %+v, want %+v", got, want)
	}
	reset := invite
	reset.Purpose = roster.PurposeReset
	if got, want := reset.Ref(), (roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeReset, User: 42}); got != want {
		t.Errorf("a reset stands at %+v, want %+v", got, want)
	}
	signUp := invite
	signUp.Purpose, signUp.User = roster.PurposeSignUp, 0
	if got, want := signUp.Ref(), (roster.InvitationRef{Tenant: 7, Purpose: roster.PurposeSignUp, Org: 8, Email: "jane@example.com"}); got != want {
		t.Errorf("a sign-up stands at %+v, want %+v", got, want)
	}
}

func TestAnInvitationEndsAtItsTime(t *testing.T) {
	end := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	i := roster.Invitation{ValidUntil: end}
	for moment, want := range map[time.Time]bool{end.Add(-time.Millisecond): false, end: true, end.Add(time.Millisecond): true, {}: false} {
		if got := i.Expired(moment); got != want {
			t.Errorf("Expired(%v) = %v, want %v", moment, got, want)
		}
	}
}

// named has a name that it is found by.
type named interface {
	~uint8
	String() string
}

// checkNames checks that the values from 1 on have these names, by which they are found, and no other value and no other name does.
func checkNames[T named](t *testing.T, parse func(string) (T, bool), names ...string) {
	t.Helper()
	for n := range 256 {
		v := T(n)
		want := ""
		if n > 0 && n <= len(names) {
			want = names[n-1]
		}
		if got := v.String(); got != want {
			t.Errorf("%T %d is called %q, want %q", v, n, got, want)
		}
		if want == "" {
			continue
		}
		if got, ok := parse(want); !ok || got != v {
			t.Errorf("%q is the %T %d, %v, want %d", want, v, got, ok, n)
		}
	}
	for _, name := range []string{"", " ", "nothing", strings.ToUpper(names[0]) + "x", names[0] + " "} {
		if got, ok := parse(name); ok || got != 0 {
			t.Errorf("%q is the %T %d", name, got, got)
		}
	}
}

func TestNamesOfPurposesDeliveriesAndPlatforms(t *testing.T) {
	checkNames(t, roster.ParsePurpose, "invite", "sign-up", "reset")
	checkNames(t, roster.ParseDelivery, "queued", "sent", "refused", "bounced", "complained", "dropped")
	checkNames(t, roster.ParsePlatform, "FCM", "APNS", "APNS_SANDBOX")
}

func TestIDsOfMessagesAreLikeThoseOfUsers(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 30, 15, 250e6, time.UTC)
	source := roster.IDSource{Now: func() time.Time { return now }}
	user, invitation, notification := source.NewUserID(), source.NewInvitationID(), source.NewNotificationID()
	if int64(invitation) != int64(user)+1 || int64(notification) != int64(user)+2 {
		t.Errorf("the ids are %s, %s, %s, want them to follow each other", user, invitation, notification)
	}
	if invitation.String() != roster.UserID(invitation).String() || notification.String() != roster.UserID(notification).String() {
		t.Errorf("the ids are written %s and %s", invitation, notification)
	}
}
