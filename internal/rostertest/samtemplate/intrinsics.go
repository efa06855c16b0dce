package samtemplate

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// noValue is what AWS::NoValue stands for: the property is left out.
const noValue = "AWS::NoValue"

// evaluate returns the value of a node, its intrinsic functions applied.
func (r *reader) evaluate(node *yaml.Node) value {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if name, argument, ok := intrinsic(node); ok {
		return r.apply(name, argument, node.Line)
	}
	v := value{line: node.Line}
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!null" {
			return v
		}
		v.kind, v.text = scalar, node.Value
	case yaml.SequenceNode:
		v.kind = list
		for _, item := range node.Content {
			if e := r.evaluate(item); e.kind != absent {
				v.items = append(v.items, e)
			}
		}
	case yaml.MappingNode:
		return r.evaluateMapping(node)
	}
	return v
}

func (r *reader) evaluateMapping(node *yaml.Node) value {
	v := value{line: node.Line, kind: mapping, fields: map[string]value{}}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := node.Content[i].Value
		if _, twice := v.fields[name]; twice {
			r.fail(node.Content[i].Line, "%s is there twice", name)
		}
		field := r.evaluate(node.Content[i+1])
		if field.kind == absent {
			continue
		}
		field.line = node.Content[i].Line
		v.names = append(v.names, name)
		v.fields[name] = field
	}
	return v
}

// intrinsic takes a function apart: !Name argument, or a mapping whose only name is Ref, Condition or Fn::Name.
func intrinsic(node *yaml.Node) (name string, argument *yaml.Node, ok bool) {
	if tag := node.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		plain := *node
		plain.Tag = ""
		return strings.TrimPrefix(tag, "!"), &plain, true
	}
	if node.Kind != yaml.MappingNode || len(node.Content) != 2 {
		return "", nil, false
	}
	key := node.Content[0].Value
	if key == "Ref" {
		return key, node.Content[1], true
	}
	name, ok = strings.CutPrefix(key, "Fn::")
	return name, node.Content[1], ok
}

func (r *reader) apply(name string, argument *yaml.Node, line int) value {
	switch name {
	case "Ref":
		return r.ref(argument.Value, line)
	case "GetAtt":
		return r.getAtt(argument, line)
	case "Sub":
		return r.sub(argument, line)
	case "Join":
		return r.join(argument, line)
	case "Select":
		return r.selectItem(argument, line)
	case "Split":
		return r.split(argument, line)
	case "If":
		if argument.Kind != yaml.SequenceNode || len(argument.Content) != 3 {
			return r.fail(line, "!If needs a condition and two values")
		}
		if r.condition(argument.Content[0].Value, line) {
			return r.evaluate(argument.Content[1])
		}
		return r.evaluate(argument.Content[2])
	default:
		return value{line: line, kind: opaque, text: name}
	}
}

// ref returns a parameter's default, or what stands for a resource or pseudo parameter.
func (r *reader) ref(name string, line int) value {
	if name == noValue {
		return value{line: line}
	}
	text, ok := r.named(name)
	if !ok {
		return r.fail(line, "no parameter or resource is called %q", name)
	}
	return value{line: line, kind: scalar, text: text}
}

// named returns what name stands for: a parameter's default or, for what only a deployment knows, ${name}. A name may have
// an attribute after a dot.
func (r *reader) named(name string) (string, bool) {
	if text, ok := r.defaults[name]; ok {
		return text, true
	}
	base, _, _ := strings.Cut(name, ".")
	known := strings.HasPrefix(name, "AWS::") || r.resourceKnown(base) || slices.Contains(r.parameters, name)
	return "${" + name + "}", known
}

// generated matches the end of the logical ids of what SAM makes beside a function or an API.
var generated = regexp.MustCompile(`(Role|Stage|Deployment|Alias\w+|Version)$`)

func (r *reader) resourceKnown(logicalID string) bool {
	return r.logicalIDs[logicalID] || r.logicalIDs[generated.ReplaceAllString(logicalID, "")]
}

func (r *reader) getAtt(argument *yaml.Node, line int) value {
	name := argument.Value
	if argument.Kind == yaml.SequenceNode {
		name = strings.Join(r.texts(r.evaluate(argument), "!GetAtt"), ".")
	}
	resource, attribute, _ := strings.Cut(name, ".")
	if attribute == "" {
		return r.fail(line, "!GetAtt needs a resource and an attribute, not %q", name)
	}
	if !r.resourceKnown(resource) {
		return r.fail(line, "no resource is called %q", resource)
	}
	return value{line: line, kind: scalar, text: "${" + name + "}"}
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func (r *reader) sub(argument *yaml.Node, line int) value {
	text, names := argument.Value, value{}
	if argument.Kind == yaml.SequenceNode {
		if len(argument.Content) != 2 {
			return r.fail(line, "!Sub needs a text, or a list of a text and its names")
		}
		text, names = argument.Content[0].Value, r.evaluate(argument.Content[1])
	}
	text = placeholder.ReplaceAllStringFunc(text, func(match string) string {
		name := strings.TrimSpace(match[2 : len(match)-1])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		if own := names.get(name); own.kind == scalar {
			return own.text
		}
		text, ok := r.named(name)
		if !ok {
			r.fail(line, "no parameter or resource is called %q", name)
		}
		return text
	})
	return value{line: line, kind: scalar, text: text}
}

func (r *reader) join(argument *yaml.Node, line int) value {
	parts := r.evaluate(argument)
	if parts.kind != list || len(parts.items) != 2 {
		return r.fail(line, "!Join needs a separator and a list")
	}
	text := strings.Join(r.texts(parts.items[1], "!Join"), parts.items[0].text)
	return value{line: line, kind: scalar, text: text}
}

func (r *reader) selectItem(argument *yaml.Node, line int) value {
	parts := r.evaluate(argument)
	if parts.kind != list || len(parts.items) != 2 {
		return r.fail(line, "!Select needs an index and a list")
	}
	index, err := strconv.Atoi(parts.items[0].text)
	if err != nil || index < 0 || index >= len(parts.items[1].items) {
		return r.fail(line, "!Select has no item %q", parts.items[0].text)
	}
	return parts.items[1].items[index]
}

func (r *reader) split(argument *yaml.Node, line int) value {
	parts := r.evaluate(argument)
	if parts.kind != list || len(parts.items) != 2 || parts.items[0].text == "" {
		return r.fail(line, "!Split needs a separator and a text")
	}
	v := value{line: line, kind: list}
	for _, text := range strings.Split(r.text(parts.items[1], "!Split"), parts.items[0].text) {
		v.items = append(v.items, value{line: line, kind: scalar, text: text})
	}
	return v
}

// condition evaluates the condition of that name.
func (r *reader) condition(name string, line int) bool {
	node, ok := r.conditions[name]
	if !ok {
		r.fail(line, "no condition is called %q", name)
		return false
	}
	if slices.Contains(r.evaluating, name) {
		r.fail(line, "the condition %s depends on itself", name)
		return false
	}
	r.evaluating = append(r.evaluating, name)
	defer func() { r.evaluating = r.evaluating[:len(r.evaluating)-1] }()
	return r.holds(node)
}

// holds evaluates the node of a condition.
func (r *reader) holds(node *yaml.Node) bool {
	name, argument, ok := intrinsic(node)
	if !ok && node.Kind == yaml.MappingNode && len(node.Content) == 2 && node.Content[0].Value == "Condition" {
		name, argument, ok = "Condition", node.Content[1], true
	}
	if !ok {
		r.fail(node.Line, "a condition must be !Equals, !Not, !And, !Or or !Condition")
		return false
	}
	switch name {
	case "Condition":
		return r.condition(argument.Value, node.Line)
	case "Equals":
		if len(argument.Content) != 2 {
			r.fail(node.Line, "!Equals needs two values")
			return false
		}
		return r.evaluate(argument.Content[0]).text == r.evaluate(argument.Content[1]).text
	case "Not":
		if len(argument.Content) != 1 {
			r.fail(node.Line, "!Not needs one condition")
			return false
		}
		return !r.holds(argument.Content[0])
	case "And":
		return !slices.ContainsFunc(argument.Content, func(n *yaml.Node) bool { return !r.holds(n) })
	case "Or":
		return slices.ContainsFunc(argument.Content, r.holds)
	default:
		r.fail(node.Line, "a condition must be !Equals, !Not, !And, !Or or !Condition, not !%s", name)
		return false
	}
}
