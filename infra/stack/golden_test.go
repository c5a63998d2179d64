package stack_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// digest stands for source code, which has tests of its own: a change of
// the gate's source must not change the plan's shape.
var digest = regexp.MustCompile(`"sha256": "[0-9a-f]{64}"`)

func TestGoldenPlanOfEachStackIsTheReviewedOne(t *testing.T) {
	for _, name := range append(slices.Clone(stacks), "existing") {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, planOf(t, name, nil).Print(&out))
			got := digest.ReplaceAll(out.Bytes(), []byte(`"sha256": "(source code)"`))
			golden := filepath.Join("testdata", name+".golden.json")
			if *update {
				require.NoError(t, os.WriteFile(golden, got, 0o644))
				return
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got), "if the change is meant, run `make golden` and review its diff")
		})
	}
}
