// Package delivery turns what use cases recorded, an invitation or a notification, into mail and push messages, each sent once
// as far as the services allow it. It also reads what the mail service tells of a mail later.
//
// Read courier.go first: a record of the table's stream says where a message stands, and Courier.Deliver reads it there, sends it
// and marks it. invitations.go does that for mails and notifications.go for push messages. mail.go writes a mail (texts.go and
// languages.go have the words, layout.html the HTML), push.go the JSON of a push message; both are functions of what they are
// given and nothing else. feedback.go reads bounces and complaints. ports.go says what is needed from the outside.
//
// Not here: who may have a message sent, and how many (package directory), the items and the stream (package dynamo, which
// implements Store), the calls of SES, SNS and SQS (package sender), batches of records and events (package lambdaio), and the
// page that a link leads to (package api/invitations).
//
// # At least once, and seldom twice
//
// The item of a message says how far it has come, so that any record of it, late, repeated or out of order, can be acted upon:
// what is not queued any more needs nothing, and an invitation that was asked for again has another ID, whose own record sends the
// mail. A failure that may pass is returned, and leaves the item as it is; its record comes again. What a service refuses
// for good goes to a queue for operators, then the item is marked; so does what this release cannot read or write. Neither SES nor
// SNS can tell a message that is sent again: where their answer is lost, or the mark after it, the message is sent twice.
//
// # Secrets
//
// The token of a link is made here, when its mail is. It is in the mail alone: the table keeps its hash, and no error and no
// line of the log has it, or a mail's or push message's words, or what addresses a device.
package delivery
