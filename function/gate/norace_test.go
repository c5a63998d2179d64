//go:build !race

package gate_test

const slowdown = 1
