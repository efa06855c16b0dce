package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// progress tells on standard error how far a long step has come. Its step is safe for concurrent use.
type progress struct {
	label   string
	total   int64
	current atomic.Int64
	began   time.Time
	live    bool // standard error is a terminal
}

func newProgress(label string, total int) *progress {
	info, err := os.Stderr.Stat()
	p := &progress{label: label, total: int64(total), began: time.Now(), live: err == nil && info.Mode()&os.ModeCharDevice != 0}
	if !p.live {
		fmt.Fprintf(os.Stderr, "%s ...\n", label)
	}
	return p
}

func (p *progress) step() {
	n := p.current.Add(1)
	if every := max(p.total/100, 1); p.live && n%every == 0 {
		rate := float64(n) / time.Since(p.began).Seconds()
		left := time.Duration(float64(p.total-n) / rate * float64(time.Second))
		fmt.Fprintf(os.Stderr, "\r%s: %d of %d, %s left \x1b[K", p.label, n, p.total, left.Round(time.Second))
	}
}

func (p *progress) done() {
	clear := ""
	if p.live {
		clear = "\r\x1b[K"
	}
	fmt.Fprintf(os.Stderr, "%s%s took %s\n", clear, p.label, time.Since(p.began).Round(10*time.Millisecond))
}
