// Command organization is the Lambda of the organization dialect (CONTRACT 1).
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/organization"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := organization.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "organization:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
