package organization

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// AuditEntry is something that was done.
type AuditEntry struct {
	At           int64         `json:"at" doc:"When, in Unix epoch milliseconds"`
	Action       string        `json:"action" doc:"What was done, such as user.created, of which there may be new ones"`
	Subject      string        `json:"subject" doc:"To whom or what it was done: user, organization, role or client, a colon, and its id"`
	Name         string        `json:"name,omitempty" doc:"What the subject was called then"`
	By           string        `json:"by" doc:"Who did it: user or client, a colon, and its id; or the name of a tool"`
	Via          string        `json:"via,omitempty" doc:"By which API or tool"`
	RequestID    string        `json:"requestId,omitempty" doc:"In which request"`
	ForwardedFor string        `json:"forwardedFor,omitempty" doc:"For whom the caller relayed it, as the caller says"`
	Version      int64         `json:"version" doc:"Which writing of the subject this was, from 1 up"`
	Changes      []FieldChange `json:"changes" nullable:"false" doc:"What changed"`
}

// FieldChange is a field before and after a change.
type FieldChange struct {
	Field string `json:"field" doc:"The field's name"`
	Old   string `json:"old,omitempty" doc:"Its value before; absent if it had none, or if it is secret"`
	New   string `json:"new,omitempty" doc:"Its value after; absent if it has none, or if it is secret"`
}

// AuditPage is one page of an audit trail.
type AuditPage struct {
	Content []AuditEntry `json:"content" nullable:"false" maxItems:"1000" doc:"The entries on this page, newest first"`
	Next    string       `json:"next,omitempty" doc:"What before must be to get the next page; absent on the last one"`
}

type auditInput struct {
	OrgID  int32  `query:"orgId" minimum:"1" example:"703" doc:"Id of the organization whose trail to read; the caller's own if absent"`
	Before string `query:"before" minLength:"1" maxLength:"255" doc:"Where to go on: next of the page before. The newest entries if absent"`
	Size   int32  `query:"size" default:"50" minimum:"1" maximum:"1000" doc:"Page size (max 1000)"`
}

type auditOutput struct{ Body AuditPage }

func auditOperation() api.Operation {
	return api.Operation{
		ID: "listAuditEntries", Method: http.MethodGet, Path: BasePath + "/audit", Tag: tagOrganizations,
		Summary: "Read the audit trail",
		Description: "Who did what to whom in one organization, the caller's or one below it, newest first. An entry appears a moment after what it tells of, and is kept for 90 days unless the operator has set another time. " +
			"A user-scoped caller needs the permission ORG_VIEW_AUDIT.",
		Success: "Entries of the audit trail",
		Example: exampleAudit(),
		Errors: map[int]string{
			http.StatusBadRequest: errInvalidParameter, http.StatusForbidden: errForbidden, http.StatusNotFound: errNoOrganization,
		},
	}
}

func (d *dialect) audit(ctx context.Context, p *roster.Principal, in *auditInput) (*auditOutput, error) {
	found, err := d.directory.AuditEntries(ctx, p, roster.OrgID(in.OrgID), in.Before, int(in.Size))
	if err != nil {
		return nil, err
	}
	page := AuditPage{Content: make([]AuditEntry, len(found.Entries)), Next: found.Next}
	names := fieldNames()
	for i := range found.Entries {
		page.Content[i] = wireAuditEntry(&found.Entries[i], names)
	}
	return &auditOutput{Body: page}, nil
}

func wireAuditEntry(e *roster.AuditEntry, names map[string]string) AuditEntry {
	wire := AuditEntry{
		At: wireTime(e.At), Action: string(e.Action), Subject: e.Subject, Name: e.Name,
		By: e.Stamp.By, Via: e.Stamp.Via, RequestID: e.Stamp.RequestID, ForwardedFor: e.Stamp.ForwardedFor, Version: e.Version, Changes: make([]FieldChange, len(e.Fields)),
	}
	for i, f := range e.Fields {
		wire.Changes[i] = FieldChange{Field: or(names[f.Field], f.Field), Old: f.Old, New: f.New}
	}
	return wire
}
