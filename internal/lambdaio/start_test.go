package lambdaio

import "testing"

func TestMemoryLimitIsFourFifthsOfTheFunction(t *testing.T) {
	for _, test := range []struct {
		megabytes string
		want      int64
		ok        bool
	}{
		{"512", 429496728, true},
		{"", 0, false},
		{"-1", 0, false},
		{"many", 0, false},
	} {
		got, ok := memoryLimit(test.megabytes)
		if ok != test.ok || got != test.want {
			t.Errorf("memoryLimit(%q) = %d, %v; want %d, %v", test.megabytes, got, ok, test.want, test.ok)
		}
	}
}
