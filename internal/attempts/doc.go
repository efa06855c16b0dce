// Package attempts slows those who guess passwords and client secrets. A Guard is asked before a secret is looked at, and told what came
// of it: once too many were wrong, for an account or from an address, each further one has to wait, up to minutes. Within
// the wait nothing is looked at, so that the right secret is refused like any other.
//
// Read guard.go, then rules.go, which has the numbers. The counts are items of package dynamo, which implements Store. How the
// refusal looks is for packages api and oauth2, which declare what they need of a Guard themselves, as does package
// directory.
//
// What holds:
//
//   - An account that does not exist is counted like one that does: same reads, same writes, same answer.
//   - Where nothing was wrong lately, a secret costs one read of two small items, beside the reads that are needed anyway,
//     and no write if it is right.
//   - Once a secret was wrong, each further one is counted before it is looked at, by a write that only one of those who saw
//     the same count can do. So of any number of guesses at the same moment no more are looked at than may be. The first of
//     all are not held up by this: those that are under way when nothing is counted yet are all looked at, as many as there are
//     environments to do so, and then counted together, which makes for the longest wait at once.
//   - What cannot be counted is not told: a table that does not answer is no free pass.
//   - A client secret is 256 random bits, which nobody guesses. It is slowed so that trying is no use and no load, for a minute
//     at most: whoever knows a client's id can make it wait.
//   - Addresses are those that the gateway saw, IPv6 ones by their /64. Users who log in through a client's server all come from
//     its address, so that passwords may be wrong more often there than secrets.
package attempts
