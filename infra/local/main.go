package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the process at once
	}()
	err := run(ctx, process{args: os.Args[1:], environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, now: time.Now})
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "roster:", err)
		os.Exit(1)
	}
}

// process is what the program gets from its surroundings.
type process struct {
	args           []string
	environ        []string
	stdout, stderr io.Writer
	now            func() time.Time
}

// options are the flags.
type options struct {
	address  string
	template string
	dir      string
	memory   bool
	quiet    bool
	users    int
}

func parseOptions(p process) (options, error) {
	var o options
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.address, "addr", "127.0.0.1:8080", "the address to serve the API at")
	flags.BoolVar(&o.memory, "memory", false, "keep the table in memory only, for a throw-away run")
	flags.IntVar(&o.users, "users", 10_000, "how many users a new demo tenant has")
	flags.BoolVar(&o.quiet, "quiet", false, "print no line per request")
	flags.StringVar(&o.dir, "dir", "", "the folder of everything that is kept (default: .roster beside the template)")
	flags.StringVar(&o.template, "template", "", "the SAM template (default: the template.yaml of this module)")
	if err := flags.Parse(p.args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(p.stderr, "make run ARGS='flags', or go run ./infra/local flags, with these flags:")
			flags.SetOutput(p.stderr)
			flags.PrintDefaults()
			return o, err
		}
		return o, fmt.Errorf("%w; -help lists the flags", err)
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q is not a flag; -help lists the flags", flags.Arg(0))
	case o.users < 0 || o.users > 5_000_000:
		return o, errors.New("-users must be from 0 to 5000000")
	}
	return o, nil
}

// run is main without the process around it. It returns when ctx ends, or with a one-line error.
func run(ctx context.Context, p process) error {
	o, err := parseOptions(p)
	if err != nil {
		return err
	}
	return (&server{process: p, options: o}).run(ctx)
}
