package outbox

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// maxParts bounds how deep the parts of a mail are looked into.
const maxParts = 5

// structural are the headers that the page shows elsewhere, or that say only how the mail is put together.
var structural = []string{"From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Mime-Version", "Content-Type", "Content-Transfer-Encoding"}

// readRaw fills in what a whole mail (RFC 5322) says: what the call itself says of sender and recipients goes before it.
func readRaw(m *Mail, raw []byte) *sesError {
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return badRequest("The raw message cannot be read")
	}
	header := parsed.Header
	if m.From == "" {
		m.From = decodedHeader(header.Get("From"))
	}
	if len(m.To)+len(m.Cc)+len(m.Bcc) == 0 {
		for name, to := range map[string]*[]string{"To": &m.To, "Cc": &m.Cc, "Bcc": &m.Bcc} {
			addresses, err := header.AddressList(name)
			if err != nil && header.Get(name) != "" {
				return badRequest("Illegal address")
			}
			for _, a := range addresses {
				*to = append(*to, a.Address)
			}
		}
	}
	if len(m.ReplyTo) == 0 && header.Get("Reply-To") != "" {
		m.ReplyTo = []string{decodedHeader(header.Get("Reply-To"))}
	}
	m.Subject = decodedHeader(header.Get("Subject"))
	for name, values := range header {
		if !containsFold(structural, name) {
			for _, value := range values {
				m.Headers = append(m.Headers, Pair{name, decodedHeader(value)})
			}
		}
	}
	sortPairs(m.Headers)
	m.readPart(header.Get("Content-Type"), header.Get("Content-Transfer-Encoding"), parsed.Body, maxParts)
	if m.Text == "" && m.HTML == "" {
		return badRequest("The raw message has neither a text nor an HTML part")
	}
	return nil
}

// readPart keeps the first text and the first HTML that it finds in a part of a mail.
func (m *Mail) readPart(contentType, encoding string, body io.Reader, depth int) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = "text/plain" // RFC 2045, section 5.2
	}
	if strings.HasPrefix(kind, "multipart/") && depth > 0 {
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err != nil {
				return
			}
			m.readPart(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part, depth-1)
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, _ := io.ReadAll(body) // what can be read of it is shown
	switch {
	case kind == "text/plain" && m.Text == "":
		m.Text = strings.ToValidUTF8(string(text), "\ufffd")
	case kind == "text/html" && m.HTML == "":
		m.HTML = strings.ToValidUTF8(string(text), "\ufffd")
	}
}

// decodedHeader returns a header with its encoded words (RFC 2047) decoded.
func decodedHeader(text string) string {
	decoder := mime.WordDecoder{}
	if plain, err := decoder.DecodeHeader(text); err == nil {
		return plain
	}
	return text
}
