package stack_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGoldenConfigurationPageListsEveryKey holds the page's table to what
// Pulumi.yaml declares.
func TestGoldenConfigurationPageListsEveryKey(t *testing.T) {
	keys, err := declared("../..")
	require.NoError(t, err)
	var table strings.Builder
	table.WriteString("| key | default | meaning |\n|---|---|---|\n")
	for _, key := range keys {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", key.Name, shown(key.Default), key.Description)
	}
	holdPage(t, "configuration.md", table.String())
}

// shown returns a default as people would write it.
func shown(value string) string {
	var list []any
	if json.Unmarshal([]byte(value), &list) != nil {
		if value == "{}" {
			return ""
		}
		return value
	}
	var names []string
	for _, item := range list {
		if fields, ok := item.(map[string]any); ok {
			names = append(names, fmt.Sprintf("%v (%v)", fields["name"], fields["access"]))
			continue
		}
		names = append(names, fmt.Sprint(item))
	}
	return strings.Join(names, ", ")
}

// TestGoldenOperationsPageSaysWhatToDoForEveryAlarm holds the page's table to
// the alarms of the stack that has them all.
func TestGoldenOperationsPageSaysWhatToDoForEveryAlarm(t *testing.T) {
	var table strings.Builder
	table.WriteString("| alarm | sounds at | why it matters | what to do |\n|---|---|---|---|\n")
	last := ""
	for _, alarm := range planOf(t, "everything", nil).ByType("aws:cloudwatch/metricAlarm:MetricAlarm") {
		name, _, _ := strings.Cut(alarm.Name, "-")
		if name == last { // the same in another region
			continue
		}
		last = name
		why, what, ok := strings.Cut(alarm.Inputs["alarmDescription"].(string), " What to do: ")
		require.True(t, ok, alarm.Name)
		fmt.Fprintf(&table, "| %s | %s > %v | %s | %s |\n", name, alarm.Inputs["metricName"], alarm.Inputs["threshold"], why,
			what)
	}
	holdPage(t, "operations.md", table.String())
}

// generated is the part of a page between its two marks.
var generated = regexp.MustCompile(`(?s)(<!-- table -->\n).*?(<!-- end of table -->)`)

// holdPage fails if the table in a page is not the given one; with -update it
// writes it there.
func holdPage(t *testing.T, page, table string) {
	t.Helper()
	data, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Regexp(t, generated, string(data), "%s has no place for the table", page)
	got := generated.FindString(string(data))
	want := "<!-- table -->\n" + table + "<!-- end of table -->"
	if *update {
		whole := strings.Replace(string(data), got, want, 1)
		require.NoError(t, os.WriteFile(page, []byte(whole), 0o644))
		return
	}
	assert.Equal(t, want, got, "run `make golden` and review the page")
}
