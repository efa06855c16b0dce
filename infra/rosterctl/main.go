// Command rosterctl is the operator's tool: it founds tenants, lets programs in, and brings whole directories in and
// out of a table, the local one or the cloud's.
//
// Nothing of a directory is decided here: the use cases are those of directory.Operator, made-up people come from
// package rostertest/people. What lives here is the command line, the lines of files (lines.go: what they look like;
// scan.go: how strictly they are read), and what it takes to import millions of them without losing or doubling one
// (import.go, importer.go,
// feeder.go, checkpoint.go). Read run.go first; each command has a file of its own.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks to stop in good order; after it, the next one ends the process as usual.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
