// Package fault makes errors of failed calls to AWS that can be logged: what a service says may quote an address or a token, so that
// none of its text is ever passed on. failure.go has the errors, outcome.go what a service's code means for a message.
package fault
