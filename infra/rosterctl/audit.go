package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/roster"
)

// auditView is an entry of an audit trail as it is printed.
type auditView struct {
	At        time.Time     `json:"at"`
	Action    roster.Action `json:"action"`
	Subject   string        `json:"subject"`
	Name      string        `json:"name,omitempty"`
	By        string        `json:"by,omitempty"`
	Via       string        `json:"via,omitempty"`
	RequestID string        `json:"requestId,omitempty"`
	// ForwardedFor is for whom the call was relayed, as its caller said.
	ForwardedFor string            `json:"forwardedFor,omitempty"`
	Version      int64             `json:"version"`
	Changes      []fieldChangeView `json:"changes,omitempty"`
}

type fieldChangeView struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}

func viewAudit(e *roster.AuditEntry) auditView {
	v := auditView{
		At: e.At, Action: e.Action, Subject: e.Subject, Name: e.Name,
		By: e.Stamp.By, Via: e.Stamp.Via, RequestID: e.Stamp.RequestID, ForwardedFor: e.Stamp.ForwardedFor, Version: e.Version,
	}
	for _, f := range e.Fields {
		v.Changes = append(v.Changes, fieldChangeView(f))
	}
	return v
}

// auditRequest is what to read of a trail.
type auditRequest struct {
	tenant       roster.TenantID
	organization roster.OrgID // zero for the root
	limit        int          // zero for all
	asJSON       bool
}

func (t *tool) auditCommand() *cobra.Command {
	var (
		tenant, organization int32
		request              auditRequest
	)
	c := &cobra.Command{
		Use:   "audit",
		Short: "Read the audit trail of an organization, newest first",
		Long: `audit tells who did what to whom in one organization, not in those below it: a line for each change, with the
fields that changed. Secrets are never in it: of a password it says that it changed.

The trail is made from the table's stream by the function changes, so what was just done is there after
a moment. Entries are kept for 90 days, unless the stack has set another time.

With --json, each entry is an object on a line of its own.`,
		Example: `  rosterctl audit --tenant 1306676258
  rosterctl audit --tenant 1306676258 --organization 516011924 --limit 0 --json | grep user.deleted`,
		Args: cobra.NoArgs,
	}
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	flags.Int32Var(&organization, "organization", 0, "the organization's id (default the tenant's root)")
	flags.IntVar(&request.limit, "limit", 50, "how many entries to read at most, 0 for all")
	flags.BoolVar(&request.asJSON, "json", false, "print JSON, a line for each entry")
	require(c, "tenant")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		request.tenant, request.organization = roster.TenantID(tenant), roster.OrgID(organization)
		return t.audit(ctx, at, request)
	})
	return c
}

func (t *tool) audit(ctx context.Context, at *place, r auditRequest) error {
	if r.limit < 0 {
		return errors.New("--limit must not be negative")
	}
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	out, err := t.create("-")
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for read, before := 0, ""; ; {
		page, err := operator.AuditEntries(ctx, r.tenant, r.organization, before, pageOf(r.limit, read))
		if err != nil {
			return explain(err, at)
		}
		for i := range page.Entries {
			if r.asJSON {
				err = encoder.Encode(viewAudit(&page.Entries[i]))
			} else {
				_, err = fmt.Fprintln(out, auditLine(&page.Entries[i]))
			}
			if err != nil {
				return err
			}
		}
		read += len(page.Entries)
		before = page.Next
		if before == "" || r.limit > 0 && read >= r.limit {
			return out.finish()
		}
	}
}

// pageOf returns how many entries to ask for next.
func pageOf(limit, read int) int {
	if limit == 0 {
		return roster.MaxLimit
	}
	return min(limit-read, roster.MaxLimit)
}

// auditLine tells of an entry in one line. Texts that users chose are quoted, so that none can pretend to be more lines.
func auditLine(e *roster.AuditEntry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s", e.At.UTC().Format("2006-01-02 15:04:05.000"), e.Action, e.Subject)
	if e.Name != "" {
		b.WriteString(" " + strconv.Quote(e.Name))
	}
	if e.Stamp.By != "" {
		b.WriteString("  by " + e.Stamp.By)
	}
	if e.Stamp.Via != "" {
		b.WriteString(" via " + e.Stamp.Via)
	}
	if e.Stamp.ForwardedFor != "" {
		b.WriteString(" for " + strconv.Quote(e.Stamp.ForwardedFor))
	}
	for i, f := range e.Fields {
		if i == 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, " %s %q->%q", f.Field, f.Old, f.New)
	}
	return b.String()
}
