package oauth2

import (
	"context"
	"testing"

	"github.com/rosterhq/roster/internal/roster"
)

// TestHasherWaitsForASlot fills every slot: who comes next waits, and gives up when its context does.
func TestHasherWaitsForASlot(t *testing.T) {
	h := newHasher(2)
	h.slots <- struct{}{}
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.verify(ctx, "password", nobodysHash); roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("verify with all slots taken: %v, want unavailable", err)
	}
	<-h.slots
	if match, err := h.verify(t.Context(), "password", nobodysHash); match || err != nil {
		t.Errorf("verify with a free slot = %v, %v, want false", match, err)
	}
	if len(h.slots) != 1 {
		t.Errorf("%d slots taken, want the slot given back", len(h.slots))
	}
}
