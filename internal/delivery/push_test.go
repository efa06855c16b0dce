package delivery_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/roster"
)

var platforms = []roster.Platform{roster.PlatformFCM, roster.PlatformAPNS, roster.PlatformAPNSSandbox}

// shown is what a phone reads out of a payload.
type shown struct {
	Title, Body, Image, ID string
}

// show reads a payload as its platform does, and fails the test if there is anything in it that should not be.
func show(t testing.TB, platform roster.Platform, payload string) shown {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(payload))
	decoder.DisallowUnknownFields()
	if platform == roster.PlatformFCM {
		var m struct {
			Message struct {
				Notification struct{ Title, Body, Image string }
				Data         map[string]string
			}
		}
		if err := decoder.Decode(&m); err != nil {
			t.Fatalf("the payload is not that of FCM: %v\n%s", err, payload)
		}
		n := m.Message.Notification
		if len(m.Message.Data) != 1 {
			t.Errorf("the data is %q", m.Message.Data)
		}
		return shown{n.Title, n.Body, n.Image, m.Message.Data["notificationId"]}
	}
	var m struct {
		APS struct {
			Alert          struct{ Title, Body string }
			Sound          string
			MutableContent int `json:"mutable-content"`
		}
		ImageURL, NotificationID string
	}
	if err := decoder.Decode(&m); err != nil {
		t.Fatalf("the payload is not that of APNs: %v\n%s", err, payload)
	}
	if (m.APS.MutableContent == 1) != (m.ImageURL != "") || m.APS.Sound != "default" {
		t.Errorf("the payload is wrong: %s", payload)
	}
	return shown{m.APS.Alert.Title, m.APS.Alert.Body, m.ImageURL, m.NotificationID}
}

func payload(t testing.TB, n roster.Notification, platform roster.Platform) string {
	t.Helper()
	payload, err := delivery.Payload(&n, platform)
	if err != nil {
		t.Fatalf("Payload(%s): %v", platform, err)
	}
	return payload
}

func notification(changes ...func(*roster.Notification)) roster.Notification {
	n := roster.Notification{ID: 9007199254740991, Title: "Device Alert", Body: "Pump 3 has stopped.", ImageURL: "https://example.com/alert.png"}
	for _, change := range changes {
		change(&n)
	}
	return n
}

func TestPayloadsAreThoseOfThePlatforms(t *testing.T) {
	names := make(map[string]bool)
	for name, n := range map[string]roster.Notification{
		"usual":    notification(),
		"no-image": notification(func(n *roster.Notification) { n.ImageURL = "" }),
		"signs": notification(func(n *roster.Notification) {
			n.Title, n.Body = `<b>"Tom" & 'Jerry'</b>`, "Zażółć\n\tгусак 👩‍👩‍👧‍👦 \\ \u2028 end"
			n.ImageURL = "https://example.com/a?b=1&c=<2>"
		}),
		"long": notification(func(n *roster.Notification) { n.Body = strings.Repeat("水が漏れています。", 130) }),
	} {
		for _, platform := range platforms {
			file := name + "." + strings.ToLower(platform.String()) + ".json"
			names[file] = true
			golden(t, "push/"+file, payload(t, n, platform)+"\n")
		}
	}
	wanted(t, "push", names)
}

func TestUnknownPlatformIsAnError(t *testing.T) {
	n := notification()
	for _, platform := range []roster.Platform{0, 77} {
		if payload, err := delivery.Payload(&n, platform); err == nil {
			t.Errorf("platform %d has the payload %s", platform, payload)
		}
	}
}

func TestBodyIsShortenedToFit(t *testing.T) {
	for _, body := range []string{
		strings.Repeat("a", 4000), strings.Repeat("ж", 2000), strings.Repeat("水", 1200), strings.Repeat("😀", 1024), strings.Repeat("👩🏽‍🚀", 300),
		strings.Repeat("🇺🇦", 512), strings.Repeat("e\u0301", 1200), strings.Repeat("\"", 1024) + strings.Repeat("\\", 1024),
		strings.Repeat("❤️", 600), strings.Repeat("🏴󠁧󠁢󠁳󠁣󠁴󠁿", 140), strings.Repeat("word ", 900), strings.Repeat("<", 4000), strings.Repeat("a\u2028", 600),
	} {
		for _, platform := range platforms {
			n := notification(func(n *roster.Notification) { n.Body = body })
			p := payload(t, n, platform)
			got := show(t, platform, p)
			kept, cut := strings.CutSuffix(got.Body, "…")
			if len(p) > delivery.MaxPayload || !cut || !strings.HasPrefix(body, kept) {
				t.Errorf("%s: %.20q became %d bytes with the body %.20q", platform, body, len(p), got.Body)
			}
			// What is left over is less than the largest piece that could not be parted, and its spaces.
			if free := delivery.MaxPayload - len(p); free > 30 {
				t.Errorf("%s: %.20q leaves %d bytes unused", platform, body, free)
			}
		}
	}
}

func TestImageWithoutRoomForABodyIsLeftOut(t *testing.T) {
	long := "https://example.com/" + strings.Repeat(`"`, 2000) // 4,000 bytes as JSON
	for _, platform := range platforms {
		n := notification(func(n *roster.Notification) { n.ImageURL = long })
		if got, want := show(t, platform, payload(t, n, platform)), (shown{n.Title, n.Body, "", n.ID.String()}); got != want {
			t.Errorf("%s: the phone shows %+v, want %+v", platform, got, want)
		}
		n.ImageURL = "https://example.com/" + strings.Repeat("x", roster.MaxImageURL-20)
		n.Body = strings.Repeat("я", 1024)
		if got := show(t, platform, payload(t, n, platform)); got.Image != n.ImageURL || utf8.RuneCountInString(got.Body) < 500 {
			t.Errorf("%s: the phone shows %+v", platform, got)
		}
	}
}

// anyText draws texts of all sorts: what people write, what breaks JSON, and what is no text at all.
func anyText(most int) *rapid.Generator[string] {
	pieces := rapid.SampledFrom([]string{
		"a", "word ", "\n", `"`, `\`, "<", "&", "\x00", "\x1f", "\u2028", "é", "e\u0301", "ж", "水", "😀", "👩‍👩‍👧‍👦", "👍🏽", "🇺🇦", "❤️", "ﷺ", "\u200d", "\ufe0f",
		"\u0301", "\xff", "\xe2\x80", "\ufffd", "…", "नि", "한", " ",
	})
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(pieces.Draw(t, "piece"), rapid.IntRange(0, most).Draw(t, "times"))
		}),
		rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(pieces, 0, most).Draw(t, "pieces"), "")
		}),
		rapid.StringN(0, most, -1),
	)
}

func TestEveryPayloadFits(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := roster.Notification{
			ID:    roster.NotificationID(rapid.Int64Range(1, int64(roster.MaxUserID)).Draw(r, "id")),
			Title: anyText(400).Draw(r, "title"), Body: anyText(4000).Draw(r, "body"),
			ImageURL: rapid.SampledFrom([]string{"", "https://example.com/a.png", "https://example.com/" + strings.Repeat("x", 2000), strings.Repeat("&", 5000), strings.Repeat(`"`, 1700)}).Draw(r, "image"),
		}
		platform := rapid.SampledFrom(platforms).Draw(r, "platform")
		p := payload(t, n, platform)
		got := show(t, platform, p)
		if len(p) > delivery.MaxPayload {
			r.Fatalf("the payload has %d bytes", len(p))
		}
		if !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' }) || got.ID != n.ID.String() {
			r.Fatalf("the payload is wrong: %q", p)
		}
		whole := func(text string) string { return strings.ToValidUTF8(text, "\ufffd") }
		if got.Body == whole(n.Body) && got.Title == whole(n.Title) && got.Image == n.ImageURL {
			return // untouched
		}
		if got.Image != n.ImageURL && (got.Image != "" || encodedSize(n.Title)+encodedSize(n.ImageURL) < 3000) {
			r.Fatalf("the image became %q", got.Image)
		}
		for _, text := range []struct{ name, got, whole string }{{"title", got.Title, whole(n.Title)}, {"body", got.Body, whole(n.Body)}} {
			if text.got == text.whole {
				continue
			}
			kept, cut := strings.CutSuffix(text.got, "…")
			if !cut || !strings.HasPrefix(text.whole, kept) {
				r.Fatalf("the %s %.60q became %.60q", text.name, text.whole, text.got)
			}
			if last, _ := utf8.DecodeLastRuneInString(kept); last == '\u200d' || unicode.IsSpace(last) {
				r.Fatalf("the %s ends with %q", text.name, last)
			}
		}
		if got.Body != whole(n.Body) {
			// It would not have fitted whole.
			if size := len(p) - encodedSize(got.Body) + encodedSize(whole(n.Body)); size <= delivery.MaxPayload {
				r.Fatalf("the body was shortened although %d bytes fit", size)
			}
		}
	})
}

// encodedSize is how many bytes a text has in JSON without its quotes.
func encodedSize(text string) int {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // of a text, it is impossible
	}
	return b.Len() - len("\"\"\n")
}

func TestTextIsCutWhereItLooksWhole(t *testing.T) {
	for _, test := range []struct {
		text string
		end  int
		want string
	}{
		{"abc", 3, "abc"}, {"abc", 2, "ab"}, {"abc", 0, ""}, {"abc", 77, "abc"},
		{"aж", 2, "a"},
		{"ae\u0301", 2, "a"}, {"ae\u0301b", 4, "ae\u0301"},
		{"a👍🏽b", 5, "a"}, {"a👍🏽b", 9, "a👍🏽"},
		{"a👩‍👧b", 5, "a"}, {"a👩‍👧b", 8, "a"}, {"a👩‍👧b", 12, "a👩‍👧"},
		{"a❤️b", 4, "a"}, {"a❤️b", 7, "a❤️"},
		{"a🇺🇦🇵🇱", 5, "a"}, {"a🇺🇦🇵🇱", 9, "a🇺🇦"}, {"a🇺🇦🇵🇱", 13, "a🇺🇦"}, {"a🇺🇦🇵🇱", 17, "a🇺🇦🇵🇱"},
		{"x🏴󠁧󠁢󠁳󠁣󠁴󠁿", 25, "x"},
		{"a\r\nb", 2, "a"},
		{"ab\u200d", 4, "a"}, // not within the joiner, and not between it and what it joins
		// Where a letter has more marks than any script writes, whole characters have to do.
		{"a" + strings.Repeat("\u0301", 40), 61, "a" + strings.Repeat("\u0301", 30)},
		{"a" + strings.Repeat("\u0301", 20) + "\u200d\u0301", 44, "a" + strings.Repeat("\u0301", 20)},
	} {
		if got := delivery.Clip(test.text, test.end); got != test.want {
			t.Errorf("clip(%q, %d) = %q, want %q", test.text, test.end, got, test.want)
		}
	}
}

func TestCuttingNeverGrowsShorterWithMoreRoom(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := strings.ToValidUTF8(anyText(60).Draw(r, "text"), "\ufffd")
		last := ""
		for end := range len(text) + 1 {
			got := delivery.Clip(text, end)
			if len(got) > end || !strings.HasPrefix(text, got) || !utf8.ValidString(got) {
				r.Fatalf("clip(%q, %d) = %q", text, end, got)
			}
			if len(got) < len(last) {
				r.Fatalf("clip(%q, %d) = %q after %q", text, end, got, last)
			}
			last = got
		}
		if diff := cmp.Diff(text, last); diff != "" {
			r.Fatal(diff)
		}
	})
}
