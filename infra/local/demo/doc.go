// Package demo gives the developer server something to look at: a tenant with an organization tree, realistic users, custom roles, an
// Admin who can log in and a client, made once and found again by later runs; the file in which other programs find how to get in;
// and the commands that are printed for a person to try.
//
// The people come from internal/rostertest/people, and go into the table by the road that rosterctl takes, package directory's
// Operator. Starting a table and serving requests is infra/local's.
package demo
