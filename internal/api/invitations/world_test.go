package invitations_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/invitations"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	"github.com/rosterhq/roster/internal/rostertest/directorytest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

// site is the page in front of a real directory.
type site struct {
	*directorytest.World
	handler http.Handler
	log     bytes.Buffer // written to by one request at a time
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{World: directorytest.New(t)}
	s.serve(s.Directory)
	return s
}

// serve puts the page in front of another directory.
func (s *site) serve(d *directory.Directory) {
	s.handler = invitations.New(d, invitations.Options{Log: slog.New(slog.NewJSONHandler(&s.log, nil))})
}

// newcomer is who is invited, and owner who wants to sign up.
const (
	newcomer = "newcomer@example.com"
	owner    = "owner@example.com"
	password = "hidden rabbit mountain"
)

// invite invites newcomer into Acme and returns where the invitation stands.
func (s *site) invite(t testing.TB, locale string) roster.InvitationRef {
	t.Helper()
	ann := s.As(t, directorytest.AnnAdmin)
	form := roster.InvitationForm{Email: newcomer, Name: "Kim Newcomer", Role: roster.RoleUser, Locale: locale}
	created, err := s.Directory.InviteUser(t.Context(), &ann, form, roster.Write{})
	if err != nil {
		t.Fatalf("inviting: %v", err)
	}
	return roster.InvitationRef{Tenant: ann.Tenant, Purpose: roster.PurposeInvite, User: created.User.ID}
}

// signUp has a sign-up mailed to owner.
func (s *site) signUp(t testing.TB, locale string) roster.InvitationRef {
	t.Helper()
	ann := s.As(t, directorytest.AnnAdmin)
	if err := s.Directory.RequestSignUp(t.Context(), &ann, roster.MailForm{Email: owner, Locale: locale}, roster.Write{}); err != nil {
		t.Fatalf("asking for a sign-up: %v", err)
	}
	return roster.InvitationRef{Tenant: ann.Tenant, Purpose: roster.PurposeSignUp, Org: directorytest.Acme, Email: owner}
}

// reset has a link to set a new password mailed to Uma.
func (s *site) reset(t testing.TB, locale string) roster.InvitationRef {
	t.Helper()
	ann, uma := s.As(t, directorytest.AnnAdmin), s.User(t, directorytest.UmaUser)
	if err := s.Directory.RequestPasswordReset(t.Context(), &ann, roster.MailForm{Email: uma.Email, Locale: locale}, roster.Write{}); err != nil {
		t.Fatalf("asking for a new password: %v", err)
	}
	return roster.InvitationRef{Tenant: ann.Tenant, Purpose: roster.PurposeReset, User: uma.ID}
}

// of has a mail sent for a purpose.
func (s *site) of(t testing.TB, purpose roster.Purpose, locale string) roster.InvitationRef {
	t.Helper()
	switch purpose {
	case roster.PurposeSignUp:
		return s.signUp(t, locale)
	case roster.PurposeReset:
		return s.reset(t, locale)
	default:
		return s.invite(t, locale)
	}
}

// page returns the path of a link to what stands at ref.
func (s *site) page(t testing.TB, ref roster.InvitationRef) string {
	t.Helper()
	return invitations.BasePath + s.Link(t, ref)
}

// request returns a request; the headers are names and values in turn.
func request(method, path, body string, headers ...string) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, reader)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r.WithContext(api.WithRequestID(r.Context(), "request-1"))
}

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func (s *site) get(path string, headers ...string) *httptest.ResponseRecorder {
	return s.do(request("GET", path, "", headers...))
}

// post sends a form as a browser does.
func (s *site) post(path, form string, headers ...string) *httptest.ResponseRecorder {
	return s.do(request("POST", path, form, append(headers, "Content-Type", "application/x-www-form-urlencoded",
		"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")...))
}

// postJSON sends JSON as a program does.
func (s *site) postJSON(path, body string) *httptest.ResponseRecorder {
	return s.do(request("POST", path, body, "Content-Type", "application/json"))
}
