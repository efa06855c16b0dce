package invitations_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/api/invitations"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// turnstile lets so many requests through.
type turnstile struct {
	left int
	took []roster.OrgID
}

func (q *turnstile) Take(_ context.Context, _ roster.TenantID, org roster.OrgID) (roster.Permit, error) {
	q.took = append(q.took, org)
	if q.left == 0 {
		return roster.Permit{Limit: 9, Reset: 7 * time.Second}, roster.TooManyRequests(7 * time.Second)
	}
	q.left--
	return roster.Permit{Limit: 9, Remaining: int64(q.left), Reset: 7 * time.Second}, nil
}

// TestThePageCountsForTheOrganizationOfTheLink has no permit left for what would have been accepted.
func TestThePageCountsForTheOrganizationOfTheLink(t *testing.T) {
	s := newSite(t)
	path := s.page(t, s.invite(t, "de_DE"))
	q := &turnstile{left: 2}
	ports := s.Ports
	ports.Admit = api.Admit
	s.handler = invitations.New(directory.New(ports), invitations.Options{Log: slog.New(slog.NewJSONHandler(&s.log, nil)), Quota: q})

	if w := s.get(path); w.Code != http.StatusOK || w.Header().Get("X-RateLimit-Remaining") != "1" {
		t.Errorf("the page: %d, %v", w.Code, w.Header())
	}
	// A form that is shown again opens the link twice, and is one request.
	if w := s.post(path, "name=&password="); w.Code != http.StatusBadRequest || w.Header().Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("the page again: %d, %v", w.Code, w.Header())
	}
	refused := s.post(path, "name=Kim&password="+strings.ReplaceAll(password, " ", "+"), "Accept-Language", "de")
	if refused.Code != http.StatusTooManyRequests || refused.Header().Get("Retry-After") != "7" || !strings.Contains(refused.Body.String(), `lang="de"`) {
		t.Errorf("without a permit: %d, %v %s", refused.Code, refused.Header(), refused.Body)
	}
	w := s.postJSON(path, `{"name":"Kim","password":"`+password+`"}`)
	if w.Code != http.StatusTooManyRequests || w.Body.String() != `{"error":{"message":"too many requests of this organization"}}` {
		t.Errorf("a program without a permit: %d %s", w.Code, w.Body)
	}
	if len(q.took) != 4 || q.took[0] != directorytest.Acme {
		t.Errorf("permits of %v, want 4 of Acme", q.took)
	}
	// A link that leads nowhere is nobody's.
	if w := s.get(path + "x"); w.Code != http.StatusNotFound || w.Header().Get("X-RateLimit-Limit") != "" || len(q.took) != 4 {
		t.Errorf("a dead link: %d, %v", w.Code, w.Header())
	}
	q.left = 1
	if w := s.postJSON(path, `{"name":"Kim","password":"`+password+`"}`); w.Code != http.StatusOK {
		t.Errorf("with a permit: %d %s", w.Code, w.Body)
	}
}
