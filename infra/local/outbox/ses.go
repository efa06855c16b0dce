package outbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
)

// What SES takes at most. Its own limit of a mail is 40 MB; here mails are kept in memory.
const (
	maxMailBytes  = 10 << 20
	maxRecipients = 50
	maxTags       = 50
)

// sendEmail is the body of SendEmail, as far as it is known here.
type sendEmail struct {
	FromEmailAddress string
	ReplyToAddresses []string
	Destination      struct {
		ToAddresses, CcAddresses, BccAddresses []string
	}
	Content struct {
		Simple *struct {
			Subject *sesText
			Body    struct{ Text, Html *sesText }
			Headers []sesPair
		}
		Raw      *struct{ Data []byte }
		Template json.RawMessage
	}
	EmailTags            []sesPair
	ConfigurationSetName string
}

type sesText struct{ Data string }

type sesPair struct{ Name, Value string }

// sesError is a modelled error of SES.
type sesError struct {
	status  int
	code    string
	message string
}

// badRequest is the error for a call that breaks a rule.
func badRequest(format string, arguments ...any) *sesError {
	return &sesError{http.StatusBadRequest, "BadRequestException", fmt.Sprintf(format, arguments...)}
}

// serveSES answers as SES's API v2 does: REST with JSON.
func (o *Outbox) serveSES(w http.ResponseWriter, r *http.Request) {
	id, err := o.ses(w, r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.Header().Set("X-Amzn-Errortype", err.code)
		w.WriteHeader(err.status)
		writeJSON(w, map[string]string{"message": err.message})
		return
	}
	writeJSON(w, map[string]string{"MessageId": id})
}

func (o *Outbox) ses(w http.ResponseWriter, r *http.Request) (string, *sesError) {
	if !signed(r) {
		return "", &sesError{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	if action := r.Method + " " + strings.TrimPrefix(r.URL.Path, SESPath); action != "POST /v2/email/outbound-emails" {
		return "", &sesError{http.StatusNotFound, "UnknownOperationException", "the stand-in for SES knows only SendEmail, not " + action}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMailBytes))
	if err != nil {
		return "", &sesError{http.StatusRequestEntityTooLarge, "MessageRejected", fmt.Sprintf("the stand-in for SES takes at most %d bytes", maxMailBytes)}
	}
	var input sendEmail
	if err := json.Unmarshal(body, &input); err != nil {
		return "", &sesError{http.StatusBadRequest, "SerializationException", "the body is not the JSON of SendEmail"}
	}
	m, problem := input.mail()
	if problem != nil {
		return "", problem
	}
	m.Link = firstLink(m.Text, m.HTML)
	m.Fate = fateOf(m)
	sent := o.store.add(Message{Kind: "mail", MessageID: newMailID(), Mail: m})
	o.tellFate(sent)
	return sent.MessageID, nil
}

// mail returns what is sent, or why SES would not take it.
func (e *sendEmail) mail() (*Mail, *sesError) {
	if problem := checkPairs("tag", e.EmailTags); problem != nil {
		return nil, problem
	}
	if set := e.ConfigurationSetName; set != "" && set != ConfigurationSet {
		return nil, &sesError{http.StatusNotFound, "NotFoundException", "Configuration set <" + set + "> does not exist."}
	}
	m := &Mail{
		From: e.FromEmailAddress, To: e.Destination.ToAddresses, Cc: e.Destination.CcAddresses, Bcc: e.Destination.BccAddresses,
		ReplyTo: e.ReplyToAddresses, Tags: pairs(e.EmailTags), ConfigurationSet: e.ConfigurationSetName,
	}
	contents := 0
	for _, there := range []bool{e.Content.Simple != nil, e.Content.Raw != nil, e.Content.Template != nil} {
		if there {
			contents++
		}
	}
	var problem *sesError
	switch {
	case contents != 1:
		problem = badRequest("Exactly one of Simple, Raw and Template content must be there")
	case e.Content.Simple != nil:
		problem = e.simple(m)
	case e.Content.Raw != nil:
		problem = readRaw(m, e.Content.Raw.Data)
	default:
		problem = badRequest("the stand-in for SES knows no templates: send Simple or Raw content")
	}
	if problem != nil {
		return nil, problem
	}
	return m, m.checkAddresses()
}

// simple fills in what Simple content says.
func (e *sendEmail) simple(m *Mail) *sesError {
	content := e.Content.Simple
	switch {
	case content.Subject == nil:
		return badRequest("Missing required header 'Subject'.")
	case strings.ContainsAny(content.Subject.Data, "\r\n"):
		return badRequest("Header value contains line breaks: Subject")
	case content.Body.Text == nil && content.Body.Html == nil:
		return badRequest("The body has neither Text nor Html")
	}
	for _, h := range content.Headers {
		if !headerName.MatchString(h.Name) || strings.ContainsAny(h.Value, "\r\n") {
			return badRequest("Invalid header <%s>", h.Name)
		}
	}
	m.Subject, m.Headers = content.Subject.Data, pairs(content.Headers)
	if content.Body.Text != nil {
		m.Text = content.Body.Text.Data
	}
	if content.Body.Html != nil {
		m.HTML = content.Body.Html.Data
	}
	return nil
}

var (
	headerName = regexp.MustCompile(`^[!-9;-~]{1,126}$`)
	tagText    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
)

// checkPairs checks the tags of a mail.
func checkPairs(noun string, tags []sesPair) *sesError {
	if len(tags) > maxTags {
		return badRequest("at most %d tags, not %d", maxTags, len(tags))
	}
	var names []string
	for _, tag := range tags {
		if !tagText.MatchString(tag.Name) || !tagText.MatchString(tag.Value) {
			return badRequest("Invalid %s <%s>: only alphanumeric ASCII characters, '_', and '-' are allowed, and at most 256 of them.", noun, tag.Name)
		}
		if slices.Contains(names, tag.Name) {
			return badRequest("Duplicate %s <%s>", noun, tag.Name)
		}
		names = append(names, tag.Name)
	}
	return nil
}

func pairs(from []sesPair) []Pair {
	var to []Pair
	for _, p := range from {
		to = append(to, Pair(p))
	}
	return to
}

// checkAddresses checks sender and recipients.
func (m *Mail) checkAddresses() *sesError {
	recipients := slices.Concat(m.To, m.Cc, m.Bcc)
	switch {
	case m.From == "":
		return badRequest("Missing required header 'From'.")
	case len(recipients) == 0:
		return badRequest("Missing required header 'To'.")
	case len(recipients) > maxRecipients:
		return badRequest("Recipient count exceeds %d.", maxRecipients)
	}
	for _, text := range slices.Concat([]string{m.From}, recipients, m.ReplyTo) {
		if _, problem := addressIn(text); problem != nil {
			return problem
		}
	}
	return nil
}

// addressIn returns the bare address in one with or without a name.
func addressIn(text string) (string, *sesError) {
	parsed, err := mail.ParseAddress(text)
	if err != nil {
		return "", badRequest("Illegal address")
	}
	local, domain, _ := strings.Cut(parsed.Address, "@")
	if strings.ContainsFunc(local, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", badRequest("Local address contains control or whitespace, or characters that are not ASCII")
	}
	if domain == "" || strings.ContainsAny(domain, " @[") {
		return "", badRequest("Missing final '@domain'")
	}
	return parsed.Address, nil
}

// newMailID returns an id in the form of SES's.
func newMailID() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x-%x-000000", b[:8], b[8:12], b[12:14], b[14:16], b[16:18], b[18:])
}

// linkIn finds web addresses in text and in HTML. What ends a sentence is not part of an address.
var linkIn = regexp.MustCompile(`https?://[^\s<>"'\x60]*[^\s<>"'\x60.,;:!?)\]]`)

// firstLink returns the first address of the text or, if it has none, of the HTML; empty for none.
func firstLink(text, html string) string {
	if link := linkIn.FindString(text); link != "" {
		return link
	}
	return strings.ReplaceAll(linkIn.FindString(html), "&amp;", "&")
}

func writeJSON(w io.Writer, v any) {
	if line, err := encode(v); err == nil {
		_, _ = w.Write(line) // a failed write means that the caller is gone
	}
}
