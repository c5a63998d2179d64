package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var manyKeys = flag.Int("manykeys", 2000, "keys for links issue")

// TestManyLinksAreIssuedThoughTheCommandIsKilled kills it twice, at whatever moment, and has the table tell in the end
// that no object has a second link.
func TestManyLinksAreIssuedThoughTheCommandIsKilled(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	r := startProgram(t, filepath.Join(home, "build", "local"), "--config", "objectCheck=false")
	links := filepath.Join(home, "links")
	out, err := exec.Command("go", "build", "-o", links, "../../function/cmd/links").CombinedOutput()
	require.NoError(t, err, string(out))
	run := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd, said := exec.Command(links, args...), &bytes.Buffer{}
		cmd.Dir, cmd.Stderr = home, said
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL_DYNAMODB="+r.endpoint("AWS_ENDPOINT_URL_DYNAMODB"))
		return cmd, said
	}
	require.NoError(t, os.WriteFile(filepath.Join(home, "keys"), []byte(madeUp(*manyKeys)), 0o600))
	issue := []string{"issue", "--from", "keys", "--to", "links.ndjson"}
	written := func() int {
		text, _ := os.ReadFile(filepath.Join(home, "links.ndjson"))
		return bytes.Count(text, []byte("\n"))
	}
	for range 2 {
		cmd, said := run(append(issue, "--parallel", "1")...) // slowly, so that the kill is in time on a busy machine
		require.NoError(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for until := written() + *manyKeys/5; written() < until; {
			select {
			case <-ended:
				t.Fatalf("it ended too early: %s", said)
			case <-time.After(5 * time.Millisecond):
			}
		}
		require.NoError(t, cmd.Process.Kill())
		<-ended
		assert.Less(t, written(), *manyKeys, "it was killed in time")
	}
	cmd, said := run(issue...)
	require.NoError(t, cmd.Run(), said)
	assert.Contains(t, said.String(), fmt.Sprintf("links: %d links, 0 without one", *manyKeys))

	given := urls(t, filepath.Join(home, "links.ndjson"))
	require.Len(t, given, *manyKeys)
	cmd, said = run("list", "--service", "simple-chat", "--read-units", "1000000")
	live, err := cmd.Output()
	require.NoError(t, err, said)
	require.NoError(t, os.WriteFile(filepath.Join(home, "live.ndjson"), live, 0o600))
	assert.Equal(t, given, urls(t, filepath.Join(home, "live.ndjson")))
	assert.Equal(t, *manyKeys, bytes.Count(live, []byte("\n")), "no object has a second link")
}

func madeUp(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "simple-chat/many/%d.jpg\n", i)
	}
	return b.String()
}

// urls returns the links in the file by their objects.
func urls(t *testing.T, file string) map[string]string {
	in, err := os.Open(file)
	require.NoError(t, err)
	defer in.Close()
	all, scanner := map[string]string{}, bufio.NewScanner(in)
	for scanner.Scan() {
		var l struct{ Object, URL string }
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &l))
		require.NotEmpty(t, l.URL)
		require.NotContains(t, all, l.Object)
		all[l.Object] = l.URL
	}
	require.NoError(t, scanner.Err())
	return all
}

// endpoint returns where an SDK finds one of the stack's services.
func (r *running) endpoint(variable string) string {
	var endpoints map[string]string
	readJSON(r.t, filepath.Join(r.dir, environmentFile), &endpoints)
	return endpoints[variable]
}
