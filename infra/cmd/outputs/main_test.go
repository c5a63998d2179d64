package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestShowRefusesWhatItDoesNotKnow(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorContains(t, show(strings.NewReader(`{}`), &out, "json"), "the stack has no outputs")
	assert.Empty(t, out.String(), "nothing is printed before everything was read")
}
