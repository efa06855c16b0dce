package samtemplate

import (
	"regexp"
	"strconv"
	"time"
)

// Schedule says that a function is called every so often.
type Schedule struct {
	// Function is the function's logical id.
	Function string
	Every    time.Duration
	// Line is where the template has it.
	Line int
}

var rate = regexp.MustCompile(`^rate\(([1-9][0-9]{0,3}) (minute|hour|day)s?\)$`)

// schedules reads a function's events of type Schedule. Only rates are known here.
func (r *reader) schedules(function resource) []Schedule {
	var found []Schedule
	events := function.properties.get("Events")
	for _, name := range events.names {
		event := events.fields[name]
		if event.get("Type").text != "Schedule" {
			continue
		}
		text := r.needText(event.get("Properties").get("Schedule"), name+".Schedule")
		match := rate.FindStringSubmatch(text)
		if match == nil {
			r.fail(event.line, "%s.Schedule must be a rate such as rate(15 minutes), not %q", name, text)
			continue
		}
		count, _ := strconv.Atoi(match[1])
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[match[2]]
		found = append(found, Schedule{Function: function.logicalID, Every: time.Duration(count) * unit, Line: event.line})
	}
	return found
}
