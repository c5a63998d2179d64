package links

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/links/bulk"
)

func exportOf(t *testing.T, text string) (dir, from string) {
	dir = t.TempDir()
	from = filepath.Join(dir, "export")
	require.NoError(t, os.WriteFile(from, []byte(text), 0o600))
	return dir, from
}

func TestAnExportBecomesAFileOfLinks(t *testing.T) {
	t.Parallel()
	dir, from := exportOf(t, "id,photo\n1,chat/a.jpg\n2,\n3,chat/b/\n4,s3://media/chat/d.jpg\n")
	to, problems := filepath.Join(dir, "links.csv"), filepath.Join(dir, "problems.ndjson")
	d := deploy(t)
	got := d.links("", "issue", "--from", from, "--format", "csv", "--column", "photo", "--to", to, "--csv",
		"--problems", problems)
	assert.Equal(t, exitFailed, got.code, got.err)
	assert.Empty(t, got.out)
	assert.Regexp(t, `^links: 2 links, 2 without one \(0 of all by an earlier run\) in \d+s, \d+ a second\n$`, got.err)
	text, err := os.ReadFile(to)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, 5)
	assert.Equal(t, "line,object,url,hash,expiresAt,service,audience,error,message,text", lines[0])
	assert.Regexp(t, `^2,s3://media/chat/a\.jpg,https://cdn\.example/images/([\w-]{32}),[\w-]{32},\d{4}-\S+Z,chat,,,,$`, lines[1])
	assert.Equal(t, `3,,,,,,,bad_line,"the column ""photo"" is empty","2,"`, lines[2])
	assert.Regexp(t, `^4,s3://media/chat/b/,,,,,,directory,`, lines[3])
	info, err := os.Stat(to)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "links are for those who are given them")
	text, err = os.ReadFile(problems)
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(string(text), "\n"))
	assert.Contains(t, string(text), `"object":"s3://media/chat/b/"`)
}

func TestARunOverManyStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	var keys strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&keys, "chat/%d.jpg\n", n)
	}
	dir, from := exportOf(t, keys.String())
	to := filepath.Join(dir, "links.ndjson")
	args := []string{"issue", "--from", from, "--to", to, "--parallel", "1"}
	d := deploy(t)
	d.fail = func(call int32, w http.ResponseWriter) bool {
		if call == 4 || call == 7 {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"Message":"the token has expired"}`)
			return true
		}
		return false
	}
	for range 2 {
		got := d.links("", args...)
		assert.Equal(t, exitUnreachable, got.code)
		assert.Contains(t, got.err, "the token has expired")
		assert.Contains(t, got.err, "the same command goes on behind it")
	}
	got := d.links("", args...)
	require.Equal(t, exitOK, got.code, got.err)
	assert.Regexp(t, `1000 links, 0 without one \([3-5]00 of all by an earlier run\)`, got.err)
	assert.LessOrEqual(t, d.calls.Load(), int32(10+2+2), "ten batches, two refusals, and what was under way then")
	text, err := os.ReadFile(to)
	require.NoError(t, err)
	seen := map[string]bool{}
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var r bulk.Result
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		assert.EqualValues(t, n+1, r.Line)
		assert.False(t, seen[r.URL])
		seen[r.URL] = true
	}
	assert.Len(t, seen, 1000)

	require.NoError(t, os.WriteFile(from, []byte("chat/other.jpg\n"), 0o600))
	got = d.links("", args...)
	assert.Equal(t, exitUsage, got.code)
	assert.Contains(t, got.err, "has changed or is another one")
	assert.NotContains(t, got.err, "the same command goes on", "it would end here again")
}

func TestArgumentsForManyThatContradictEachOther(t *testing.T) {
	t.Parallel()
	_, from := exportOf(t, "chat/a\n")
	for name, tt := range map[string]struct {
		args []string
		say  string
	}{
		"objects and a file":          {[]string{"s3://media/chat/a", "--from", from}, "not both"},
		"objects and standard input":  {[]string{"s3://media/chat/a", "-"}, "- stands alone"},
		"an output file for one":      {[]string{"s3://media/chat/a", "--to", from + ".out"}, "the flags for many objects"},
		"a format for one":            {[]string{"s3://media/chat/a", "--format", "csv"}, "the flags for many objects"},
		"no calls at once":            {[]string{"-", "--parallel", "0"}, "--parallel is 1 to 64"},
		"too many calls at once":      {[]string{"-", "--parallel", "65"}, "--parallel is 1 to 64"},
		"one file for both":           {[]string{"--from", from, "--to", from}, "another file than --from"},
		"one file for both, problems": {[]string{"--from", from, "--problems", from}, "a file of its own"},
		"no such file":                {[]string{"--from", from + ".none"}, "no such file"},
		"no such column":              {[]string{"--from", from, "--format", "csv"}, "no column"},
		"a life that there is not":    {[]string{"--from", from, "--ttl", "0"}, "is not a time"},
	} {
		d := deploy(t)
		got := d.links("", append([]string{"issue"}, tt.args...)...)
		assert.Equal(t, exitUsage, got.code, name)
		assert.Contains(t, got.err, tt.say, name)
		assert.Zero(t, d.calls.Load(), name)
	}
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	assert.Equal(t, "chat/a\n", string(text))
	d := deploy(t)
	got := d.links("", "issue", "--from", from, "--ttl", "31d")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.err, "(bad_ttl)")
}

func TestHowFarARunIs(t *testing.T) {
	t.Parallel()
	p := &progress{read: &counter{}, size: 2000}
	p.count.Links.Store(700)
	p.count.Failed.Store(50)
	p.count.Earlier.Store(250)
	p.read.bytes.Store(1500)
	assert.Equal(t, "750 done, 50 without a link, 50 a second, 75 % of the input", p.line(10*time.Second))
	p.size = 0
	assert.Equal(t, "750 done, 50 without a link, 50 a second", p.line(10*time.Second))
}

func TestARunThatIsInterruptedSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	dir, from := exportOf(t, "chat/a\n")
	d := deploy(t)
	ctx, cancel := context.WithCancel(t.Context())
	d.fail = func(int32, http.ResponseWriter) bool { cancel(); return false }
	var said bytes.Buffer
	code := run(ctx, []string{"--outputs", d.outputs, "issue", "--from", from, "--to", filepath.Join(dir, "to")},
		terminal{strings.NewReader(""), &said, &said}, d.outputs)
	assert.Equal(t, exitUnreachable, code)
	assert.Contains(t, said.String(), "links: interrupted. ")
	assert.Contains(t, said.String(), "the same command goes on behind it")
}
