// Command snapshots is the Lambda that keeps snapshots of large tenants, on a schedule.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/snapshots"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := snapshots.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "snapshots:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
