// Command workspace is the Lambda of the workspace dialect (CONTRACT 3).
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/workspace"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := workspace.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "workspace:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
