package samtemplate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"
)

// Template is what Read understood of a SAM template.
type Template struct {
	// Path is where the template was read from.
	Path string
	// Parameters are the values of the parameters that have one: what was given, or their defaults.
	Parameters map[string]string
	// Table is the one AWS::DynamoDB::Table.
	Table Table
	// Functions are the AWS::Serverless::Functions in the template's order.
	Functions []Function
	// API is the one AWS::Serverless::Api, without routes where there is none.
	API API
	// Streams are the AWS::Lambda::EventSourceMappings in the template's order.
	Streams []Stream
	// Subscriptions are the functions' events of type SNS, in the template's order.
	Subscriptions []Subscription
	// Resources are all resources, in the template's order.
	Resources []Resource
	// Schedules are the functions' events of type Schedule, in the template's order.
	Schedules []Schedule
}

// Function returns the function of that logical id.
func (t *Template) Function(logicalID string) (Function, bool) {
	i := slices.IndexFunc(t.Functions, func(f Function) bool { return f.LogicalID == logicalID })
	if i < 0 {
		return Function{}, false
	}
	return t.Functions[i], true
}

// Resource returns the resource of that logical id.
func (t *Template) Resource(logicalID string) (Resource, bool) {
	i := slices.IndexFunc(t.Resources, func(r Resource) bool { return r.LogicalID == logicalID })
	if i < 0 {
		return Resource{}, false
	}
	return t.Resources[i], true
}

// Read reads the template at path. The error names every mistake as path:line: what is wrong, one a line.
func Read(path string) (*Template, error) { return ReadWith(path, nil) }

// ReadWith is Read with values of parameters in place of their defaults.
func ReadWith(path string, parameters map[string]string) (*Template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r := &reader{path: path}
	t := r.template(&document, parameters)
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	return t, nil
}

// FindAndRead reads the template.yaml of the module that the working directory is in: tests run in their package's
// folder.
func FindAndRead() (*Template, error) { return FindAndReadWith(nil) }

// FindAndReadWith is FindAndRead with values of parameters in place of their defaults.
func FindAndReadWith(parameters map[string]string) (*Template, error) {
	start, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			if path := filepath.Join(dir, "template.yaml"); exists(path) {
				return ReadWith(path, parameters)
			}
		}
		if dir == filepath.Dir(dir) {
			return nil, fmt.Errorf("no folder from %s up holds a go.mod and a template.yaml", start)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// reader holds what the evaluation of one template needs, and collects its errors.
type reader struct {
	path       string
	parameters []string
	defaults   map[string]string
	conditions map[string]*yaml.Node
	evaluating []string // the conditions being evaluated, outermost first
	logicalIDs map[string]bool
	kinds      map[string]string // of the resources, by logical id
	errs       []error
}

// fail notes a mistake and returns an absent value to go on with.
func (r *reader) fail(line int, format string, arguments ...any) value {
	err := fmt.Errorf("%s:%d: %s", r.path, line, fmt.Sprintf(format, arguments...))
	if !slices.ContainsFunc(r.errs, func(e error) bool { return e.Error() == err.Error() }) {
		r.errs = append(r.errs, err)
	}
	return value{line: line}
}

type resource struct {
	logicalID  string
	kind       string
	line       int
	properties value
}

func (r *reader) template(document *yaml.Node, parameters map[string]string) *Template {
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		r.fail(1, "a template is a mapping with Resources")
		return nil
	}
	sections := fields(document.Content[0])
	r.readParameters(sections["Parameters"])
	for name, text := range parameters {
		if !slices.Contains(r.parameters, name) {
			r.fail(document.Content[0].Line, "no parameter is called %q", name)
		}
		r.defaults[name] = text
	}
	r.conditions = fields(sections["Conditions"])
	resources := fields(sections["Resources"])
	if len(resources) == 0 {
		r.fail(1, "a template is a mapping with Resources")
		return nil
	}
	// What SAM makes of itself may be referred to as well.
	r.logicalIDs = map[string]bool{implicitAPI: true}
	r.kinds = map[string]string{}
	for name, node := range resources {
		r.logicalIDs[name] = true
		if kind := fields(node)["Type"]; kind != nil {
			r.kinds[name] = kind.Value
		}
	}
	globals := value{}
	if section := sections["Globals"]; section != nil {
		globals = r.evaluate(section)
	}
	t := &Template{Path: r.path, Parameters: r.defaults}
	r.resources(t, sections["Resources"], globals)
	t.Resources = r.everything(sections["Resources"])
	return t
}

// fields returns the nodes of a mapping by name.
func fields(node *yaml.Node) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if node == nil || node.Kind != yaml.MappingNode {
		return found
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		found[node.Content[i].Value] = node.Content[i+1]
	}
	return found
}

func (r *reader) readParameters(section *yaml.Node) {
	r.defaults = map[string]string{}
	for name, parameter := range fields(section) {
		r.parameters = append(r.parameters, name)
		if byDefault := fields(parameter)["Default"]; byDefault != nil && byDefault.Kind == yaml.ScalarNode {
			r.defaults[name] = byDefault.Value
		}
	}
}

func (r *reader) resources(t *Template, section *yaml.Node, globals value) {
	var apis, functions, tables, streams []resource
	for i := 0; i+1 < len(section.Content); i += 2 {
		one, ok := r.resource(section.Content[i], section.Content[i+1])
		if !ok {
			continue
		}
		switch one.kind {
		case "AWS::DynamoDB::Table":
			tables = append(tables, one)
		case "AWS::Serverless::Function":
			one.properties = one.properties.over(globals.get("Function"))
			functions = append(functions, one)
		case "AWS::Serverless::Api":
			one.properties = one.properties.over(globals.get("Api"))
			apis = append(apis, one)
		case "AWS::Lambda::EventSourceMapping":
			streams = append(streams, one)
		}
	}
	if len(tables) != 1 {
		r.fail(section.Line, "there must be one AWS::DynamoDB::Table, not %d", len(tables))
	} else {
		t.Table = r.table(tables[0])
	}
	for _, function := range functions {
		t.Functions = append(t.Functions, r.function(function))
		t.Subscriptions = append(t.Subscriptions, r.subscriptions(function)...)
		t.Schedules = append(t.Schedules, r.schedules(function)...)
	}
	for _, stream := range streams {
		t.Streams = append(t.Streams, r.stream(stream, t.Table, t.Functions))
	}
	switch len(apis) {
	case 0:
		apis = append(apis, resource{logicalID: implicitAPI, line: section.Line, properties: globals.get("Api")})
	case 1:
	default:
		r.fail(apis[1].line, "there must be at most one AWS::Serverless::Api")
	}
	t.API = r.api(apis[0], functions)
}

// resource reads what all resources have; ok is false for one whose condition does not hold, or that has no type that
// matters here, which may then hold any intrinsic function.
func (r *reader) resource(key, node *yaml.Node) (resource, bool) {
	parts := fields(node)
	if parts["Type"] == nil {
		r.fail(key.Line, "%s has no Type", key.Value)
		return resource{}, false
	}
	one := resource{logicalID: key.Value, kind: parts["Type"].Value, line: key.Line}
	if !slices.Contains([]string{"AWS::DynamoDB::Table", "AWS::Serverless::Function", "AWS::Serverless::Api", "AWS::Lambda::EventSourceMapping"}, one.kind) {
		return one, false
	}
	if condition := parts["Condition"]; condition != nil && !r.condition(condition.Value, condition.Line) {
		return one, false
	}
	one.properties = value{line: key.Line}
	if properties := parts["Properties"]; properties != nil {
		one.properties = r.evaluate(properties)
	}
	return one, true
}
