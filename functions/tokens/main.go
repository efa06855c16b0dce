// Command tokens is the Lambda of the token endpoints of all dialects.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/tokens"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := tokens.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "tokens:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
