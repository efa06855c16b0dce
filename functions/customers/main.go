// Command customers is the Lambda of the customers dialect (CONTRACT 2).
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/customers"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := customers.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "customers:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
