// Command changes is the Lambda that keeps the audit trail, from the stream of the table.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/changes"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := changes.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "changes:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
