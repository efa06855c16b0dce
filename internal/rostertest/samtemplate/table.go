package samtemplate

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An index may have as many attributes in each half of its key; a table has one (AWS, Constraints in DynamoDB).
const maxIndexAttributes = 4

// Table is the definition of a DynamoDB table.
type Table struct {
	// LogicalID is the table's name in the template.
	LogicalID string
	// TTLAttribute is the attribute that holds when an item expires, in seconds; empty if items do not.
	TTLAttribute string

	definition dynamodb.CreateTableInput
}

// CreateInput returns the request that makes the table under that name: keys, indexes, billing and stream. What only
// protects it in the cloud (deletion protection, encryption, backups) is left out.
func (t *Table) CreateInput(name string) *dynamodb.CreateTableInput {
	input := t.definition
	input.TableName = aws.String(name)
	input.AttributeDefinitions = slices.Clone(input.AttributeDefinitions)
	input.KeySchema = slices.Clone(input.KeySchema)
	input.GlobalSecondaryIndexes = slices.Clone(input.GlobalSecondaryIndexes)
	return &input
}

// TTLInput returns the request that turns expiry on for the table of that name, nil if the template has none.
func (t *Table) TTLInput(name string) *dynamodb.UpdateTimeToLiveInput {
	if t.TTLAttribute == "" {
		return nil
	}
	return &dynamodb.UpdateTimeToLiveInput{
		TableName:               aws.String(name),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(t.TTLAttribute), Enabled: aws.Bool(true)},
	}
}

func (r *reader) table(one resource) Table {
	p := one.properties
	t := Table{LogicalID: one.logicalID}
	defined := map[string]int{} // attribute -> line
	for _, attribute := range p.get("AttributeDefinitions").items {
		name := r.needText(attribute.get("AttributeName"), "AttributeName")
		kind := r.oneOf(attribute.get("AttributeType"), "AttributeType", "S", "N", "B")
		defined[name] = attribute.line
		t.definition.AttributeDefinitions = append(t.definition.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeType(kind)})
	}
	used := map[string]bool{}
	t.definition.KeySchema = r.keySchema(p.get("KeySchema"), defined, used, 1)
	for _, index := range p.get("GlobalSecondaryIndexes").items {
		t.definition.GlobalSecondaryIndexes = append(t.definition.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName:  aws.String(r.needText(index.get("IndexName"), "IndexName")),
			KeySchema:  r.keySchema(index.get("KeySchema"), defined, used, maxIndexAttributes),
			Projection: r.projection(index.get("Projection")),
		})
	}
	for name, line := range defined {
		if !used[name] {
			r.fail(line, "the attribute %s is defined, but in no key", name)
		}
	}
	t.definition.BillingMode = types.BillingMode(r.oneOf(p.get("BillingMode"), "BillingMode", "PAY_PER_REQUEST"))
	if stream := p.get("StreamSpecification", "StreamViewType"); stream.kind != absent {
		view := r.oneOf(stream, "StreamViewType", "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
		t.definition.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(view)}
	}
	if ttl := p.get("TimeToLiveSpecification"); r.flag(ttl.get("Enabled"), "Enabled") {
		t.TTLAttribute = r.needText(ttl.get("AttributeName"), "AttributeName")
	}
	return t
}

func (r *reader) keySchema(v value, defined map[string]int, used map[string]bool, most int) []types.KeySchemaElement {
	var schema []types.KeySchemaElement
	count := map[string]int{}
	for _, element := range v.items {
		name := r.needText(element.get("AttributeName"), "AttributeName")
		kind := r.oneOf(element.get("KeyType"), "KeyType", "HASH", "RANGE")
		if _, ok := defined[name]; !ok {
			r.fail(element.line, "the key attribute %s is not in AttributeDefinitions", name)
		}
		if kind == "HASH" && count["RANGE"] > 0 {
			r.fail(element.line, "the HASH attributes of a key come before the RANGE attributes")
		}
		if count[kind]++; count[kind] == most+1 {
			r.fail(element.line, "a key has at most %d %s attributes here", most, kind)
		}
		used[name] = true
		schema = append(schema, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: types.KeyType(kind)})
	}
	if count["HASH"] == 0 {
		r.fail(v.line, "KeySchema needs a HASH attribute")
	}
	return schema
}

func (r *reader) projection(v value) *types.Projection {
	kind := r.oneOf(v.get("ProjectionType"), "ProjectionType", "ALL", "KEYS_ONLY", "INCLUDE")
	return &types.Projection{
		ProjectionType:   types.ProjectionType(kind),
		NonKeyAttributes: r.texts(v.get("NonKeyAttributes"), "NonKeyAttributes"),
	}
}
