package invitations

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// Name is the page's name in logs and in the stamps of writes.
const Name = "invitations"

// BasePath is where its paths begin. A token follows.
const BasePath = "/invitations/"

// route is what the log has in the place of the path.
const route = BasePath + "{token}"

// methods is what Allow says.
const methods = "GET, HEAD, POST"

// Routes returns the methods and paths that the handler answers, such as GET /invitations/{token}.
func Routes() []string {
	return []string{http.MethodGet + " " + route, http.MethodHead + " " + route, http.MethodPost + " " + route}
}

// Options is what the handler is built with. The zero value is usable.
type Options struct {
	// Log receives one line per request; nil means none.
	Log *slog.Logger
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Quota bounds the requests of each organization, those of its links among them; nil means that nothing does. The directory
	// asks for it by way of api.Admit, once it knows whose link it is.
	Quota api.Quota
}

// New returns the handler of GET, HEAD and POST /invitations/{token}. It needs no principal: the token is what lets in.
func New(d *directory.Directory, o Options) http.Handler {
	s := &site{directory: d, pages: newPages(), bodies: api.NewBodyReader[body]()}
	return api.Pages{Name: Name, Route: route, Answer: s.answer, Fail: s.fail}.Handler(api.Options{Log: o.Log, Now: o.Now, Quota: o.Quota})
}

type site struct {
	directory *directory.Directory
	pages     *pages
	bodies    *api.BodyReader[body]
}

// body is what a program posts. Which of it is needed depends on what the invitation is for.
type body struct {
	Name             string `json:"name,omitempty"`
	Password         string `json:"password,omitempty"`
	OrganizationName string `json:"organizationName,omitempty"`
}

// accepted is what a program is told of an invitation that it has accepted.
type accepted struct {
	UserID int64  `json:"userId"`
	Email  string `json:"email"`
	Status string `json:"status"`
}

// errorBody is the body of every failure for a program, as in the dialect organization.
type errorBody struct {
	Error errorDetails `json:"error"`
}

type errorDetails struct {
	Message string `json:"message"`
}

// refused is a form that breaks rules, or whose address is taken, with what it takes to show the page again.
type refused struct {
	offer directory.Offer
	form  roster.AcceptanceForm
	err   error
}

func (r *refused) Error() string { return r.err.Error() }
func (r *refused) Unwrap() error { return r.err }

func (s *site) answer(w http.ResponseWriter, r *http.Request) error {
	token, ok := strings.CutPrefix(r.URL.Path, BasePath)
	if !ok {
		return roster.DeadLink(errors.New("this is no path of the page"))
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return s.open(w, r, token)
	case http.MethodPost:
		return s.accept(w, r, token)
	default:
		return api.MethodNotAllowed()
	}
}

// open shows what the link offers.
func (s *site) open(w http.ResponseWriter, r *http.Request, token string) error {
	offer, err := s.directory.OpenInvitation(r.Context(), token)
	if err != nil {
		return err
	}
	form := roster.AcceptanceForm{Name: offer.Name}
	return s.pages.write(w, http.StatusOK, formPage(textsFor(&offer, r), &offer, &form, nil))
}

// accept does what the link offers.
func (s *site) accept(w http.ResponseWriter, r *http.Request, token string) error {
	form, err := s.form(r)
	if err != nil {
		return err
	}
	write := roster.Write{Via: Name, RequestID: api.RequestIDFrom(r.Context())}
	acceptance, err := s.directory.AcceptInvitation(r.Context(), token, form, write)
	switch {
	case err != nil && !wantsJSON(r) && (roster.KindOf(err) == roster.KindInvalid || taken(err)):
		// The reader gets the page again, as it is for whoever opens the link now.
		offer, openErr := s.directory.OpenInvitation(r.Context(), token)
		if openErr != nil {
			return openErr
		}
		return &refused{offer: offer, form: form, err: err}
	case err != nil:
		return err
	case wantsJSON(r):
		return writeJSON(w, http.StatusOK, accepted{
			UserID: int64(acceptance.User.ID), Email: string(acceptance.User.Email), Status: acceptance.User.Status.String(),
		})
	default:
		return s.pages.write(w, http.StatusOK, donePage(textsFor(&acceptance.Offer, r), &acceptance))
	}
}

// form reads the request's body.
func (s *site) form(r *http.Request) (roster.AcceptanceForm, error) {
	if api.IsForm(r) {
		values, err := api.ReadForm(r)
		if err != nil {
			return roster.AcceptanceForm{}, err
		}
		return formOf(values), nil
	}
	body, broken, err := s.bodies.Read(r)
	if err != nil {
		return roster.AcceptanceForm{}, err
	}
	return roster.AcceptanceForm{Name: body.Name, Password: body.Password, OrganizationName: body.OrganizationName, Broken: broken}, nil
}

// formOf returns what the page's form holds. Names lose the spaces around them, which phones put there; a password keeps all that
// it has.
func formOf(values url.Values) roster.AcceptanceForm {
	var form roster.AcceptanceForm
	one := func(name string) string {
		switch list := values[name]; len(list) {
		case 0:
			return ""
		case 1:
			return list[0]
		default:
			form.Broken.Add(name, mustBeOnce)
			return list[0]
		}
	}
	form.Name = strings.TrimSpace(one(fieldName))
	form.Password = one(fieldPassword)
	form.OrganizationName = strings.TrimSpace(one(fieldOrganization))
	return form
}

// fail writes the answer that tells of a failure.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error, problem api.Problem) {
	status := problem.Status
	switch status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", methods)
	case http.StatusNotFound:
		// How far the link led is told by what it cost to follow it.
		api.HideCost(r.Context())
	}
	var wrote error
	if wantsJSON(r) {
		wrote = writeJSON(w, status, errorBody{errorDetails{problem.Message}})
	} else {
		wrote = s.pages.write(w, status, s.failure(r, err, status))
	}
	if wrote != nil {
		panic(wrote) // into memory, and tested in every language
	}
}

// failure returns the page that tells of a failure.
func (s *site) failure(r *http.Request, err error, status int) page {
	refusal, ok := errors.AsType[*refused](err)
	switch {
	case ok && taken(err):
		return takenPage(textsFor(&refusal.offer, r), &refusal.offer)
	case ok:
		return formPage(textsFor(&refusal.offer, r), &refusal.offer, &refusal.form, fieldsOf(err))
	}
	t := textsOf(localeOf(r))
	switch {
	case status == http.StatusNotFound:
		return deadPage(t)
	case status == http.StatusInternalServerError:
		return noticePage(t, "failure", t.FailureHeading, t.Failure)
	case status < http.StatusInternalServerError && status != http.StatusConflict && status != http.StatusTooManyRequests:
		return noticePage(t, "failure", t.BadRequestHeading, t.BadRequest)
	default:
		return noticePage(t, "failure", t.UnavailableHeading, t.Unavailable)
	}
}

// textsFor returns the texts in the language of the invitation, or in the reader's where the invitation has none.
func textsFor(offer *directory.Offer, r *http.Request) *texts {
	if offer.Invitation.Locale == "" {
		return textsOf(localeOf(r))
	}
	return textsOf(offer.Invitation.Locale)
}

// taken reports whether err says that the address of a sign-up has an account by now.
func taken(err error) bool {
	e, ok := errors.AsType[*roster.Error](err)
	return ok && e.Kind == roster.KindConflict && len(e.Fields) > 0 && e.Fields[0].Field == "email"
}

// fieldsOf returns the rules that err says are broken.
func fieldsOf(err error) []roster.FieldError {
	e, ok := errors.AsType[*roster.Error](err)
	if !ok {
		return nil
	}
	return e.Fields
}

// wantsJSON reports whether the request is a program's that accepts an invitation: it posts something else than a form, or asks for
// JSON and nothing else, which no browser does. What a link offers is for people, and a page whoever asks.
func wantsJSON(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	if !api.IsForm(r) {
		return true
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Accept"))
	return err == nil && media == "application/json"
}

func writeJSON(w http.ResponseWriter, status int, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("marshalling an answer: %w", err)
	}
	writeHeaders(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(data)
	return err
}
