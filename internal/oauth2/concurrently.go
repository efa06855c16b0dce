package oauth2

import "sync"

// concurrently runs the functions side by side, waits for all of them, and returns the error of the first in the list that has
// one, so that of several the answer does not depend on chance.
func concurrently(functions ...func() error) error {
	errs := make([]error, len(functions))
	var wait sync.WaitGroup
	for i, f := range functions {
		wait.Go(func() { errs[i] = f() })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
