package directory

import (
	"context"
	"slices"
	"strconv"

	"github.com/rosterhq/roster/internal/roster"
)

// AuditEntries returns a page of the audit trail of one organization of the caller's tree, zero for the caller's own, newest
// first: at most limit entries from the cursor before on, which is the Next of the page before. An entry appears a moment
// after what it tells of. It needs the permission ORG_VIEW_AUDIT.
func (d *Directory) AuditEntries(ctx context.Context, p *roster.Principal, org roster.OrgID, before string, limit int) (roster.AuditPage, error) {
	if err := require(p, roster.OrgViewAudit); err != nil {
		return roster.AuditPage{}, err
	}
	if limit < 1 || limit > roster.MaxLimit {
		return roster.AuditPage{}, roster.Invalid("limit", "must be between 1 and "+strconv.Itoa(roster.MaxLimit))
	}
	if org == 0 {
		org = p.Org()
	}
	if _, err := d.reachedOrganization(ctx, p, org); err != nil {
		return roster.AuditPage{}, err
	}
	page, err := d.audit.AuditEntries(ctx, p.Tenant, org, before, limit)
	if err != nil {
		return roster.AuditPage{}, err
	}
	for i := range page.Entries {
		conceal(p, &page.Entries[i])
	}
	return page, nil
}

// conceal leaves out of an entry what is none of the caller's business unless it reaches the whole tenant: what its own
// organization hangs below, and which organization elsewhere somebody came from or went to.
func conceal(p *roster.Principal, e *roster.AuditEntry) {
	if p.Org() == p.Tenant.Root() {
		return
	}
	own := "organization:" + p.Org().String()
	e.Fields = slices.DeleteFunc(slices.Clone(e.Fields), func(f roster.FieldChange) bool {
		return f.Field == "parent" && e.Subject == own
	})
	for i := range e.Fields {
		if f := &e.Fields[i]; f.Field == "organization" {
			f.Old, f.New = onlyIf(e.Org.String(), f.Old), onlyIf(e.Org.String(), f.New)
		}
	}
}

func onlyIf(known, value string) string {
	if value == known {
		return value
	}
	return ""
}
