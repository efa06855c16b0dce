package roster_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

func TestKindOf(t *testing.T) {
	cause := errors.New("socket closed")
	wrapped := fmt.Errorf("reading user 7: %w", roster.Unavailable("try again", cause))
	if got := roster.KindOf(wrapped); got != roster.KindUnavailable {
		t.Errorf("KindOf(wrapped) = %v, want unavailable", got)
	}
	if !errors.Is(wrapped, cause) {
		t.Error("the cause is lost")
	}
	if got := roster.KindOf(cause); got != roster.KindInternal {
		t.Errorf("KindOf(unknown) = %v, want internal", got)
	}
}

func TestFieldErrors(t *testing.T) {
	var errs roster.FieldErrors
	if errs.Err() != nil {
		t.Errorf("Err() of nothing = %v, want nil", errs.Err())
	}
	errs.Add("page", "must not be negative")
	errs.Add("size", "must be between 1 and 1000")
	if got, want := errs.Err().(*roster.Error).Message, "page must not be negative; size must be between 1 and 1000"; got != want {
		t.Errorf("Message = %q, want %q", got, want)
	}
}
