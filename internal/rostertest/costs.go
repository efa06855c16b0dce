package rostertest

import (
	"encoding/json"
	"testing"
)

// PinnedCost is what a test pins the use of the table to cost.
type PinnedCost struct {
	What string `json:"what"`
	// Calls counts requests to the table, Reads its RRU, and Writes the WRU of the table alone, for single writes.
	Calls  int     `json:"calls"`
	Reads  float64 `json:"reads,omitempty"`
	Writes float64 `json:"writes,omitempty"`
	// Legs counts the items of transactions: each is 2 WRU per KB at DynamoDB.
	Legs int `json:"legs,omitempty"`
}

// CostAttribute is the key of the test attributes that NoteCost writes.
const CostAttribute = "cost"

// NoteCost tells what has just been measured as an attribute of the test, which `go test -json` prints and the report of
// infra/bench collects.
func NoteCost(t testing.TB, cost PinnedCost) {
	t.Helper()
	text, err := json.Marshal(cost)
	if err != nil {
		t.Fatal(err)
	}
	t.Attr(CostAttribute, string(text))
}
