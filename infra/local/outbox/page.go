package outbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"clock": func(t time.Time) string { return t.Local().Format("15:04:05") },
	"day":   func(t time.Time) string { return t.Local().Format("2 Jan 2006, 15:04:05 MST") },
	"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"list":  func(texts []string) string { return strings.Join(texts, ", ") },
}).ParseFS(web, "web/*.html"))

// pagePolicy lets the page load its own files and nothing else, and run nothing that stands in its HTML. mailPolicy is for the mail
// inside: its inline styles count, no script does, it loads nothing, and its links open beside the outbox.
const (
	pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; img-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; " +
		"sandbox allow-popups allow-popups-to-escape-sandbox"
)

// addPages adds the page and what belongs to it.
func (o *Outbox) addPages() {
	o.mux.HandleFunc("GET "+PagePath, o.servePage)
	o.mux.HandleFunc("GET "+PagePath+".json", o.serveJSON)
	o.mux.HandleFunc("GET "+PagePath+"/{id}", o.servePage)
	o.mux.HandleFunc("GET "+PagePath+"/{id}/html", o.serveMailHTML)
	o.mux.HandleFunc("GET "+PagePath+"/list", o.serveList)
	o.mux.HandleFunc("GET "+PagePath+"/updates", o.serveUpdates)
	for name, kind := range map[string]string{
		"style.css": "text/css; charset=utf-8", "script.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		o.mux.HandleFunc("GET "+PagePath+"/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			http.ServeFileFS(w, r, web, "web/"+name)
		})
	}
}

// view is what the page shows.
type view struct {
	Path     string // of the page
	BaseURL  string
	Newest   int64
	Messages []row
	Selected *selected
}

// row is a message in the list.
type row struct {
	Message
	Current bool
}

// Who returns who or what the message was for.
func (m Message) Who() string {
	switch {
	case m.Mail != nil:
		return strings.Join(slices.Concat(m.Mail.To, m.Mail.Cc, m.Mail.Bcc), ", ")
	case m.Push != nil:
		return m.Push.Device()
	default:
		return m.Refusal.Title
	}
}

// Title returns what the message is about.
func (m Message) Title() string {
	title := ""
	switch {
	case m.Mail != nil:
		title = m.Mail.Subject
	case m.Push != nil:
		if title = m.Push.Title; title == "" {
			title = m.Push.Body
		}
	default:
		title = m.Refusal.Reason
	}
	if strings.TrimSpace(title) == "" {
		return "(no title)"
	}
	return title
}

// KindName returns the kind as the page calls it.
func (m Message) KindName() string {
	switch {
	case m.Mail != nil:
		return "Mail"
	case m.Push != nil:
		return "Push"
	default:
		return "Refused"
	}
}

// Device returns the platform, and as much of the token as tells devices apart.
func (p *Push) Device() string {
	name := map[string]string{platformGCM: "FCM", "APNS": "APNs", "APNS_SANDBOX": "APNs sandbox"}[p.Platform]
	token := []rune(p.Token)
	if len(token) > 14 {
		return name + " " + string(token[:6]) + "…" + string(token[len(token)-6:])
	}
	return name + " " + p.Token
}

// selected is the message that is open.
type selected struct {
	Message
	// JSON is the push's payload, or the queue's message, to be read by a person.
	JSON string
	// Frame is where the mail's HTML is.
	Frame string
	// FollowLink says that the link is one that a browser may be sent to.
	FollowLink bool
}

func (o *Outbox) servePage(w http.ResponseWriter, r *http.Request) {
	v := o.view(r)
	if id := r.PathValue("id"); id != "" {
		m, found := o.find(id)
		if !found {
			o.render(w, http.StatusNotFound, "missing.html", v)
			return
		}
		v.Selected = open(m)
		for i := range v.Messages {
			v.Messages[i].Current = v.Messages[i].ID == m.ID
		}
	}
	o.render(w, http.StatusOK, "page.html", v)
}

// open returns a message as the page shows it.
func open(m Message) *selected {
	s := &selected{Message: m, Frame: PagePath + "/" + strconv.FormatInt(m.ID, 10) + "/html"}
	switch {
	case m.Mail != nil:
		s.FollowLink = strings.HasPrefix(m.Mail.Link, "http://") || strings.HasPrefix(m.Mail.Link, "https://")
	case m.Push != nil:
		s.JSON = indented(m.Push.Payload)
	default:
		s.JSON = indented([]byte(m.Refusal.Body))
	}
	return s
}

// indented returns JSON on lines, and anything else as it is.
func indented(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}

// serveList serves the list alone, for the page that is open: its message is the query parameter current.
func (o *Outbox) serveList(w http.ResponseWriter, r *http.Request) {
	v := o.view(r)
	current, _ := strconv.ParseInt(r.URL.Query().Get("current"), 10, 64) // zero is no message
	for i := range v.Messages {
		v.Messages[i].Current = v.Messages[i].ID == current
	}
	o.render(w, http.StatusOK, "list.html", v)
}

func (o *Outbox) view(r *http.Request) view {
	v := view{Path: PagePath, BaseURL: "http://" + r.Host, Newest: o.store.newest()}
	for _, m := range slices.Backward(o.store.all()) {
		v.Messages = append(v.Messages, row{Message: m})
	}
	return v
}

func (o *Outbox) find(id string) (Message, bool) {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return Message{}, false
	}
	return o.store.get(number)
}

func (o *Outbox) render(w http.ResponseWriter, status int, name string, v view) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, v); err != nil {
		o.config.Report(fmt.Sprintf("the outbox page cannot be made: %v", err))
		http.Error(w, "The page cannot be made.", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", pagePolicy)
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // a failed write means that the browser is gone
}

// headTag finds where in a mail's HTML its head begins.
var headTag = regexp.MustCompile(`(?i)<head(\s[^>]*)?>`)

// serveMailHTML serves the HTML of a mail as it is, but that links open in a window of their own: the frame around it lets them go
// nowhere else.
func (o *Outbox) serveMailHTML(w http.ResponseWriter, r *http.Request) {
	m, found := o.find(r.PathValue("id"))
	if !found || m.Mail == nil || m.Mail.HTML == "" {
		o.render(w, http.StatusNotFound, "missing.html", view{Path: PagePath})
		return
	}
	html := m.Mail.HTML
	if at := headTag.FindStringIndex(html); at != nil {
		html = html[:at[1]] + `<base target="_blank">` + html[at[1]:]
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", mailPolicy)
	_, _ = io.WriteString(w, html) // a failed write means that the browser is gone
}

// serveJSON serves what was sent for scripts, newest first, each message on a line of its own. The query parameters kind and to leave
// only the messages of a kind, and those for an address or a device's token.
func (o *Outbox) serveJSON(w http.ResponseWriter, r *http.Request) {
	kind, to := r.URL.Query().Get("kind"), r.URL.Query().Get("to")
	w.Header().Set("Content-Type", "application/json")
	var lines [][]byte
	for _, m := range slices.Backward(o.store.all()) {
		if kind != "" && m.Kind != kind || to != "" && !m.isFor(to) {
			continue
		}
		line, err := encode(m)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		lines = append(lines, bytes.TrimSpace(line))
	}
	// A failed write means that the reader is gone.
	_, _ = fmt.Fprintf(w, "{\"messages\":[\n%s\n]}\n", bytes.Join(lines, []byte(",\n")))
}

// isFor reports whether a message was sent to that address or token.
func (m Message) isFor(to string) bool {
	switch {
	case m.Mail != nil:
		return containsFold(slices.Concat(m.Mail.To, m.Mail.Cc, m.Mail.Bcc), to)
	case m.Push != nil:
		return m.Push.Token == to || m.Push.Endpoint == to
	default:
		return false
	}
}

// keepAlive is how often a page that waits for news hears that there is none: silence for too long looks like a lost connection.
const keepAlive = 20 * time.Second

// serveUpdates tells a page of new messages, as server-sent events whose data is the newest message's ID, for as long as it listens.
// The first event is sent at once, so that what came between the page and its listening is not missed.
func (o *Outbox) serveUpdates(w http.ResponseWriter, r *http.Request) {
	news, stop := o.store.watch()
	defer stop()
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	_, err := fmt.Fprintf(w, "retry: 1000\ndata: %d\n\n", o.store.newest())
	for err == nil && control.Flush() == nil {
		select {
		case <-news:
			_, err = fmt.Fprintf(w, "data: %d\n\n", o.store.newest())
		case <-alive.C:
			_, err = io.WriteString(w, ":\n\n")
		case <-r.Context().Done():
			return
		case <-o.ending.Done():
			return
		}
	}
}
