package sweep

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cloud answers as Lambda and CloudFront do, from the recorded answers in
// testdata, and notes what it was asked to delete.
type cloud struct {
	t       *testing.T
	deleted []string
	// refuse is the file of the answer to deletions; empty means success.
	refuse string
	// gone hides the distribution that uses the live stack's function.
	gone bool
	fail string // a path that answers 500
	// young makes every function look as if it had just been changed.
	young bool
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.fail != "" && strings.Contains(r.URL.Path, c.fail) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var file string
	switch path := r.URL.Path; {
	case r.Method == http.MethodDelete:
		name := strings.TrimPrefix(path, "/2015-03-31/functions/")
		if q := r.URL.Query().Get("Qualifier"); q != "" {
			name += ":" + q
		}
		c.deleted = append(c.deleted, name)
		if c.refuse == "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("X-Amzn-Errortype", "InvalidParameterValueException")
		w.WriteHeader(http.StatusBadRequest)
		file = c.refuse
	case strings.HasSuffix(path, "/distribution"):
		file = "distributions.xml"
		if c.gone {
			file = "distributions-gone.xml"
		}
	case strings.HasPrefix(path, "/2017-03-31/tags/"):
		file = "tags-dev.json"
		if strings.Contains(path, "edge-0000bad") {
			file = "tags-other.json"
		}
	case strings.HasSuffix(path, "/versions"):
		file = "versions.json"
		if r.URL.Query().Get("Marker") != "" {
			file = "versions-2.json"
		}
	case strings.HasPrefix(path, "/2015-03-31/functions"):
		file = "functions.json"
		if r.URL.Query().Get("Marker") != "" {
			file = "functions-2.json"
		}
	default:
		c.t.Errorf("no answer was recorded for %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	data, err := os.ReadFile(filepath.Join("testdata", file))
	assert.NoError(c.t, err)
	_, _ = w.Write(data)
}

// run sweeps against c and returns what was printed.
func run(t *testing.T, c *cloud, stack string, apply bool) (string, error) {
	t.Helper()
	c.t = t
	server := httptest.NewServer(c)
	defer server.Close()
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	var out bytes.Buffer
	s := &sweeper{
		lambda: lambda.NewFromConfig(cfg), cloudfront: cloudfront.NewFromConfig(cfg), project: "secure-media-cdn",
		stack: stack, apply: apply, out: &out,
		now: func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) },
	}
	if c.young {
		s.now = func() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }
	}
	err := s.sweep(context.Background())
	return out.String(), err
}

func TestWithoutApplyNothingIsDeleted(t *testing.T) {
	c := &cloud{}
	out, err := run(t, c, "dev", false)
	require.NoError(t, err)
	assert.Empty(t, c.deleted)
	assert.Equal(t, ""+
		"kept    secure-media-cdn-dev-edge-0000bad: its tags are not this stack's\n"+
		"kept    secure-media-cdn-dev-edge-0000aaa: it was changed within the last hour\n"+
		"would delete secure-media-cdn-dev-edge-1a2b3c4:1\n"+
		"would delete secure-media-cdn-dev-edge-1a2b3c4:2\n"+
		"kept    secure-media-cdn-dev-edge-1a2b3c4:3: a distribution uses it\n"+
		"kept    secure-media-cdn-dev-edge-1a2b3c4:10: a distribution uses it\n"+
		"would delete secure-media-cdn-dev-edge-9f8e7d6\n", out)
}

func TestApplyDeletesWhatNoDistributionUses(t *testing.T) {
	c := &cloud{}
	out, err := run(t, c, "dev", true)
	require.NoError(t, err)
	assert.Equal(
		t,
		[]string{
			"secure-media-cdn-dev-edge-1a2b3c4:1", "secure-media-cdn-dev-edge-1a2b3c4:2",
			"secure-media-cdn-dev-edge-9f8e7d6",
		},
		c.deleted,
	)
	assert.Contains(t, out, "deleted secure-media-cdn-dev-edge-9f8e7d6\n")
}

func TestADestroyedStackLosesItsWholeFunction(t *testing.T) {
	c := &cloud{gone: true}
	_, err := run(t, c, "dev", true)
	require.NoError(t, err)
	assert.Equal(t, []string{"secure-media-cdn-dev-edge-1a2b3c4", "secure-media-cdn-dev-edge-9f8e7d6"}, c.deleted)
}

func TestReplicasThatAreStillThereAreNoFailure(t *testing.T) {
	c := &cloud{gone: true, refuse: "delete-replicated.json"}
	out, err := run(t, c, "dev", true)
	require.NoError(t, err, "a sweep that comes too early comes again")
	assert.Contains(t, out, "waiting secure-media-cdn-dev-edge-9f8e7d6: CloudFront still has replicas of it")
	assert.NotContains(t, out, "deleted")
}

func TestAnyOtherRefusalIsAFailure(t *testing.T) {
	_, err := run(t, &cloud{gone: true, refuse: "delete-refused.json"}, "dev", true)
	assert.ErrorContains(t, err, "deleting secure-media-cdn-dev-edge-1a2b3c4")
}

func TestWhatIsNotKnownToBeUnusedIsKept(t *testing.T) {
	for _, call := range []string{"/distribution", "/tags/", "/versions", "/functions"} {
		c := &cloud{fail: call}
		_, err := run(t, c, "dev", true)
		assert.Error(t, err, call)
		assert.Empty(t, c.deleted, "nothing goes before everything was read: %s", call)
	}
}

func TestOtherStacksAreNotTouched(t *testing.T) {
	for _, stack := range []string{"prod", "de", "dev-edge", "d.v"} {
		c := &cloud{gone: true}
		out, err := run(t, c, stack, true)
		require.NoError(t, err)
		assert.Empty(t, c.deleted, stack)
		assert.Equal(t, "no edge function of stack "+stack+" is left\n", out)
	}
}

func TestAVersionNewerThanAllInUseIsKeptAndSaysWhy(t *testing.T) {
	var out bytes.Buffer
	s := &sweeper{out: &out}
	require.NoError(
		t,
		s.sweepFunction(
			context.Background(), candidate{name: "edge", versions: []int{1, 2, 3}},
			map[string]bool{"edge:2": true},
		),
	)
	assert.Equal(t, ""+
		"would delete edge:1\n"+
		"kept    edge:2: a distribution uses it\n"+
		"kept    edge:3: it is newer than a version in use, and may be on its way into the distribution\n", out.String())
}

func TestAFunctionThatIsKeptIsLeft(t *testing.T) {
	out, err := run(t, &cloud{young: true}, "dev", true)
	require.NoError(t, err)
	assert.Contains(t, out, "kept    secure-media-cdn-dev-edge-9f8e7d6: it was changed within the last hour\n")
	assert.NotContains(t, out, "no edge function")
}
