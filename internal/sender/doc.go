// Package sender hands messages to the services of AWS that deliver them: mail to SES v2, push messages to SNS, and refusals to an
// SQS queue. It implements what package delivery needs from the outside. The registration of devices, which package directory asks
// for, is in package endpoints below, so that the function that registers them links none of the rest.
//
// ses.go, sns.go and queue.go each turn one thing into one call. outcomes.go says which failures are for good, and package fault
// makes errors that can be logged.
//
// Clients are passed in. They try again by themselves what failed in passing, as package app has it (app.Retryer: four tries, at
// most half a second apart), and each call here, with all its tries, ends after 10 seconds at the latest. SES and SNS
// have no way to tell a call that is tried again from a new one, so that a message whose answer was lost may be sent twice.
package sender
