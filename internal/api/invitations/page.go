package invitations

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

var (
	//go:embed page.html
	layout string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// policy is the Content-Security-Policy of every answer: nothing is loaded, and of what is in the page only the style and the script
// that have these hashes count. It would hold a name that found a way around the escaping, too.
var policy = "default-src 'none'; style-src '" + hashOf(style) + "'; script-src '" + hashOf(script) +
	"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// writeHeaders sets what all answers have in common. Cache-Control is set by package api.
func writeHeaders(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	// The address of the page is a secret: no other site is to see it.
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Robots-Tag", "noindex")
}

// pages writes pages.
type pages struct{ template *template.Template }

// newPages parses the template. It writes a page, too: what must be escaped, and how, is worked out when a template is used for
// the first time, and the first reader need not wait for it.
func newPages() *pages {
	p := &pages{template: template.Must(template.New("page.html").Parse(layout))}
	if err := p.template.ExecuteTemplate(&bytes.Buffer{}, "page", deadPage(&english)); err != nil {
		panic(err)
	}
	return p
}

func (p *pages) write(w http.ResponseWriter, status int, view page) error {
	var body bytes.Buffer
	if err := p.template.ExecuteTemplate(&body, "page", view); err != nil {
		return fmt.Errorf("writing a page: %w", err)
	}
	writeHeaders(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write(body.Bytes())
	return err
}

// page is what the template shows: a form, or a notice.
type page struct {
	T     *texts
	Title string
	// Icon names the sign above the heading: a purpose, done, dead or failure.
	Icon          string
	Heading, Lead template.HTML

	// Of a form.
	Form                        *form
	Email                       string
	PasswordLabel, PasswordHint string
	Submit                      string
	Problems                    []problem

	// Of a notice.
	Items []template.HTML

	Aside string
}

// Style and Script are the elements that hold them, as the policy knows them.
func (page) Style() template.HTML  { return template.HTML("<style>" + style + "</style>") }
func (page) Script() template.HTML { return template.HTML("<script>" + script + "</script>") }

// form has the fields that are asked for.
type form struct{ Name, Organization, Password *field }

type field struct {
	ID, Value   string
	Least, Most int
	// Errors says what is wrong with the value.
	Errors []string
}

// problem is an entry in the list of what is wrong.
type problem struct {
	// Field is the id of the input, empty for a problem with none.
	Field, Text string
}

// formPage returns the page that asks for what is missing. The form is what is filled in already, the password is left out.
func formPage(t *texts, offer *directory.Offer, filled *roster.AcceptanceForm, broken []roster.FieldError) page {
	n := names{Organization: offer.OrganizationName, Inviter: offer.InviterName, Email: string(offer.Invitation.Email)}
	p := page{T: t, Email: n.Email, Icon: offer.Invitation.Purpose.String(), PasswordLabel: t.PasswordLabel}
	p.PasswordHint = bounds(t.PasswordHint, roster.MinPassword, roster.MaxPassword)
	p.Form = &form{Password: &field{ID: fieldPassword, Least: roster.MinPassword, Most: roster.MaxPassword}}
	name := &field{ID: fieldName, Value: filled.Name, Most: roster.MaxPersonName}
	var heading, lead, task string
	switch offer.Invitation.Purpose {
	case roster.PurposeSignUp:
		heading, lead, task, p.Submit, p.Aside = t.SignUpHeading, t.SignUpLead, t.SignUpTask, t.SignUpSubmit, t.SignUpAside
		p.Form.Name = name
		p.Form.Organization = &field{ID: fieldOrganization, Value: filled.OrganizationName, Most: roster.MaxOrganizationName}
	case roster.PurposeReset:
		heading, lead, task, p.Submit, p.Aside = t.ResetHeading, t.ResetLead, t.ResetTask, t.ResetSubmit, t.ResetAside
		p.PasswordLabel = t.NewPasswordLabel
	default:
		heading, lead, task, p.Submit, p.Aside = t.InviteHeading, t.InviteFrom, t.InviteTask, t.InviteSubmit, t.InviteAside
		if n.Inviter == "" {
			lead = t.InviteFromNobody
		}
		p.Form.Name = name
	}
	p.Title, p.Heading, p.Lead = n.plain(heading), n.heading(heading), n.html(t.sentences(lead, task))
	p.complain(broken, filled)
	if len(broken) > 0 {
		p.Title = t.ProblemsPrefix + p.Title
	}
	return p
}

// complain notes what is wrong at the fields that it is about, and in the list above.
func (p *page) complain(broken []roster.FieldError, filled *roster.AcceptanceForm) {
	fields := map[string]*field{fieldName: p.Form.Name, fieldOrganization: p.Form.Organization, fieldPassword: p.Form.Password}
	for _, b := range broken {
		text := p.T.rule(b, filled)
		f := fields[b.Field]
		if f == nil {
			p.Problems = append(p.Problems, problem{Text: text})
			continue
		}
		f.Errors = append(f.Errors, text)
		p.Problems = append(p.Problems, problem{Field: f.ID, Text: text})
	}
}

// sentences returns two sentences one after the other.
func (t *texts) sentences(first, second string) string {
	if t.Lang == "ja" {
		return first + second
	}
	return first + " " + second
}

// donePage says that the offer is accepted.
func donePage(t *texts, a *directory.Acceptance) page {
	heading, text := t.AccountReadyHeading, t.InviteDone
	switch a.Offer.Invitation.Purpose {
	case roster.PurposeSignUp:
		text = t.SignUpDone
	case roster.PurposeReset:
		heading, text = t.ResetDoneHeading, t.ResetDone
	}
	n := names{Organization: a.Offer.OrganizationName, Email: string(a.User.Email)}
	return page{T: t, Icon: "done", Title: heading, Heading: n.heading(heading), Lead: n.html(text), Aside: t.MayClose}
}

// takenPage says that the address of a sign-up has an account.
func takenPage(t *texts, offer *directory.Offer) page {
	n := names{Email: string(offer.Invitation.Email)}
	return page{
		T: t, Icon: "sign-up", Title: t.TakenHeading, Heading: n.heading(t.TakenHeading), Lead: n.html(t.Taken),
		Items: []template.HTML{n.html(t.TakenForgotten)},
	}
}

// deadPage is what every link shows that leads nowhere.
func deadPage(t *texts) page {
	p := noticePage(t, "dead", t.DeadHeading, t.DeadLead)
	for _, text := range []string{t.DeadNewest, t.DeadInvited, t.DeadAsked, t.DeadDone} {
		p.Items = append(p.Items, names{}.html(text))
	}
	return p
}

func noticePage(t *texts, icon, heading, text string) page {
	return page{T: t, Icon: icon, Title: heading, Heading: names{}.heading(heading), Lead: names{}.html(text)}
}
