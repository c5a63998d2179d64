package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/plan"
)

func TestTheLogIsBounded(t *testing.T) {
	l := newRequestLog()
	for n := range 3 * logLength {
		l.add(cloudfront.Record{Path: fmt.Sprint("/", n), Source: cloudfront.FromGate})
	}
	entries, missed := l.since(0)
	require.Len(t, entries, logLength)
	assert.EqualValues(t, 2*logLength, missed)
	assert.EqualValues(t, 2*logLength+1, entries[0].Number)
	assert.EqualValues(t, 3*logLength, entries[logLength-1].Number)
	entries, missed = l.since(3*logLength - 2)
	assert.Len(t, entries, 2)
	assert.Zero(t, missed)
	t.Run("a page that outlived its console starts again", func(t *testing.T) {
		entries, _ := l.since(1 << 40)
		assert.Len(t, entries, logLength)
	})
	t.Run("who is up to date gets nothing", func(t *testing.T) {
		entries, missed := l.since(3 * logLength)
		assert.Empty(t, entries)
		assert.Zero(t, missed)
	})
}

func TestAPathIsCutToItsFirstBytes(t *testing.T) {
	l := newRequestLog()
	l.add(cloudfront.Record{Path: "/" + strings.Repeat("é", 40000)})
	entries, _ := l.since(0)
	assert.LessOrEqual(t, len(entries[0].Path), shownPath+len("…"))
	assert.True(t, utf8.ValidString(entries[0].Path))
}

func TestThePageGetsWhatIsNewAndHowThingsStand(t *testing.T) {
	d := newDesk(t, s3.New(s3.Options{}), nil)
	ask := func(after string) (got news) {
		t.Helper()
		w := d.ask("GET", Path+"/api/news?after="+after, "")
		require.Equal(t, 200, w.Code)
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		return got
	}
	assert.Contains(t, d.ask("GET", Path+"/api/news", "").Body.String(), `"requests":[]`)
	hostile := "/images/</script>\n\ndata: {}\n\n\xff"
	d.Observe(cloudfront.Record{Time: d.now, Method: "GET", Path: "/images/one", Status: 200, Result: "Miss",
		Source: cloudfront.FromS3, Duration: time.Millisecond})
	d.Observe(cloudfront.Record{Path: hostile, Status: 404, Source: cloudfront.FromFunction, Note: "a\nb"})

	got := ask("")
	require.Len(t, got.Requests, 2, "a page that opens gets what was before")
	assert.Equal(t, entry{Number: 1, Time: got.Requests[0].Time, Method: "GET", Path: "/images/one", Status: 200,
		Result: "Miss", Source: "s3", Milliseconds: 1}, got.Requests[0])
	assert.Equal(t, "/images/</script>\n\ndata: {}\n\n\ufffd", got.Requests[1].Path)

	got = ask("1")
	require.Len(t, got.Requests, 1, "a page that knows one gets the other")
	assert.EqualValues(t, 2, got.Requests[0].Number)

	assert.EqualValues(t, 7, got.Stats.Requests)
	assert.Equal(t, map[string]int64{"s3": 1, "function": 1}, got.Sources)
	assert.Empty(t, ask("2").Requests)
}

func TestTheStackIsShownWithoutSecrets(t *testing.T) {
	d := newDesk(t, s3.New(s3.Options{}), func(o *Options) {
		o.Unsupported = []string{"priceClass: one place"}
		for _, r := range []struct{ typ, name, inputs string }{
			{"pulumi:providers:aws", "us-east-1", `{"secretKey":"hush"}`},
			{"aws:s3/bucketV2:BucketV2", "content", `{"bucket":"media-test","forceDestroy":true}`},
			{"aws:lambda/function:Function", "edge",
				`{"runtime":"python3.13","architectures":["x86_64"],"environment":{"variables":{"KEY":"hush"}}}`},
			{"aws:dynamodb/table:Table", "mappings", `{"hashKey":"hash"}`},
			{"aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey", "key-1", `{"key":"k.1","value":"hush"}`},
			{"random:index:Random", "other", `{}`},
		} {
			res := plan.Resource{Type: r.typ, Name: r.name}
			require.NoError(t, json.Unmarshal([]byte(r.inputs), &res.Inputs))
			o.Document.Resources = append(o.Document.Resources, res)
		}
	})
	w := d.ask("GET", Path+"/api/stack", "")
	assert.NotContains(t, w.Body.String(), "hush")
	var answer struct {
		Groups      []group
		Outputs     []fact
		Unsupported []string
		Folders     []service
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	var names []string
	for _, g := range answer.Groups {
		for _, r := range g.Resources {
			names = append(names, g.Name+": "+r.Type+" "+r.Name)
		}
	}
	assert.Equal(t, []string{"Delivery: KeyvaluestoreKey key-1", "Functions: Function edge", "Media: BucketV2 content",
		"Links: Table mappings", "Others: Random other"}, names)
	assert.Equal(t, []fact{{"runtime", "python3.13"}, {"architectures", []any{"x86_64"}}},
		answer.Groups[1].Resources[0].Facts)
	assert.Contains(t, answer.Outputs, fact{"mediaBucket", testBucket})
	assert.Equal(t, []service{{Name: "chat", Access: "private"}, {Name: "shop", Access: "public"}}, answer.Folders)
	assert.Equal(t, []string{"priceClass: one place"}, answer.Unsupported)
}
