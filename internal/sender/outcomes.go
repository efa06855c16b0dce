package sender

import (
	"github.com/rosterhq/roster/internal/delivery"
	"github.com/rosterhq/roster/internal/sender/fault"
)

// mailOutcomes are those of SES v2's SendEmail (API reference, SendEmail, Errors).
var mailOutcomes = []fault.Outcome{
	// The same mail to the same address meets the same answer: a virus in it, or an address that may not be mailed from or to.
	{Code: "MessageRejected", Final: delivery.ErrRefused, Reason: "the mail service will not send this mail"},
	// What is wrong is in the call's own bytes, such as an address with letters that SES does not know in one.
	{Code: "BadRequest", Final: delivery.ErrRefused, Reason: "the mail service does not understand the address or the mail"},
	{Code: "Validation", Final: delivery.ErrRefused, Reason: "the mail service does not understand the address or the mail"},

	// Also over the daily quota. SES drops the mail, and advises to wait for up to ten minutes.
	{Code: "TooManyRequests", Reason: "more mails than the account may send now"},
	{Code: "LimitExceeded", Reason: "the account has reached a limit of the mail service"},
	{Code: "Throttling", Reason: "more calls than the account may make now"},
	// These four are mended in the account, by whoever runs the system.
	{Code: "SendingPaused", Reason: "sending is paused for the account or the configuration set"},
	{Code: "AccountSuspended", Reason: "the account is suspended"},
	{Code: "MailFromDomainNotVerified", Reason: "the domain that mail comes from is not verified"},
	{Code: "NotFound", Reason: "the configuration set is not there"},
	{Code: "AccessDenied", Reason: "this function may not send mail"},
}

// pushOutcomes are those of SNS's Publish to an endpoint (API reference, Publish, Errors).
var pushOutcomes = []fault.Outcome{
	// The platform said of an earlier message that the token is not in use any more. Only the app, with a new registration, may
	// enable the endpoint again.
	{Code: "EndpointDisabled", Final: delivery.ErrEndpointGone, Reason: "the device takes no messages any more"},
	{Code: "NotFound", Final: delivery.ErrEndpointGone, Reason: "the push service does not know the device any more"},
	// InvalidParameter is also how SNS says that the endpoint was deleted, see fault.EndpointMissing.
	{Code: fault.EndpointMissing, Final: delivery.ErrEndpointGone, Reason: "the push service does not know the device any more"},
	// What is wrong is in the call's own bytes, such as a message that is too long.
	{Code: "InvalidParameter", Final: delivery.ErrRefused, Reason: "the push service does not understand the message"},
	{Code: "ParameterValueInvalid", Final: delivery.ErrRefused, Reason: "the push service does not understand the message"},
	{Code: "Validation", Final: delivery.ErrRefused, Reason: "the push service does not understand the message"},

	// Credentials of the platform ran out or were revoked, which nobody may notice for days: mail that waits behind must not.
	{Code: "PlatformApplicationDisabled", Final: delivery.ErrRefused, Reason: "the platform does not take messages from this system until its credentials are renewed"},

	{Code: "AuthorizationError", Reason: "this function may not send push messages"},
	{Code: "InvalidSecurity", Reason: "the push service does not accept the credentials"},
	{Code: "Throttled", Reason: "more push messages than the account may send now"},
	{Code: "Throttling", Reason: "more push messages than the account may send now"},
	{Code: "InternalError", Reason: "the push service has a fault"},
}

// queueOutcomes are those of SQS's SendMessage. None is final: a refusal that cannot be kept is not forgotten but tried again.
var queueOutcomes = []fault.Outcome{
	{Code: "QueueDoesNotExist", Reason: "the queue is not there"},
	{Code: "AWS.SimpleQueueService.NonExistentQueue", Reason: "the queue is not there"},
	{Code: "AccessDenied", Reason: "this function may not write to the queue"},
}
