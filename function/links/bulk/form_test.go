package bulk

import (
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
	assert.True(t, strings.HasPrefix(rows[1][8], `"=HYPERLINK(`), rows[1][8])
}
