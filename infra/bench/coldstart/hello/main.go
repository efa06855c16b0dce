// Command hello is the smallest useful Lambda in Go, which the cold starts of Roster's functions are held against.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) (string, error) { return "hello, world", nil })
}
