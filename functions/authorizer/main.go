// Command authorizer is the Lambda authorizer: it says who an access token speaks for.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/authorizer"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := authorizer.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "authorizer:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
