package local

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheDoctorLooksAtTheLocalRun as far as that has the calls: what it has must be well, and the rest unknown.
func TestTheDoctorLooksAtTheLocalRun(t *testing.T) {
	t.Parallel()
	r := startProgram(t, t.TempDir())
	doctor := filepath.Join(t.TempDir(), "doctor")
	out, err := exec.Command("go", "build", "-o", doctor, "../cmd/doctor").CombinedOutput()
	require.NoError(t, err, string(out))
	look := func(env []string) ended {
		return runExample(t, []string{doctor, "-local", "-root", "../..", "-dir", r.dir}, env)
	}
	got := look(nil)
	assert.Equal(t, 2, got.code)
	assert.Contains(t, got.err, `eval "$(make -s env)"`)

	got = look(r.environmentOf())
	assert.Equal(t, 3, got.code, got.err)
	assert.Contains(t, got.out, "\nok      table: expired links are deleted\n")
	assert.Contains(t, got.out, "\nunknown distribution: ")
	assert.Contains(t, got.out, ": the local run has none\n        → look at a deployed stack\n")
	assert.Regexp(t, regexp.MustCompile(`(?m)^\d+ ok, 0 wrong, \d+ unknown$`), got.out)

	bucket := r.outputs["mediaBucket"].(string)
	_, err = r.s3.DeleteBucketCors(t.Context(), &s3.DeleteBucketCorsInput{Bucket: &bucket})
	require.NoError(t, err)
	got = look(r.environmentOf())
	assert.Equal(t, 1, got.code, got.err)
	assert.Equal(t, 1, strings.Count(got.out, "\nwrong "), got.out)
	assert.Contains(t, got.out, "\nwrong   bucket: CORS: there is none\n")
}
