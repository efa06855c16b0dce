// Package quota bounds how many requests an organization makes in a minute, whatever the dialect, the client and the execution
// environment. A Limiter gives each request a permit. It leases permits in blocks from a count that all environments share, so
// that the limit is never exceeded and a request hardly ever waits for the table.
//
// Read limiter.go. The count is an item of package dynamo, which implements Store; the status and the headers that a caller
// sees of it are of packages api and oauth2, which declare what they need of a Limiter themselves.
//
// Not here: how many messages go out in a day (roster.Quota, counted in the transactions that record them), and how wrong
// passwords are slowed (package attempts).
//
// # What holds
//
//   - No minute (UTC, by the clock of the environment that lets a request through) sees more requests of an organization
//     than the limit: a permit is worth nothing outside of the minute that it was leased for.
//   - An environment writes once for its first request of a minute, and then for blocks that are larger the more it has used: 64
//     environments that use up 10,000 permits write less than once per 50 of them. An organization of few requests costs a
//     write per environment and minute in which there are any.
//   - An environment that is used up, or told so, does not write again in that minute.
//   - What an environment has leased and does not use is lost to the others until the minute is over. It is at most a third more than
//     what it has used, and at most the 16th part of what was left when it asked, or the 150th of the limit where that is more. So
//     where the requests of an organization come in evenly at very many environments at once, some are refused before the
//     limit is reached: at 64 of them none before 90 % of it, and at no number up to 150 of them any before 40 %. If more than 150 ask
//     in a minute, those that come last may find all of it leased.
//   - A lease whose answer is lost, and that is repeated, is lost in the same way.
//   - A table that does not answer is no free pass: without a permit a request is KindUnavailable.
package quota
