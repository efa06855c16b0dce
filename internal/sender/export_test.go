package sender

import (
	"time"

	"github.com/rosterhq/roster/internal/sender/fault"
)

// SetWithin makes calls end after d.
func (s *SES) SetWithin(d time.Duration) { s.within = d }

// SetWithin makes calls end after d.
func (s *SNS) SetWithin(d time.Duration) { s.Within = d }

// SetWithin makes calls end after d.
func (q *Queue) SetWithin(d time.Duration) { q.within = d }

// OutcomeCodes returns the codes of the three tables of what is sent.
func OutcomeCodes() (mail, push, queue []string) {
	codes := func(table []fault.Outcome) []string {
		var list []string
		for _, o := range table {
			list = append(list, o.Code)
		}
		return list
	}
	return codes(mailOutcomes), codes(pushOutcomes), codes(queueOutcomes)
}
