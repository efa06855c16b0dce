// Package outbox stands for the services that take messages on a developer's machine: it answers calls of SES, SNS and SQS in
// their own wire protocols, so that the functions run unchanged, keeps what was sent, and shows it on a page that a person can read
// and a script can ask. Nothing leaves the machine.
//
// It knows nothing of Roster: which mails there are is package delivery's, how they are sent package sender's, and which function hears
// of bounces is in template.yaml. What the services check of a call is checked here too, as far as it depends on the call
// alone: a mail that SES would refuse is refused. What is not here: sending limits, verified senders, topics, long polling.
//
// Read outbox.go first. ses.go, sns.go and sqs.go are the services, feedback.go what SES tells of mails to its mailbox simulator, store.go
// what is kept, page.go and the folder web the page.
package outbox
