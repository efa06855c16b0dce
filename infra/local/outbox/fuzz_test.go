package outbox

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRaw reads mails that nobody made with care: what is taken has a sender, somebody to send it to, and something to read.
func FuzzRaw(f *testing.F) {
	f.Add([]byte("From: a@b.example\r\nTo: c@d.example\r\nSubject: =?UTF-8?Q?x?=\r\n\r\ntext"))
	f.Add([]byte("From: a@b.example\r\nTo: c@d.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--x--"))
	f.Add([]byte("From: a@b.example\r\nTo: c@d.example\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC=\r\nx"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e sendEmail
		e.Content.Raw = &struct{ Data []byte }{raw}
		m, problem := e.mail()
		if problem != nil {
			return
		}
		if m.From == "" || len(m.To)+len(m.Cc)+len(m.Bcc) == 0 || m.Text+m.HTML == "" || !utf8.ValidString(m.Text+m.HTML) {
			t.Errorf("%q is taken as %+v", raw, m)
		}
	})
}

// FuzzPayload reads messages for devices: what is taken is an object of JSON for the platform, and what is shown of it is text.
func FuzzPayload(f *testing.F) {
	f.Add("GCM", `{"GCM":"{\"fcmV1Message\":{\"message\":{\"notification\":{\"title\":\"T\"}}}}"}`, "json")
	f.Add("APNS", `{"APNS":"{\"aps\":{\"alert\":{\"title\":\"T\"}}}","default":"x"}`, "json")
	f.Add("APNS_SANDBOX", `{"default":"\ud800"}`, "json")
	f.Add("GCM", "\xff", "")
	f.Fuzz(func(t *testing.T, platform, message, structure string) {
		if platform != platformGCM && platform != "APNS" && platform != "APNS_SANDBOX" {
			return
		}
		payload, problem := payloadFor(platform, message, structure)
		if problem != nil {
			return
		}
		if err := json.Unmarshal(payload, &map[string]any{}); err != nil || strings.Contains(string(payload), "\n") {
			t.Fatalf("%q gives %q: %v", message, payload, err)
		}
		p := Push{Platform: platform, Payload: payload}
		p.readPayload()
		if !utf8.ValidString(p.Title + p.Body + p.Image) {
			t.Errorf("%q is shown as %+v", message, p)
		}
	})
}
