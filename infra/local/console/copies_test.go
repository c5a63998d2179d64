package console

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/infra/local/cloudfront"
	"secure-media-cdn/infra/local/resources"
)

// asked are the requests that reached the CDN.
type asked struct {
	mu  sync.Mutex
	all []cloudfront.Record
}

func (a *asked) add(r cloudfront.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, r)
}

// of returns what the CDN answered for a link, in order.
func (a *asked) of(link string) (answers []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.all {
		if strings.HasSuffix(link, r.Path) {
			answers = append(answers, fmt.Sprint(r.Status, " ", r.Result))
		}
	}
	return answers
}

// views opens a link as a click on it does, and reports whether a picture is shown.
func (b *tab) views(link string) bool {
	b.t.Helper()
	// The address that is open already would be reloaded, which asks again.
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(link))
	return b.evaluate(`document.images[0]?.naturalWidth > 0`) == true
}

// The page that says so to applications is function/issue/README.md.
func TestABrowsersOwnCopyLastsForItsConfiguredTimeInABrowser(t *testing.T) {
	const life = 12 * time.Second // of a browser's copy: long enough for a few views on a busy machine
	var seen asked
	m, issuer := startStack(t, resources.Options{
		Document:  stackPlan(t, map[string]string{"browserCacheSeconds": strconv.Itoa(int(life / time.Second))}),
		OnRequest: seen.add,
	})
	photo, err := os.ReadFile(landscape(t, "hills.jpg", 40))
	require.NoError(t, err)
	link := func(key string) string {
		_, err := m.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &m.Bucket, Key: aws.String(key),
			ContentType: aws.String("image/jpeg"), Body: strings.NewReader(string(photo))})
		require.NoError(t, err)
		issued, err := issuer.Issue(t.Context(), []string{"s3://" + m.Bucket + "/" + key}, issue.Terms{TTL: time.Hour})
		require.NoError(t, err)
		return issued[0].URL
	}
	own, old := link("simple-chat/own.jpg"), link("simple-chat/old.jpg")
	// held is the age of the edge's copies, and what the browser is told. There is a
	// copy for each set of encodings.
	sent := 0 // such requests
	held := func(link string) (age time.Duration, said string) {
		age = time.Hour
		for _, encodings := range []string{"gzip", "gzip, br"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
			require.NoError(t, err)
			r.Header.Set("Accept-Encoding", encodings)
			a, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			require.NoError(t, a.Body.Close())
			sent++
			seconds, _ := strconv.Atoi(a.Header.Get("Age"))
			age, said = min(age, time.Duration(seconds)*time.Second), a.Header.Get("Cache-Control")
		}
		return age, said
	}
	_, said := held(old)
	assert.Regexp(t, `^public, max-age=12, s-maxage=359\d, stale-if-error=0$`, said)
	page := openBrowser(t)

	require.True(t, page.views(own))
	hash := own[strings.LastIndex(own, "/")+1:]
	_, err = issuer.Revoke(t.Context(), nil, []string{hash})
	require.NoError(t, err)
	require.True(t, page.views(own), "within max-age the browser shows its own copy, though the link is revoked")
	require.Equal(t, []string{"200 Miss"}, seen.of(own), "and asks nobody")

	for began := time.Now(); len(seen.of(own)) == 1; time.Sleep(200 * time.Millisecond) {
		require.Less(t, time.Since(began), time.Minute, "the browser never asks again")
		page.views(own)
	}
	assert.Equal(t, []string{"200 Miss", "404 FunctionGeneratedResponse"}, seen.of(own))
	assert.False(t, page.views(own), "after max-age it is refused")

	for age, _ := held(old); age < life; age, _ = held(old) {
		time.Sleep(200 * time.Millisecond)
	}
	// A request is told of after its answer.
	require.Eventually(t, func() bool { return len(seen.of(old)) == sent }, time.Minute, 10*time.Millisecond)
	for range 3 {
		require.True(t, page.views(old))
	}
	require.Eventually(t, func() bool { return len(seen.of(old)) >= sent+3 }, time.Minute, 10*time.Millisecond)
	assert.Equal(t, []string{"200 Hit", "304 Hit", "304 Hit"}, seen.of(old)[sent:],
		"a copy that is older at the edge than max-age is asked for again at each view")
}
