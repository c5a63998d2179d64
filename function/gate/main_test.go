package gate_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets the heap grow: with next to nothing alive, the collector would
// otherwise run for every hundred requests, a quarter of all the time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(1000)
	os.Exit(m.Run())
}
