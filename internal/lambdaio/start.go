package lambdaio

import (
	"os"
	"runtime/debug"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda"
)

// Start serves the function's events with handler, which is a Handler, an AuthorizerHandler, a StreamHandler, a TopicHandler or a ScheduleHandler, and
// does not return. It is the last thing a main does: what came before is the init phase, in which the garbage collector is off (GOGC=off in
// template.yaml), because a cycle then costs a cold start a millisecond and frees nothing.
func Start(handler any) {
	settleMemory(os.Getenv)
	lambda.Start(handler)
}

// settleMemory turns the garbage collector on, at its usual pace but never letting the heap outgrow four fifths of the
// function's memory.
func settleMemory(getenv func(string) string) {
	debug.SetGCPercent(100)
	if limit, ok := memoryLimit(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")); ok {
		debug.SetMemoryLimit(limit)
	}
}

// memoryLimit returns four fifths of a function's size, given in MB, as bytes.
func memoryLimit(megabytes string) (int64, bool) {
	size, err := strconv.ParseInt(megabytes, 10, 64)
	if err != nil || size <= 0 || size > 1<<20 {
		return 0, false
	}
	return size << 20 / 5 * 4, true
}
