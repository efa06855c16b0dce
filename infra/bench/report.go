package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is REPORT.md as it grows.
type report struct {
	text     bytes.Buffer
	versions []string
	began    time.Time
}

func newReport() *report { return &report{began: time.Now()} }

func (r *report) heading(title string) { fmt.Fprintf(&r.text, "\n## %s\n", title) }

func (r *report) subheading(format string, values ...any) {
	fmt.Fprintf(&r.text, "\n### "+format+"\n", values...)
}

// say writes a paragraph.
func (r *report) say(format string, values ...any) {
	fmt.Fprintf(&r.text, "\n"+format+"\n", values...)
}

// table writes a table; all columns but the first are of figures.
func (r *report) table(header []string, rows [][]string) {
	line := func(cells []string) {
		escaped := make([]string, len(cells))
		for i, cell := range cells {
			escaped[i] = strings.ReplaceAll(cell, "|", `\|`)
		}
		fmt.Fprintf(&r.text, "| %s |\n", strings.Join(escaped, " | "))
	}
	r.text.WriteByte('\n')
	line(header)
	fmt.Fprintf(&r.text, "| --- %s|\n", strings.Repeat("| ---: ", len(header)-1))
	for _, row := range rows {
		line(row)
	}
}

// bar is a figure that must be held. DESIGN.md, section 9, lists them.
type bar struct {
	what         string
	limit, value float64
	atLeast      bool
	unit         string
}

func (r *report) bars(list []bar) {
	var rows [][]string
	for _, b := range list {
		sign, met := "<=", b.value <= b.limit
		if b.atLeast {
			sign, met = ">=", b.value >= b.limit
		}
		verdict := map[bool]string{true: "met", false: "**not met**"}[met]
		rows = append(rows, []string{b.what, fmt.Sprintf("%s %g %s", sign, b.limit, b.unit), digits(b.value) + " " + b.unit, verdict})
	}
	r.table([]string{"to hold", "bar", "measured", ""}, rows)
}

// version notes the version of something that was measured, once.
func (r *report) version(format string, values ...any) {
	if v := fmt.Sprintf(format, values...); !slices.Contains(r.versions, v) {
		r.versions = append(r.versions, v)
	}
}

// write writes the report, machine and versions first, to the file that the options name.
func (r *report) write(o *options) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Measurements\n\n")
	fmt.Fprintf(&out, "Made by `make bench` on %s, in %s; how, and what with, is in the source beside this file. Times are medians (p50) unless they say\n", r.began.UTC().Format("2 January 2006"), time.Since(r.began).Round(time.Second))
	fmt.Fprintf(&out, "otherwise, and were taken on %d of the machine's cores where they are of one process. Ratios are of times taken in turns in this run.\n", o.cores)
	if o.quick {
		fmt.Fprintf(&out, "\n**This was a quick run, to see that everything works. Its figures mean little.**\n")
	}
	fmt.Fprintf(&out, "\n* Machine: %s, %d cores, %s of memory, %s/%s\n", processor(), runtime.NumCPU(), memory(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(&out, "* Versions: %s\n", strings.Join(append([]string{runtime.Version()}, r.versions...), ", "))
	fmt.Fprintf(&out, "* Users: seed %d, %d organizations, sizes %s; behind HTTP %s\n", o.seed, o.organizations, strings.Join(thousandsOf(o.sizes), ", "), thousands(o.httpUsers))
	out.Write(r.text.Bytes())
	return os.WriteFile(o.output, out.Bytes(), 0o644)
}
