package lambda_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/function/variant"
	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/locked"
)

// The zip that ships, with its library: a fault inside the library ends the
// process, and that costs the request in flight and nothing more.
func TestAFaultInTheImagesFunctionCostsTheRequestInFlight(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	zip, err := bundle.Images.ForHost().Build(root)
	require.NoError(t, err)

	var photo bytes.Buffer
	require.NoError(t, jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 640, 480)), nil))
	var stall atomic.Bool
	asked := make(chan struct{}, 1)
	s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stall.Load() {
			asked <- struct{}{}
			<-r.Context().Done()
			return
		}
		_, _ = w.Write(photo.Bytes())
	}))
	defer s3.Close()

	dir := t.TempDir()
	var reports []lambda.Report
	var logs locked.Buffer
	f := start(t, func(c *lambda.Config) {
		c.Name, c.Bundle, c.Dir, c.Concurrency, c.MemoryMB = "images", zip, dir, 1, 1769
		c.Environment = map[string]string{"AWS_ENDPOINT_URL_S3": s3.URL}
		c.Report = func(r lambda.Report) { reports = append(reports, r) }
		c.Logs = &logs
	})
	task := variant.Task{
		Variant: variant.Variant{Width: 320}, Format: variant.AVIF, Expires: time.Now().Add(time.Hour), Browser: time.Hour,
		Source: s3.URL + "/media/a.jpg", Photo: "/images/x",
		Limits: variant.Limits{Megapixels: 100, Megabytes: 50, Frames: 60},
	}
	ask := func() (answer events.LambdaFunctionURLResponse, err error) {
		r := events.LambdaFunctionURLRequest{Headers: task.Headers()}
		r.Headers[variant.HeaderLimits] = task.Limits.String()
		r.RequestContext.HTTP.Method = http.MethodGet
		payload, err := json.Marshal(r)
		require.NoError(t, err)
		body, err := f.Invoke(t.Context(), payload)
		if err != nil {
			return answer, err
		}
		return answer, json.Unmarshal(body, &answer)
	}
	good := func() {
		t.Helper()
		answer, err := ask()
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, answer.StatusCode)
		assert.Equal(t, "image/avif", answer.Headers["Content-Type"])
		assert.True(t, answer.IsBase64Encoded)
	}
	good()
	good()
	for _, fault := range []syscall.Signal{syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGKILL} {
		stall.Store(true)
		failed := make(chan error, 1)
		go func() { _, err := ask(); failed <- err }()
		<-asked
		pid := processIn(t, dir)
		require.NoError(t, syscall.Kill(pid, fault))
		require.Error(t, <-failed, "%v", fault)
		assert.False(t, running(pid))
		stall.Store(false)
		good()
	}
	assert.NotContains(t, logs.String(), "a.jpg", "nor does a fault show a URL")
	assert.Contains(t, logs.String(), "SIGSEGV")
	cold := 0
	for _, r := range reports {
		if r.Cold {
			cold++
		}
	}
	assert.Equal(t, 4, cold, "the process lives on but for the faults")
	t.Logf("cold start %s, then %s; warm %s", reports[0].Init, reports[0].Duration, reports[1].Duration)
}

// processIn returns the one process whose program lies below dir.
func processIn(t *testing.T, dir string) int {
	t.Helper()
	programs, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	var found []int
	for _, p := range programs {
		if target, err := os.Readlink(p); err == nil && strings.HasPrefix(target, dir+"/") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(p)))
			require.NoError(t, err)
			found = append(found, pid)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}
