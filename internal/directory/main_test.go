package directory_test

import (
	"testing"

	"github.com/rosterhq/roster/internal/rostertest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }
