package resources

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOutputsNameWhatIsServedHere(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	assert.Equal(t, m.BaseURL, m.Outputs["cdnBaseUrl"])
	assert.Equal(t, strings.TrimPrefix(m.BaseURL, "http://"), m.Outputs["distributionDomain"])
	assert.Equal(t, []any{map[string]any{"link": m.BaseURL + "/images/x"}, 5.0}, m.Outputs["nested"])
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+/$`, m.Outputs["issuerUrl"])
	assert.Equal(t, "https://"+testDomain, m.o.Document.Outputs["cdnBaseUrl"], "the document stays as it was")
}

func TestTheStartNeedsThePortAndTheStateForItself(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(m.BaseURL, "http://"))
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	_, err = Listen(n)
	assert.ErrorContains(t, err, "port "+port+" is in use")
	free, err := Listen(0)
	require.NoError(t, err)
	_, err = Start(t.Context(), Options{Document: testPlan(t), Region: testRegion, Dir: m.o.Dir, CDN: free})
	assert.ErrorContains(t, err, "is in use by another run")
	same, err := net.Listen("tcp", free.Addr().String())
	require.NoError(t, err, "a start that fails keeps no port")
	require.NoError(t, same.Close())
	assert.ErrorContains(t, Clean(m.o.Dir), "is in use by another run")

	m.Close()
	m.closers = nil
	killed := filepath.Join(m.o.Dir, "functions", "lambda-1")
	require.NoError(t, os.MkdirAll(killed, 0o755))
	cdn, err := Listen(n)
	require.NoError(t, err)
	again := startTest(t, func(o *Options) { o.Dir, o.CDN = m.o.Dir, cdn })
	assert.Equal(t, m.BaseURL, again.BaseURL, "both are free once it is closed")
	assert.NoDirExists(t, killed, "what a run that was killed had unzipped")
}

func TestCleanDeletesTheStateAndNothingElse(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	dir := m.o.Dir
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.txt"), nil, 0o644))
	m.Close()
	m.closers = nil
	require.NoError(t, Clean(dir))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, entry := range left {
		names = append(names, entry.Name())
	}
	assert.Equal(t, []string{"lock", "mine.txt"}, names)
}

func TestCleanKeepsBucketsThatWereThereBefore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	documents := []byte(`{"acme": {"policy": null, "notifications": []}}`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, ExistingFile), documents, 0o600))
	for _, bucket := range []string{"acme", "own"} {
		for _, kind := range []string{"buckets", "meta"} {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "s3", kind, bucket, "a"), 0o755))
		}
	}
	require.NoError(t, Clean(dir))
	for _, kind := range []string{"buckets", "meta"} {
		assert.DirExists(t, filepath.Join(dir, "s3", kind, "acme", "a"))
		assert.NoDirExists(t, filepath.Join(dir, "s3", kind, "own"))
	}
	left, err := os.ReadFile(filepath.Join(dir, ExistingFile))
	require.NoError(t, err)
	assert.Equal(t, documents, left)
	require.NoError(t, os.WriteFile(filepath.Join(dir, ExistingFile), []byte("{"), 0o600))
	require.ErrorContains(t, Clean(dir), ExistingFile, "who cannot tell whose a bucket is deletes none")
	assert.DirExists(t, filepath.Join(dir, "s3", "buckets", "acme"))
}

func TestAStartThatFailsLeavesNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(typ string, inputs map[string]any)
		want   string
	}{
		"a gate that is no JavaScript": {func(typ string, in map[string]any) {
			if typ == typeGate {
				in["code"] = "function handler("
			}
		}, "gate"},
		"a gate on another runtime": {func(typ string, in map[string]any) {
			if typ == typeGate {
				in["runtime"] = "cloudfront-js-1.0"
			}
		}, "only a published function on cloudfront-js-2.0"},
		"a gate that is not published": {func(typ string, in map[string]any) {
			if typ == typeGate {
				in["publish"] = false
			}
		}, "only a published function on cloudfront-js-2.0"},
		"a runtime that is not implemented": {func(typ string, in map[string]any) {
			if typ == typeFunction {
				in["runtime"] = "nodejs22.x"
			}
		}, "nodejs22.x"},
		"an address open to everyone": {func(typ string, in map[string]any) {
			if typ == typeURL {
				in["authorizationType"] = "NONE"
			}
		}, "authorizationType"},
		"a distribution that asks too much": {func(typ string, in map[string]any) {
			if typ == typeDistribution {
				in["originGroups"] = []any{map[string]any{}}
			}
		}, "originGroups"},
	} {
		t.Run(name, func(t *testing.T) {
			before := children(t)
			o := Options{Document: testPlan(t), Region: testRegion, Dir: t.TempDir(),
				Bundles: map[string]string{"echo.zip": selfZip(t)}}
			for _, r := range o.Document.Resources {
				tt.change(r.Type, r.Inputs)
			}
			_, err := Start(t.Context(), o)
			require.ErrorContains(t, err, tt.want)
			assert.Equal(t, before, children(t))
		})
	}
}

// children is how many processes this one has; the subtests run alone.
func children(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	n := 0
	for _, task := range tasks {
		data, err := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		if err == nil {
			n += len(strings.Fields(string(data)))
		}
	}
	return n
}

func TestAnEngineThatEndsByItselfIsNoticed(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	m.table.Close()
	select {
	case err := <-m.Failed():
		assert.ErrorContains(t, err, "the DynamoDB engine ended by itself")
	case <-time.After(time.Minute):
		t.Fatal("nobody said so")
	}
}

func TestCloseEndsAnAnswerThatTakesTooLong(t *testing.T) {
	t.Parallel()
	m := startTest(t, nil)
	hung := make(chan struct{})
	url, err := m.Serve(http.HandlerFunc(func(_ http.ResponseWriter,
		r *http.Request) {
		close(hung)
		<-r.Context().Done()
	}))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	require.NoError(t, err)
	failed := make(chan error, 1)
	go func() { _, err := http.DefaultClient.Do(req); failed <- err }()
	<-hung
	m.Close()
	m.closers = nil
	assert.Error(t, <-failed)
}
