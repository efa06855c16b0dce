package dynamo

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/rosterhq/roster/internal/roster"
)

// What Check knows of snapshots: that they stand where their tenant's are looked for. That the chunks are whole, readers find out by
// themselves, and do without them where they are not.

// snapshotAnyItem is what the check reads of a snapshot's items.
type snapshotAnyItem struct {
	head
	TenantID int32 `dynamodbav:"tenantId"`
}

func (c *checker) snapshot(i *snapshotAnyItem, attributes map[string]types.AttributeValue) error {
	k, tenant := key{i.PK, i.SK}, roster.TenantID(i.TenantID)
	if k != snapshotPlace(i, tenant) {
		return c.find(FindingWrongAttributes, k, "is no place for an item of the type %s of tenant %s", i.Type, tenant)
	}
	for _, name := range [...]string{"shard", "orgId", "kind"} {
		if _, ok := attributes[name]; ok {
			return c.find(FindingWrongAttributes, k, "is not where it should be, by %s", name)
		}
	}
	return nil
}

// snapshotPlace returns where an item of a tenant's snapshot belongs.
func snapshotPlace(i *snapshotAnyItem, tenant roster.TenantID) key {
	switch i.Type {
	case typeSnapshotChunk:
		var slot string
		var number int
		if _, err := fmt.Sscanf(i.PK, snapshotKey(tenant).pk+"#%1s#%d", &slot, &number); err != nil {
			return key{}
		}
		return snapshotChunkKey(tenant, roster.SnapshotSlot(slot), number)
	case typeSnapshotDue:
		item := snapshotDueItem{head: i.head, TenantID: i.TenantID}
		due, err := item.noun()
		if err != nil {
			return key{}
		}
		return snapshotDueKey(due)
	default:
		return snapshotKey(tenant)
	}
}
