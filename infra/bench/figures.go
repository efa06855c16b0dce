package main

import (
	"fmt"
	"slices"
	"time"
)

// quantile returns the value below which that share of the values lies.
func quantile[T time.Duration | float64](values []T, share float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// inMS returns a duration in milliseconds.
func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// ms formats a duration in milliseconds.
func ms(d time.Duration) string { return digits(inMS(d)) }

// digits formats a figure with the digits that count.
func digits(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.1:
		return fmt.Sprintf("%.3f", v)
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	default:
		return thousands(int(v + 0.5))
	}
}

// times formats a ratio.
func times(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.2fx", v)
	}
	return fmt.Sprintf("%.0fx", v)
}

// thousands formats a number with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func thousandsOf(numbers []int) []string {
	var list []string
	for _, n := range numbers {
		list = append(list, thousands(n))
	}
	return list
}
