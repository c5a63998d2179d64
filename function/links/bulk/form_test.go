package bulk

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/api"
)

func TestNoCellOfAnOutputIsAFormula(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"=", "+", "-", "@", "\t=", "\r=", `"=`} {
		formula := start + `HYPERLINK("https://evil.example", "see")`
		want := Result{Line: 1, Text: formula, Link: api.Link{Object: formula,
			Error: &api.Problem{Code: formula, Message: formula}}}
		line := csvForm{}.encode(want)
		row, err := csv.NewReader(strings.NewReader(line)).Read()
		require.NoError(t, err)
		for _, cell := range row {
			assert.NotRegexp(t, `^[=+\-@\t\r]`, cell)
		}
		got, ok := csvForm{}.decode(line)
		require.True(t, ok)
		assert.Equal(t, want, got, "it is read back as it was")
	}
}

func TestAFormulaAmongTheInputIsNoneInTheOutput(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "out.csv")
	long := `=HYPERLINK("https://evil.example", "` + strings.Repeat("x", 1024) + `")`
	_, err := do(t.Context(), long+"\nchat/a\n", file, true, &issuer{})
	require.NoError(t, err)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	assert.True(t, strings.HasPrefix(rows[1][9], `"=HYPERLINK(`), rows[1][9])
}

// Otherwise a file could hold links for everybody among those for the few that were asked for.
func TestARunGoesOnForTheSameAudienceOnly(t *testing.T) {
	forms(t, func(t *testing.T, csv bool) {
		for name, tt := range map[string]struct {
			service, had, asked string
			refused             bool
		}{
			"the same room":                      {"club", "club/room-1", "club/room-1", false},
			"the service, by name and without":   {"club", "club", "", false},
			"the service, without and by name":   {"club", "club", "club", false},
			"a service that asks for no tickets": {"chat", "", "", false},
			"another room":                       {"club", "club/room-1", "club/room-2", true},
			"a room after the service":           {"club", "club", "club/room-1", true},
			"the service after a room":           {"club", "club/room-1", "", true},
		} {
			file := filepath.Join(t.TempDir(), "out")
			run := func(text, audience string) error {
				in, err := NewReader(Input{Reader: strings.NewReader(text), Format: Lines, Bucket: "media"})
				require.NoError(t, err)
				out, err := OpenOutput(file, csv, nil)
				require.NoError(t, err)
				defer out.Close()
				return Job{Input: in, Output: out, Audience: audience, Parallel: 1, Count: new(Count), Wait: 1,
					Issue: func(_ context.Context, objects []string) ([]api.Link, error) {
						return []api.Link{{Object: objects[0], Service: tt.service, Audience: tt.had}}, nil
					}}.Run(t.Context())
			}
			require.NoError(t, run("a\n", tt.had), name)
			err := run("a\nb\n", tt.asked)
			if !tt.refused {
				require.NoError(t, err, name)
				continue
			}
			assert.ErrorContains(t, err, "for another audience", name)
		}
	})
}
