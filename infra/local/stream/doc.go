// Package stream delivers the table's stream to a function as Lambda's event source mappings do: at least once, in order per shard, in
// batches of what its filters let pass, again what failed, and with a place in the stream that outlives the program. The poller is
// poller.go, who gets what is filter.go and event.go, the place is position.go.
//
// It knows nothing of what records mean: that is package dynamo's. Which function is given what is read from template.yaml by
// infra/local. One shard is read after the other, and never a shard before its parent has ended: a table on one machine has one or two.
package stream
