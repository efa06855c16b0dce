package app

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// Metrics says what is measured of the lines that functions log anyway: CloudWatch makes metrics of a line that has the member _aws
// (Amazon CloudWatch User Guide, embedded metric format), so they cost a function nothing but the bytes.
//
// Every combination of dimensions is a metric of its own, paid for by the month. So a dimension is something of which there are few
// and known ones: the tenant, the user or the path of a request is none, and stands in the line beside them. A test holds every
// dimension to its bounded values.
var Metrics = []LineMetrics{
	{Message: "request", Sets: []MetricSet{
		{Dimensions: []string{"dialect", "route"}, Metrics: []Metric{latency}},
		{Dimensions: []string{"dialect", "outcome"}, Metrics: []Metric{{Name: "Requests", Unit: "Count", one: true}}},
		{Dimensions: []string{"dialect"}, Metrics: append([]Metric{{Name: "ReplicaAge", Unit: "Milliseconds", from: "replicaAge"}}, atTable...)},
	}},
	{Message: "oauth2", Sets: []MetricSet{
		{Dimensions: []string{"endpoint"}, Metrics: append([]Metric{latency}, atTable...)},
		{Dimensions: []string{"endpoint", "outcome"}, Metrics: []Metric{{Name: "Requests", Unit: "Count", one: true}}},
	}},
	{Message: "replica loaded", Sets: []MetricSet{
		{Dimensions: []string{"function"}, Metrics: []Metric{
			{Name: "ReplicaLoad", Unit: "Milliseconds", from: "duration"},
			{Name: "ReplicaUsers", Unit: "Count", from: "users"},
			{Name: "ReplicaBytes", Unit: "Bytes", from: "bytes"},
		}},
	}},
	// By the messages of package replica, and not by its events, which are for whoever searches the log.
	{Message: "a tenant does not fit the replica's memory budget; give the function more memory", Sets: []MetricSet{ofFunction("RefusedTenants")}},
	{Message: "a snapshot cannot be used; the tenant is read from its feed", Sets: []MetricSet{ofFunction("SnapshotFallbacks")}},
	{Message: "no snapshot could be made of a tenant; where it does not fit the memory, give the function more", Sets: []MetricSet{ofFunction("FailedSnapshots")}},
	{Message: "batch", Sets: []MetricSet{
		{Dimensions: []string{"function"}, Metrics: []Metric{
			{Name: "Records", Unit: "Count", from: "records"},
			{Name: "FailedRecords", Unit: "Count", from: "failed"},
			latency,
		}},
	}},
	{Message: "messages", Sets: []MetricSet{
		{Dimensions: []string{"function"}, Metrics: []Metric{{Name: "Records", Unit: "Count", from: "messages"}, latency}},
	}},
	{Message: "message refused", Sets: []MetricSet{refusals}},
	{Message: "device dropped", Sets: []MetricSet{refusals}},
	{Message: "mail failed after it was sent", Sets: []MetricSet{refusals}},
}

var (
	latency  = Metric{Name: "Latency", Unit: "Milliseconds", from: "duration"}
	refusals = ofFunction("Undelivered")
	// atTable is what a request did at the table, which lines say that have been there.
	atTable = []Metric{
		{Name: "TableTime", Unit: "Milliseconds", from: "tableTime"},
		{Name: "ReadUnits", Unit: "Count", from: "tableReads"},
		{Name: "WriteUnits", Unit: "Count", from: "tableWrites"},
	}
)

// ofFunction counts the lines of each function.
func ofFunction(name string) MetricSet {
	return MetricSet{Dimensions: []string{"function"}, Metrics: []Metric{{Name: name, Unit: "Count", one: true}}}
}

// LineMetrics is what is measured of the lines with a message.
type LineMetrics struct {
	Message string
	Sets    []MetricSet
}

// MetricSet is metrics by the same dimensions. Every dimension is a member of the line, and of outcome and function see metricsHandler.
type MetricSet struct {
	Dimensions []string
	Metrics    []Metric
}

// Metric is one metric of CloudWatch. A line without what it is made from says nothing of it.
type Metric struct {
	// Name is the metric's name, and that of the member that has its value.
	Name string
	// Unit is as CloudWatch has it: Milliseconds, Bytes or Count.
	Unit string
	// from is the member of the line that it is made from, and one says that it counts lines instead.
	from string
	one  bool
}

// Outcomes are the values of the dimension outcome. A request that was refused for its number is not one of the others that were
// refused: somebody has to do something about it.
var Outcomes = []string{"ok", "refused", "throttled", "failed"}

func outcomeOf(status int64) string {
	switch {
	case status >= 500:
		return "failed"
	case status == 429:
		return "throttled"
	case status >= 400:
		return "refused"
	default:
		return "ok"
	}
}

// metricsHandler adds to lines what makes them metrics.
type metricsHandler struct {
	slog.Handler
	namespace, function string
	// inner says that the handler is that of a logger with attributes or groups of its own, whose lines are not measured.
	inner bool
}

// Handle adds to a record of a line that is measured the values of its metrics, the outcome of its status, the function's name, and
// the member _aws that tells CloudWatch of them.
func (h metricsHandler) Handle(ctx context.Context, r slog.Record) error {
	i := slices.IndexFunc(Metrics, func(m LineMetrics) bool { return m.Message == r.Message })
	if i < 0 || h.inner {
		return h.Handler.Handle(ctx, r)
	}
	line := map[string]slog.Value{}
	r.Attrs(func(a slog.Attr) bool {
		line[a.Key] = a.Value.Resolve()
		return true
	})
	line["function"] = slog.StringValue(h.function)
	added := []slog.Attr{slog.String("function", h.function)}
	if status, ok := line["status"]; ok && status.Kind() == slog.KindInt64 {
		line["outcome"] = slog.StringValue(outcomeOf(status.Int64()))
		added = append(added, slog.Attr{Key: "outcome", Value: line["outcome"]})
	}
	var directives []directive
	for _, set := range Metrics[i].Sets {
		// A dimension without a value is none: CloudWatch would refuse the line. A request that no route takes has no route.
		if slices.ContainsFunc(set.Dimensions, func(name string) bool { return line[name].Kind() != slog.KindString || line[name].String() == "" }) {
			continue
		}
		d := directive{Namespace: h.namespace, Dimensions: [][]string{set.Dimensions}}
		for _, m := range set.Metrics {
			if value, ok := m.value(line); ok {
				d.Metrics = append(d.Metrics, definition{m.Name, m.Unit})
				added = append(added, slog.Attr{Key: m.Name, Value: value})
			}
		}
		if len(d.Metrics) > 0 {
			directives = append(directives, d)
		}
	}
	if len(directives) == 0 {
		return h.Handler.Handle(ctx, r)
	}
	measured := r.Clone()
	measured.AddAttrs(added...)
	measured.AddAttrs(slog.Any("_aws", embedded{r.Time.UnixMilli(), directives}))
	return h.Handler.Handle(ctx, measured)
}

func (m *Metric) value(line map[string]slog.Value) (slog.Value, bool) {
	if m.one {
		return slog.IntValue(1), true
	}
	value, ok := line[m.from]
	if !ok {
		return value, false
	}
	if value.Kind() == slog.KindDuration {
		return slog.Float64Value(float64(value.Duration()) / float64(time.Millisecond)), true
	}
	return value, value.Kind() == slog.KindInt64 || value.Kind() == slog.KindFloat64
}

// embedded is the member _aws.
type embedded struct {
	Timestamp         int64
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

// WithAttrs returns a handler that also adds attrs, whose lines are not measured.
func (h metricsHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return metricsHandler{Handler: h.Handler.WithAttrs(attrs), inner: true}
}

// WithGroup returns a handler that also opens a group, whose lines are not measured.
func (h metricsHandler) WithGroup(name string) slog.Handler {
	return metricsHandler{Handler: h.Handler.WithGroup(name), inner: true}
}
