package samtemplate

import "regexp"

// Subscription says which function is given the messages of an SNS topic.
type Subscription struct {
	// Function is the function's logical id.
	Function string
	// Topic is the logical id of the AWS::SNS::Topic.
	Topic string
	// Queue is the logical id of the AWS::SQS::Queue that a message goes to that could not be handed over, empty for none.
	Queue string
	// Line is where the template has it.
	Line int
}

// subscriptions reads a function's events of type SNS.
func (r *reader) subscriptions(function resource) []Subscription {
	var found []Subscription
	events := function.properties.get("Events")
	for _, name := range events.names {
		event := events.fields[name]
		if event.get("Type").text != "SNS" {
			continue
		}
		p := event.get("Properties")
		s := Subscription{Function: function.logicalID, Line: event.line}
		s.Topic = r.logicalID(p.get("Topic"), name+".Topic", "AWS::SNS::Topic")
		if queue := p.get("RedrivePolicy", "deadLetterTargetArn"); queue.kind != absent {
			s.Queue = r.logicalID(queue, name+".RedrivePolicy", "AWS::SQS::Queue")
		}
		found = append(found, s)
	}
	return found
}

var resourceARN = regexp.MustCompile(`^\$\{(\w+)(?:\.Arn)?\}$`)

// logicalID returns the logical id of the resource of that type that v refers to by !Ref or !GetAtt Arn.
func (r *reader) logicalID(v value, what, kind string) string {
	match := resourceARN.FindStringSubmatch(r.needText(v, what))
	if match == nil || r.kinds[match[1]] != kind {
		r.fail(v.line, "%s must be an %s of this template", what, kind)
		return ""
	}
	return match[1]
}
