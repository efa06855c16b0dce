package fault

import "strings"

// Outcome is what a service's error code means for a message.
type Outcome struct {
	// Code is the service's, without the ending Exception that only some of the codes have.
	Code string
	// Final is delivery.ErrRefused or delivery.ErrEndpointGone; nil where trying again can help, if only because an operator
	// mends something within the 24 hours that the stream keeps its records.
	Final error
	// Reason says it for people.
	Reason string
}

// unknownOutcome is that of every code and fault that has no line above: new codes, faults of the network, answers that are none.
var unknownOutcome = Outcome{Reason: "trying again may help"}

// EndpointMissing stands for the InvalidParameter with the message "Invalid parameter: TargetArn Reason: No endpoint found for the
// target arn specified", by which SNS tells of an endpoint that was deleted, whatever its reference says of NotFound.
const EndpointMissing = "InvalidParameter.TargetArn"

// outcomeOf returns what the code and the service's message with it mean in a table.
func outcomeOf(table []Outcome, code, message string) Outcome {
	code = strings.TrimSuffix(code, "Exception")
	if code == "InvalidParameter" && strings.Contains(message, "No endpoint found for the target arn") {
		code = EndpointMissing
	}
	for _, o := range table {
		if o.Code == code {
			return o
		}
	}
	return unknownOutcome
}
