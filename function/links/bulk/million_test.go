package bulk

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/api"
)

var keys = flag.Int("keys", 50_000, "keys of the large export")

// largeExport makes up an export line by line, so that it takes no memory of its own.
type largeExport struct {
	next, end int
	rest      string
}

func (e *largeExport) Read(p []byte) (int, error) {
	if e.rest == "" {
		if e.next == e.end {
			return 0, io.EOF
		}
		e.rest = fmt.Sprintf("{\"id\":%d,\"object\":\"chat/2026/11/%d.jpg\"}\n", e.next, e.next)
		e.next++
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// countingIssuer makes a link for each object that has none, and counts both.
type countingIssuer struct {
	made  []atomic.Bool // by number of the object
	first atomic.Int64  // links that it made
	again atomic.Int64  // links that it gave out once more
	calls atomic.Int64
	stop  func(call int64)
}

func (c *countingIssuer) issue(ctx context.Context, objects []string) ([]api.Link, error) {
	c.stop(c.calls.Add(1))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := make([]api.Link, len(objects))
	for n, object := range objects {
		var number int
		if _, err := fmt.Sscanf(object, "s3://media/chat/2026/11/%d.jpg", &number); err != nil {
			return nil, err
		}
		if c.made[number].Swap(true) {
			c.again.Add(1)
		} else {
			c.first.Add(1)
		}
		all[n] = api.Link{Object: object, URL: fmt.Sprintf("https://cdn.example/images/%032d", number), Service: "chat"}
	}
	return all, nil
}

// TestALargeExportNeedsLittleMemoryAndNoSecondLink interrupts it twice, cuts the file in the middle of a line as a kill
// may, and goes on. `make soak` does it with ten million keys.
func TestALargeExportNeedsLittleMemoryAndNoSecondLink(t *testing.T) {
	const parallel, most = 8, 64 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	file := filepath.Join(t.TempDir(), "links.ndjson")
	issuer := &countingIssuer{made: make([]atomic.Bool, *keys)}
	base := live()
	var peak atomic.Uint64
	for round := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		begun := issuer.calls.Load()
		issuer.stop = func(call int64) {
			if call%50 == 0 {
				peak.Store(max(peak.Load(), live()))
			}
			if round < 2 && call-begun == int64(*keys/300) {
				cancel()
			}
		}
		in, err := NewReader(Input{Reader: &largeExport{end: *keys}, Format: NDJSON, Bucket: "media"})
		require.NoError(t, err)
		out, err := OpenOutput(file, false, nil)
		require.NoError(t, err)
		count := new(Count)
		err = Job{Input: in, Output: out, Issue: issuer.issue, Parallel: parallel, Count: count, Wait: time.Second}.Run(ctx)
		cancel()
		require.NoError(t, out.Close())
		if round < 2 {
			require.ErrorIs(t, err, context.Canceled)
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(file, info.Size()-7))
			continue
		}
		require.NoError(t, err)
		assert.EqualValues(t, *keys, count.Links.Load())
		assert.Positive(t, count.Earlier.Load())
	}
	assert.EqualValues(t, *keys, issuer.first.Load())
	// What was under way when a run was interrupted is asked for again, and nothing else: the calls that were made at
	// once, those that waited to be written, and the line that was cut.
	assert.LessOrEqual(t, issuer.again.Load(), int64(2*(2*parallel+2)*100))
	checkWhole(t, file)
	t.Logf("%d links, %d of them asked for again, %d MB of memory at most beside %d", *keys, issuer.again.Load(),
		(peak.Load()-base)>>20, base>>20)
	assert.Less(t, peak.Load()-base, uint64(most))
}

// checkWhole holds that the file has every line once, in order, with the link of its object.
func checkWhole(t *testing.T, file string) {
	in, err := os.Open(file)
	require.NoError(t, err)
	defer in.Close()
	scanner, number := bufio.NewScanner(in), 0
	for scanner.Scan() {
		var r Result
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &r))
		require.EqualValues(t, number+1, r.Line)
		require.Equal(t, fmt.Sprintf("s3://media/chat/2026/11/%d.jpg", number), r.Object)
		require.True(t, strings.HasSuffix(r.URL, fmt.Sprintf("/%032d", number)))
		number++
	}
	require.NoError(t, scanner.Err())
	assert.Equal(t, *keys, number)
}

// live is the memory of the heap in bytes, garbage included.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
