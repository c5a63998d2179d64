//go:build race

package gate_test

// The race detector makes each run ten times slower, and looks for other faults.
const slowdown = 10
