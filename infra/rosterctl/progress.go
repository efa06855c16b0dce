package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a long run is: a bar on a terminal, a line now and then elsewhere. Only one goroutine may use
// it.
type progress struct {
	bar   *progressbar.ProgressBar // nil where there is no terminal
	out   io.Writer                // nil for none
	now   func() time.Time
	label string
	unit  string
	total int64 // negative for unknown
	done  int64
	begun time.Time
	told  time.Time
}

// reportEvery is how often a line is written where there is no terminal.
const reportEvery = 10 * time.Second

// newProgress returns the progress of total units, negative for an unknown number.
func (t *tool) newProgress(label, unit string, total int64, quiet bool) *progress {
	p := &progress{now: t.now, label: label, unit: unit, total: total, begun: t.now()}
	p.told = p.begun
	if quiet {
		return p
	}
	file, ok := t.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || total == 0 {
		p.out = t.stderr
		return p
	}
	p.bar = progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(t.stderr),
		progressbar.OptionSetDescription(label),
		progressbar.OptionSetItsString(unit),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(t.stderr) }),
	)
	// Else it would take the first step for the start, and rates for higher than they are.
	p.bar.StartWithoutRender()
	return p
}

// add notes that n more units are done. That it cannot be shown is no reason to stop the run.
func (p *progress) add(n int64) {
	p.done += n
	if p.bar != nil {
		if err := p.bar.Add64(n); err != nil {
			p.bar = nil
		}
		return
	}
	now := p.now()
	if p.out == nil || now.Sub(p.told) < reportEvery {
		return
	}
	p.told = now
	fmt.Fprintln(p.out, p.line(now))
}

// line says how far the run is.
func (p *progress) line(now time.Time) string {
	rate := float64(p.done) / max(now.Sub(p.begun).Seconds(), 0.001)
	text := fmt.Sprintf("%s: %d", p.label, p.done)
	if p.total > 0 {
		text += fmt.Sprintf(" of %d %s (%d%%)", p.total, p.unit, 100*p.done/p.total)
	} else {
		text += " " + p.unit
	}
	text += fmt.Sprintf(", %.0f %s/s", rate, p.unit)
	if left := p.total - p.done; p.total > 0 && left >= 0 && rate > 0 {
		text += fmt.Sprintf(", %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	return text
}

// rate returns how long the run has lasted and how many of n units that makes in a second.
func (p *progress) rate(n int64) (time.Duration, float64) {
	took := p.now().Sub(p.begun)
	return took, float64(n) / max(took.Seconds(), 0.001)
}

// close leaves the line of the bar, wherever it stopped.
func (p *progress) close() {
	if p.bar != nil && !p.bar.IsFinished() {
		p.bar.Exit()
	}
}
