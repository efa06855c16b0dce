// Package endpoints registers devices with SNS, which gives each an endpoint that messages are sent to: what package directory asks
// for. Sending is in package sender.
package endpoints
