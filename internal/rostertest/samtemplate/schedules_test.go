package samtemplate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rosterhq/roster/internal/rostertest/samtemplate"
)

func TestReadUnderstandsSchedules(t *testing.T) {
	for text, every := range map[string]time.Duration{"rate(1 minute)": time.Minute, "rate(15 minutes)": 15 * time.Minute, "rate(2 hours)": 2 * time.Hour, "rate(1 day)": 24 * time.Hour} {
		template, err := readTopic(t, "Topic: !Ref Feedback}}\n        Often: {Type: Schedule, Properties: {Schedule: "+text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want := []samtemplate.Schedule{{Function: "BouncesFunction", Every: every}}
		if diff := cmp.Diff(want, template.Schedules, cmpopts.IgnoreFields(samtemplate.Schedule{}, "Line")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{"cron(0 12 * * ? *)", "rate(0 minutes)", "rate(5 weeks)", "15 minutes"} {
		_, err := readTopic(t, "Topic: !Ref Feedback}}\n        Often: {Type: Schedule, Properties: {Schedule: '"+text+"'")
		if err == nil || !strings.Contains(err.Error(), "must be a rate") {
			t.Errorf("%s gives %v", text, err)
		}
	}
}
