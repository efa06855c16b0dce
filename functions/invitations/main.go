// Command invitations is the Lambda that has people invited, and of the page that their links lead to.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/invitations"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := invitations.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "invitations:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
