package local

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const examples = "../../function/issue/examples"

// commands returns how each example is started.
func commands(t *testing.T) map[string][]string {
	dir := t.TempDir()
	compiled := filepath.Join(dir, "example")
	out, err := exec.Command("go", "build", "-o", compiled, examples+"/cmd/example").CombinedOutput()
	require.NoError(t, err, string(out))

	// Node.js looks for packages beside the program.
	packages, err := filepath.Abs("../../build/npm/function/issue/examples/javascript/node_modules")
	require.NoError(t, err)
	require.DirExists(t, packages, "run `make examples`")
	require.NoError(t, os.Symlink(packages, filepath.Join(dir, "node_modules")))
	script, err := os.ReadFile(examples + "/javascript/issue.mjs")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "issue.mjs"), script, 0o600))

	python := "../../build/python/bin/python3"
	if _, err := os.Stat(python); err != nil {
		python = "python3"
	}
	return map[string][]string{
		"Go":         {compiled},
		"JavaScript": {"node", filepath.Join(dir, "issue.mjs")},
		"Python":     {python, examples + "/python/issue.py"},
		"curl":       {"bash", examples + "/shell/issue.sh"},
	}
}

// environmentOf returns what `make env` prints for the run.
func (r *running) environmentOf() []string {
	var text bytes.Buffer
	require.NoError(r.t, PrintEnv(Options{Dir: r.dir}, &text))
	var all []string
	for line := range strings.Lines(text.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		all = append(all, name+"="+strings.Trim(value, "'"))
	}
	return all
}

type ended struct {
	code     int
	out, err string
}

func runExample(t *testing.T, command, env []string, objects ...string) ended {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], objects...)...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	// Nothing of this machine's own AWS configuration.
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"},
		env...)
	_ = cmd.Run()
	require.NotNil(t, cmd.ProcessState, "%v does not start", command)
	return ended{cmd.ProcessState.ExitCode(), out.String(), err.String()}
}

// TestTheExamplesIssueLinks runs every example of a client as its page says, with nothing but what `make env` prints.
func TestTheExamplesIssueLinks(t *testing.T) {
	t.Parallel()
	r := startProgram(t, t.TempDir())
	object := r.upload("simple-chat/an \"odd\" \\ kéy.png", []byte("a photo"))
	want := r.issue(object, 0)
	missing := strings.TrimSuffix(object, ".png") + ".gone"
	env := r.environmentOf()
	all := commands(t)
	t.Run("as the page says", func(t *testing.T) {
		page, err := os.ReadFile("../../function/issue/README.md")
		require.NoError(t, err)
		_, block, found := strings.Cut(string(page), "On this machine, beside `make run`:\n\n")
		require.True(t, found)
		block, _, _ = strings.Cut(block, "\n\n")
		got := runExample(t, []string{"bash", "-c", strings.NewReplacer("PROGRAM", program, "DIR", r.dir, "EXAMPLE",
			all["Go"][0], "SCRIPT", all["JavaScript"][1]).Replace(`set -euo pipefail
make() { test "$*" = "-s env"; PROGRAM --env --dir DIR; }
go() { test "$1 $2" = "run ./function/issue/examples/cmd/example"; EXAMPLE "$3"; }
npm() { test "$*" = "ci --prefix function/issue/examples/javascript"; }
node() { test "$1" = "function/issue/examples/javascript/issue.mjs"; command node SCRIPT "$2"; }
cd ../..
`) + block}, nil)
		assert.Equal(t, 0, got.code, got.err)
		assert.Equal(t, 4, strings.Count(got.out, "s3://"), got.out)
	})
	for name, command := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "curl" { // for one object, and with the answer as it is
				got := runExample(t, command, env, object)
				assert.Equal(t, 0, got.code, got.err)
				assert.Contains(t, got.out, `"url":"`+want+`"`)
				got = runExample(t, command, env, missing)
				assert.Equal(t, 22, got.code)
				assert.Contains(t, got.out, `"code":"object_not_found"`)
				assert.Equal(t, 2, runExample(t, command, env, "s3://b/a\nb").code)
				return
			}
			got := runExample(t, command, env, object, missing)
			assert.Equal(t, 1, got.code, got.err)
			assert.Equal(t, object+"\t"+want+"\n", got.out)
			assert.Contains(t, got.err, missing+": ")
			assert.Contains(t, got.err, "(object_not_found)")
			got = runExample(t, command, env, object)
			assert.Equal(t, 0, got.code, got.err)
			assert.Empty(t, got.err)
			got = runExample(t, command, env)
			assert.Equal(t, 3, got.code, "a call that is wrong as a whole")
			assert.NotEmpty(t, got.err)
		})
	}
}

// TestTheExamplesTryAgainWhatMaySucceedLater puts a server before them that fails first.
func TestTheExamplesTryAgainWhatMaySucceedLater(t *testing.T) {
	t.Parallel()
	const one = `{"links":[{"object":"s3://m/chat/a","url":"https://cdn.example/images/h"}]}`
	all := commands(t)
	for name, tt := range map[string]struct {
		fail  func(w http.ResponseWriter)
		again bool // it is asked again
		code  int  // of the examples but curl's, which is 22 if not 0
		say   string
	}{
		"throttled": {func(w http.ResponseWriter) { answer(w, 429, `{"Message":"Rate Exceeded."}`) }, true, 0, ""},
		"unavailable": {func(w http.ResponseWriter) {
			const down = `"error":{"code":"unavailable","message":"down"}}`
			answer(w, 503, `{"links":[{"object":"s3://m/chat/a",`+down+`],`+down)
		}, true, 0, ""},
		"broken":  {func(w http.ResponseWriter) { answer(w, 502, `<html>`) }, true, 0, ""},
		"refused": {func(w http.ResponseWriter) { answer(w, 403, `{"Message":"Forbidden"}`) }, false, 3, "Forbidden"},
		"a redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			answer(w, 307, `{}`)
		}, false, 3, "307"},
	} {
		for example, command := range all {
			t.Run(name+", "+example, func(t *testing.T) {
				t.Parallel()
				var calls atomic.Int32
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					body, _ := io.ReadAll(req.Body)
					assert.Equal(t, "POST /links", req.Method+" "+req.URL.Path)
					assert.JSONEq(t, `{"objects":["s3://m/chat/a"]}`, string(body))
					assert.Regexp(t, `^AWS4-HMAC-SHA256 Credential=local/\d{8}/eu-central-1/lambda/aws4_request, ?`,
						req.Header.Get("Authorization"))
					if example != "Go" { // whose client has credentials of its own for this machine
						assert.Equal(t, "token", req.Header.Get("X-Amz-Security-Token"))
						assert.Regexp(t, `SignedHeaders=\S*;x-amz-security-token[;,]`, req.Header.Get("Authorization"))
					}
					if calls.Add(1) < 3 {
						tt.fail(w)
						return
					}
					answer(w, 200, one)
				}))
				defer server.Close()
				got := runExample(t, command, []string{"MEDIA_ISSUER_URL=" + server.URL + "/", "MEDIA_BUCKET_REGION=eu-central-1",
					"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=locallocal", "AWS_SESSION_TOKEN=token"}, "s3://m/chat/a")
				if tt.again {
					assert.EqualValues(t, 3, calls.Load())
					assert.Equal(t, 0, got.code, got.err)
					assert.Contains(t, got.out, "https://cdn.example/images/h")
					return
				}
				assert.EqualValues(t, 1, calls.Load())
				if example == "curl" {
					return // it prints the answer, whatever it is
				}
				assert.Equal(t, tt.code, got.code)
				assert.Contains(t, got.err, tt.say)
				assert.Empty(t, got.out)
			})
		}
	}
}

func answer(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
