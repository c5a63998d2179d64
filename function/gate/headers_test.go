package gate_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/infra/local/cloudfrontjs"
)

// leaving returns the headers of an answer at a path as they leave the function.
func leaving(t require.TestingT, f *cloudfrontjs.Function, uri string, headers values) values {
	event, err := json.Marshal(map[string]any{"version": "1.0", "request": map[string]any{"method": "GET", "uri": uri,
		"headers": values{}, "querystring": values{}, "cookies": values{}},
		"response": map[string]any{"statusCode": 200, "statusDescription": "OK", "headers": headers, "cookies": values{}}})
	require.NoError(t, err)
	output, err := f.Run(context.Background(), event)
	require.NoError(t, err)
	var got answer
	require.NoError(t, json.Unmarshal(output, &got))
	require.Equal(t, 200, got.StatusCode)
	return got.Headers
}

// answered returns the names of an answer's headers as they leave the function.
func answered(t *testing.T, names ...string) []string {
	t.Helper()
	headers := values{}
	for _, name := range names {
		headers[name] = value{Value: "of " + name}
	}
	var left []string
	for name, header := range leaving(t, newGate(t, gate.Headers(300)).Function, "/", headers) {
		assert.Equal(t, "of "+name, header.Value)
		left = append(left, name)
	}
	slices.Sort(left)
	return left
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func TestNoHeaderOfS3sOwnLeaves(t *testing.T) {
	kept := []string{"cache-control", "content-length", "content-type", "etag", "last-modified", "vary", "x-amzn-other"}
	s3 := []string{
		"x-amz-meta-uploader", "x-amz-meta-", "x-amz-storage-class", "x-amz-version-id", "x-amz-id-2", "x-amz-request-id",
		"x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-checksum-sha256",
		"x-amz-tagging-count", "x-amz-missing-meta", "x-amz-expiration", "x-amz-replication-status",
	}
	assert.Equal(t, kept, answered(t, append(s3, kept...)...))
	assert.Equal(t, kept, answered(t, kept...))
	assert.Empty(t, answered(t))
}

func TestHeadersFitsCloudFront(t *testing.T) {
	code := gate.Headers(2_592_000)
	require.NoError(t, cloudfrontjs.Check(code))
	assert.LessOrEqual(t, len(code), 10_000)
	for i := range len(code) {
		require.Less(t, code[i], byte(0x80), "only ASCII: the limit may be in characters or in bytes")
	}
	assert.Contains(t, code, "\nconst viewerCacheSeconds = 2592000;\n")
}

// controls are what the Cache-Control of an answer becomes on the way to a viewer
// of a bound link whose browser may keep it for 300 seconds.
var controls = []struct{ name, before, after string }{
	{"a photo", "public, max-age=86400, s-maxage=2592000, stale-if-error=0", "private, max-age=300"},
	{"a link that ends soon", "public, max-age=42, s-maxage=42, stale-if-error=0", "private, max-age=42"},
	{"just as long", "public, max-age=300", "private, max-age=300"},
	{"its last second", "public, max-age=0, s-maxage=0", "private, max-age=0"},
	{"only for shared caches", "public, s-maxage=60", "private, max-age=0"},
	{"for ever", "public, max-age=31536000, immutable", "private, max-age=300"},
	{"a large number", "max-age=2000000000", "private, max-age=300"},
	{"an error", "no-store", "no-store"},
	{"a redirect to S3", "private, no-store", "private, no-store"},
	{"no-store beside a time", "max-age=60, No-Store", "max-age=60, No-Store"},
	{"capitals and no spaces", "PUBLIC,MAX-AGE=60,S-MAXAGE=61", "private, max-age=60"},
	{"what does not say", "public", "private, max-age=0"},
	{"no number", "max-age=soon", "private, max-age=0"},
	{"a negative number", "max-age=-60", "private, max-age=0"},
	{"another word that ends so", "s-max-age=60", "private, max-age=0"},
	{"nothing", "", "private, max-age=0"},
}

// longLife is the end of a link that shortens none of them.
var longLife = time.Unix(1<<32-1, 0)

func TestOnlyTheBrowserKeepsTheAnswersOfBoundLinks(t *testing.T) {
	f := newGate(t, gate.Headers(300)).Function
	bound, unbound := boundTo(t, room, "b"), sealed(t, 2, longLife, "a")
	for _, tt := range controls {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"", "/w320", "/download"} {
				before := values{"content-type": {Value: "image/jpeg"}, "x-amz-id-2": {Value: "S3"}}
				if tt.before != "" {
					before["cache-control"] = value{Value: tt.before}
				}
				after := leaving(t, f, "/images/"+bound+name, before)
				want := values{"content-type": {Value: "image/jpeg"}, "cache-control": {Value: tt.after}}
				assert.Equal(t, want, after, name)

				delete(before, "x-amz-id-2")
				assert.Equal(t, before, leaving(t, f, "/images/"+unbound+name, before), "an unbound link's stays, %s", name)
			}
		})
	}
}

// shortened are what the Cache-Control of an unbound link's answer becomes that has
// 42.5 seconds to live.
var shortened = map[string]string{
	"public, max-age=86400, s-maxage=2592000, stale-if-error=0": "public, max-age=42, s-maxage=42, stale-if-error=0",
	"public, max-age=30, s-maxage=86400":                        "public, max-age=30, s-maxage=42",
	"public, max-age=86400, s-maxage=41":                        "public, max-age=42, s-maxage=41",
	"MAX-AGE=86400,S-MAXAGE=86400":                              "MAX-AGE=42,S-MAXAGE=42",
	"s-max-age=86400, x-max-age=86400":                          "s-max-age=86400, x-max-age=86400",
	"max-age=99999999999999999999999999999999":                  "max-age=42",
	"max-age=0":          "max-age=0",
	"no-store":           "no-store",
	"private, no-store":  "private, no-store",
	"no-cache":           "no-cache",
	"max-age=86400, x=1": "max-age=42, x=1",
}

func TestNoCacheKeepsAnAnswerForLongerThanItsLinkLives(t *testing.T) {
	clock := expiry.Add(-42500 * time.Millisecond)
	f := newGate(t, gate.Headers(300), cloudfrontjs.WithClock(func() time.Time { return clock })).Function
	for _, name := range []string{"", "/w320", "/download"} {
		for before, after := range shortened {
			got := leaving(t, f, "/images/"+sealed(t, 2, expiry, "a")+name, values{"cache-control": {Value: before}})
			assert.Equal(t, values{"cache-control": {Value: after}}, got)
		}
		assert.Empty(t, leaving(t, f, "/images/"+sealed(t, 2, expiry, "a")+name, values{}))
		for left, want := range map[time.Duration]string{
			42500 * time.Millisecond: "42", time.Second: "1", 999 * time.Millisecond: "0", 0: "0", -time.Hour: "0",
		} {
			clock = expiry.Add(-left)
			before := values{"cache-control": {Value: "public, max-age=86400, s-maxage=86400"}}
			got := leaving(t, f, "/images/"+sealed(t, 2, expiry, "a")+name, before)["cache-control"].Value
			assert.Equal(t, "public, max-age="+want+", s-maxage="+want, got)
			got = leaving(t, f, "/images/"+boundTo(t, room, "b")+name, before)["cache-control"].Value
			assert.Equal(t, "private, max-age="+want, got)
		}
		clock = expiry.Add(-42500 * time.Millisecond)
	}
}

func TestAnswersAtOtherPathsStay(t *testing.T) {
	f := newGate(t, gate.Headers(300)).Function
	bound := boundTo(t, room, "b")
	before := values{"cache-control": {Value: "public, max-age=86400"}}
	for _, uri := range []string{"/", "/images/", "/images/a", "/marketplace/" + bound, "/" + bound, "/session",
		"/images", "", "/marketplace/images/" + bound, "/Images/" + bound} {
		assert.Equal(t, before, leaving(t, f, uri, before), uri)
	}
}

func TestNoSharedCacheKeepsAnAnswerOfABoundLink(t *testing.T) {
	limits, functions := []int{0, 1, 300, 86400}, map[int]*cloudfrontjs.Function{}
	for _, s := range limits {
		functions[s] = newGate(t, gate.Headers(s)).Function
	}
	uri := "/images/" + boundTo(t, room, "b")
	words := []string{"public", "private", "no-store", "no-cache", "max-age=", "s-maxage=", "60", "86400", ",", " ", "=",
		"\"", "immutable", "stale-while-revalidate=60", "Max-Age=1"}
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.SampledFrom(words)), func(s []string) string {
			return strings.Join(s, "")
		})).Draw(t, "cache-control")
		limit := rapid.SampledFrom(limits).Draw(t, "seconds")
		after := leaving(t, functions[limit], uri, values{"cache-control": {Value: before}})["cache-control"].Value
		if strings.Contains(strings.ToLower(before), "no-store") {
			require.Equal(t, before, after)
			return
		}
		text, ok := strings.CutPrefix(after, "private, max-age=")
		require.True(t, ok, "%q became %q", before, after)
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		require.True(t, 0 <= n && n <= limit, "%q became %q", before, after)
	})
}

func TestEveryLineOfHeadersMatters(t *testing.T) {
	code := gate.Headers(300)
	bound := "/images/" + boundTo(t, room, "b")
	unbound := "/images/" + sealedWith(t, 2, seal.Claims{ExpiresAt: longLife, Audience: seal.Audience{1, 1, 1, 1}}, "a")
	clock := cloudfrontjs.WithClock(func() time.Time { return now.Add(-500 * time.Millisecond) })
	ending := "/images/" + sealedWith(t, 2, seal.Claims{ExpiresAt: now.Add(42 * time.Second)}, "a")
	for _, tt := range []struct{ name, line, broken string }{
		{"what is S3's leaves", "delete headers[name];", ""},
		{"only that leaves", "name.startsWith('x-amz-')", "true"},
		{"bound links are told from others", "link[policyOffset] > 0", "true"},
		{"bound links are looked for", "link[policyOffset] > 0", "false"},
		{"the policy has its place", "policyOffset = 5", "policyOffset = 6"},
		{"the expiry has its place", "expiryOffset = 1", "expiryOffset = 2"},
		{"paths begin with the prefix", "uri.startsWith(prefix) && ", ""},
		{"errors stay", " && !/no-store/i.test(control)", ""},
		{"the time is bounded", "Math.min(viewerCacheSeconds, maxAge(control), left)", "Math.min(maxAge(control), left)"},
		{"the time is the answer's", "Math.min(viewerCacheSeconds, maxAge(control), left)",
			"Math.min(viewerCacheSeconds, left)"},
		{"the time is the link's", "Math.min(Number(seconds), left)", "seconds"},
		{"times are shortened only", "Math.min(Number(seconds), left)", "left"},
		{"times are whole seconds", "Math.floor", ""},
		{"both times are shortened", "(?:max-age|s-maxage)", "(?:max-age)"},
		{"all times are shortened", "(\\d+)/gi", "(\\d+)/i"},
		{"it is private", "'private, max-age='", "'max-age='"},
		{"max-age is a word", "/(?:^|[\\s,])max-age", "/max-age"},
		{"a shortened time is a word", "((?:^|[\\s,])", "("},
		{"an unbound link's answer without the header", "else if (control !== '')", "else"},
		{"an answer without a time", "found === null ? 0 : ", ""},
		{"an answer without the header", "headers['cache-control'] ? headers['cache-control'].value : ''",
			"headers['cache-control'].value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(code, tt.line), "this line is to be found once: %s", tt.line)
			f := newGate(t, strings.Replace(code, tt.line, tt.broken, 1), clock).Function
			assert.True(t, misjudges(f, bound, unbound, ending), "nothing noticed")
		})
	}
	assert.False(t, misjudges(newGate(t, code, clock).Function, bound, unbound, ending))
}

// misjudges reports whether a function does otherwise than the tests above say.
func misjudges(f *cloudfrontjs.Function, bound, unbound, ending string) (wrong bool) {
	failed := &failures{}
	for _, tt := range controls {
		before := values{"x-amz-id-2": {Value: "S3"}, "etag": {Value: "1"}}
		if tt.before != "" {
			before["cache-control"] = value{Value: tt.before}
		}
		assert.Equal(failed, values{"etag": {Value: "1"}, "cache-control": {Value: tt.after}},
			leaving(failed, f, bound, before))
		delete(before, "x-amz-id-2")
		for _, uri := range []string{unbound, strings.Replace(bound, "/images/", "/nudges/", 1)} {
			assert.Equal(failed, before, leaving(failed, f, uri, before))
		}
	}
	for before, after := range shortened {
		assert.Equal(failed, values{"cache-control": {Value: after}},
			leaving(failed, f, ending, values{"cache-control": {Value: before}}))
	}
	return failed.n > 0
}

// failures counts what assertions say.
type failures struct{ n int }

func (f *failures) Errorf(string, ...any) { f.n++ }
func (f *failures) FailNow()              {}
