package samtemplate

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// Resource is any resource of the template, whether or not this package understands what it is.
type Resource struct {
	LogicalID string
	// Type is such as AWS::SQS::Queue.
	Type string
	// Condition is the name of its condition, empty for none, and Made says whether that holds: whether a stack with these
	// parameters has the resource.
	Condition string
	Made      bool
	// Properties are its properties after evaluation: texts, lists ([]any) and mappings (map[string]any). An intrinsic function that
	// is not known here stands as its own name.
	Properties map[string]any
	// Line is where the template has it.
	Line int
}

// Text returns the text at the end of a path of names of properties, empty where there is none.
func (r *Resource) Text(path ...string) string {
	var at any = r.Properties
	for _, name := range path {
		fields, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = fields[name]
	}
	text, _ := at.(string)
	return text
}

// Statement is one statement of a function's policy.
type Statement struct {
	Sid string
	// Actions and Resources are what it allows, and on what: texts such as dynamodb:GetItem and ${Table.Arn}.
	Actions, Resources []string
	// LeadingKeys are the patterns that bound the partition keys of items, nil where any will do.
	LeadingKeys []string
}

// Statements returns what the policies of a function allow, in the template's order. What SAM adds by itself is not among them:
// writing log lines and traces, and the queue of an EventInvokeConfig. A policy that is no document, or that denies, is an error: what
// it comes to stands nowhere in the template.
func (r *Resource) Statements() ([]Statement, error) {
	var all []Statement
	policies, _ := r.Properties["Policies"].([]any)
	for _, policy := range policies {
		document, _ := policy.(map[string]any)
		statements, ok := document["Statement"].([]any)
		if !ok {
			return nil, fmt.Errorf("line %d: each policy of %s must be a document with a list of statements", r.Line, r.LogicalID)
		}
		for _, one := range statements {
			fields, _ := one.(map[string]any)
			sid, _ := fields["Sid"].(string)
			if sid == "" || fields["Effect"] != "Allow" {
				return nil, fmt.Errorf("line %d: each statement of %s must have a Sid, and the Effect Allow", r.Line, r.LogicalID)
			}
			s := Statement{Sid: sid, Actions: textsOf(fields["Action"]), Resources: textsOf(fields["Resource"])}
			conditions, _ := fields["Condition"].(map[string]any)
			for _, operator := range []string{"ForAllValues:StringLike", "ForAllValues:StringEquals"} {
				keys, _ := conditions[operator].(map[string]any)
				s.LeadingKeys = append(s.LeadingKeys, textsOf(keys["dynamodb:LeadingKeys"])...)
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// textsOf returns the text, or the texts of a list.
func textsOf(v any) []string {
	if text, ok := v.(string); ok {
		return []string{text}
	}
	var texts []string
	items, _ := v.([]any)
	for _, item := range items {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// everything reads all resources for those who ask about any of them. What it cannot evaluate is no mistake here.
func (r *reader) everything(section *yaml.Node) []Resource {
	errs := slices.Clone(r.errs)
	defer func() { r.errs = errs }()
	var all []Resource
	for i := 0; i+1 < len(section.Content); i += 2 {
		key, parts := section.Content[i], fields(section.Content[i+1])
		if parts["Type"] == nil {
			continue
		}
		one := Resource{LogicalID: key.Value, Type: parts["Type"].Value, Made: true, Line: key.Line}
		if condition := parts["Condition"]; condition != nil {
			one.Condition, one.Made = condition.Value, r.condition(condition.Value, condition.Line)
		}
		if properties := parts["Properties"]; properties != nil {
			one.Properties, _ = plain(r.evaluate(properties)).(map[string]any)
		}
		all = append(all, one)
	}
	return all
}

// plain returns a value as Go has it.
func plain(v value) any {
	switch v.kind {
	case list:
		all := make([]any, 0, len(v.items))
		for _, item := range v.items {
			all = append(all, plain(item))
		}
		return all
	case mapping:
		all := make(map[string]any, len(v.names))
		for _, name := range v.names {
			all[name] = plain(v.fields[name])
		}
		return all
	default:
		return v.text
	}
}
