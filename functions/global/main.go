// Command global is the Lambda of the global dialect (CONTRACT 4).
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/global"
	"github.com/rosterhq/roster/internal/lambdaio"
)

func main() {
	handler, err := global.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "global:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}
