package samtemplate

import (
	"encoding/json"
	"slices"
	"time"
)

// Stream says which function is given the records of the table's stream, and how.
type Stream struct {
	// LogicalID is that of the AWS::Lambda::EventSourceMapping.
	LogicalID string
	// Function is the function's logical id.
	Function string
	// BatchSize is how many records it is given at once; 100 unless the template says otherwise.
	BatchSize int
	// MaxRetries is how often a batch that failed is tried again; -1 is until its records have expired.
	MaxRetries int
	// MaxRecordAge is how old a record can be that is still tried; zero is until it has expired.
	MaxRecordAge time.Duration
	// Bisect says that a batch that failed is tried again in halves.
	Bisect bool
	// PartialFailures says that the function's answer names the record that failed (ReportBatchItemFailures).
	PartialFailures bool
	// Filters are event patterns: a record is delivered if one of them fits, or if there are none.
	Filters []json.RawMessage
	// OnFailure is the logical id of the AWS::SQS::Queue that is told of records that were given up, empty for none.
	OnFailure string
	// Line is where the template has it.
	Line int
}

// stream reads an event source mapping, all of which must be for the table's stream, from its beginning.
func (r *reader) stream(one resource, table Table, functions []Function) Stream {
	p := one.properties
	s := Stream{
		LogicalID:  one.logicalID,
		BatchSize:  r.number(p.get("BatchSize"), "BatchSize", 100),
		MaxRetries: r.number(p.get("MaximumRetryAttempts"), "MaximumRetryAttempts", -1),
		Bisect:     r.flag(p.get("BisectBatchOnFunctionError"), "BisectBatchOnFunctionError"),
		Line:       one.line,
	}
	source := p.get("EventSourceArn")
	if text := r.needText(source, one.logicalID+".EventSourceArn"); text != "" && text != "${"+table.LogicalID+".StreamArn}" {
		r.fail(source.line, "the EventSourceArn of %s must be !GetAtt %s.StreamArn, not %q", one.logicalID, table.LogicalID, text)
	}
	r.oneOf(p.get("StartingPosition"), one.logicalID+".StartingPosition", "TRIM_HORIZON")
	name := p.get("FunctionName")
	match := functionARN.FindStringSubmatch(r.needText(name, one.logicalID+".FunctionName"))
	if match == nil || !slices.ContainsFunc(functions, func(f Function) bool { return f.LogicalID == match[1] }) {
		r.fail(name.line, "the FunctionName of %s must be a function of this template", one.logicalID)
	} else {
		s.Function = match[1]
	}
	if age := r.number(p.get("MaximumRecordAgeInSeconds"), "MaximumRecordAgeInSeconds", -1); age == -1 || age >= 60 && age <= 604800 {
		s.MaxRecordAge = time.Duration(max(age, 0)) * time.Second
	} else {
		r.fail(p.get("MaximumRecordAgeInSeconds").line, "MaximumRecordAgeInSeconds must be -1, or 60 to 604800, not %d", age)
	}
	if queue := p.get("DestinationConfig", "OnFailure", "Destination"); queue.kind != absent {
		s.OnFailure = r.logicalID(queue, one.logicalID+".DestinationConfig", "AWS::SQS::Queue")
	}
	for _, kind := range r.texts(p.get("FunctionResponseTypes"), "FunctionResponseTypes") {
		s.PartialFailures = s.PartialFailures || kind == "ReportBatchItemFailures"
	}
	for _, filter := range p.get("FilterCriteria", "Filters").items {
		pattern := r.needText(filter.get("Pattern"), "Pattern")
		if pattern != "" && !json.Valid([]byte(pattern)) {
			r.fail(filter.line, "a Pattern must be JSON, not %q", pattern)
		}
		s.Filters = append(s.Filters, json.RawMessage(pattern))
	}
	return s
}
