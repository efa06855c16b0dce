// Package gateway measures Roster end to end over HTTP: it starts the developer server (infra/local) with a throw-away
// DynamoDB Local, has it fill a tenant, and sends it requests that go through gateway, authorizer, function, replica and
// table. All traffic stays on loopback.
//
// Read server.go first, for starting and asking one, then classes.go for what is asked, and measure.go.
package gateway
