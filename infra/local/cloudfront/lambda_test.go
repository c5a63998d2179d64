package cloudfront

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

func FuzzReadAnswer(f *testing.F) {
	f.Add(`{"status":"200","headers":{"a":[{"value":"b"}]}}`)
	f.Add(`{"uri":"/a","method":"GET","headers":{"host":[{"value":"b.s3.eu-central-1.amazonaws.com"}]},` +
		`"origin":{"s3":{"domainName":"x"}}}`)
	x := &exchange{behaviour: &behaviour{Behaviour: &distribution.Behaviour{Origin: &distribution.Origin{Domain: "b.s3.eu-central-1.amazonaws.com"}}}}
	f.Fuzz(func(t *testing.T, answer string) {
		in := originRequest{method: "GET", uri: "/a", header: http.Header{}}
		event := x.lambdaEvent(&distribution.Distribution{}, in).Records[0].CF.Request
		out, made, err := readAnswer([]byte(answer), event, in)
		if err != nil {
			return
		}
		header := out.header
		if made != nil {
			o, err := made.object(false)
			if err != nil {
				return
			}
			if header = o.header; o.status < 200 || o.status > 599 {
				t.Errorf("the status %d", o.status)
			}
		}
		for name := range header {
			if distribution.Disallowed.Has(name) || readOnlyAtOrigin.Has(name) {
				t.Errorf("%s came through", name)
			}
		}
	})
}

func TestCustomHeadersOfTheOriginCanBeChangedByTheFunction(t *testing.T) {
	x := &exchange{behaviour: &behaviour{Behaviour: &distribution.Behaviour{Origin: &distribution.Origin{Domain: "b.s3.eu-central-1.amazonaws.com"}}}}
	in := originRequest{method: "GET", uri: "/a", header: http.Header{},
		custom: []distribution.Header{{Name: "x-a", Value: "1"}}}
	event := x.lambdaEvent(&distribution.Distribution{}, in).Records[0].CF.Request
	for name, row := range map[string]struct {
		custom lambdaHeaders
		want   []distribution.Header
		err    string
	}{
		"kept": {lambdaHeaders{"x-a": {{"x-a", "1"}}}, []distribution.Header{{Name: "X-A", Value: "1"}},
			""},
		"removed":                {lambdaHeaders{}, nil, ""},
		"added":                  {lambdaHeaders{"x-b": {{"", "2"}}}, []distribution.Header{{Name: "X-B", Value: "2"}}, ""},
		"not custom":             {lambdaHeaders{"range": {{"", "bytes=0-1"}}}, nil, "range is read-only"},
		"disallowed":             {lambdaHeaders{"x-edge-a": {{"", "2"}}}, nil, "x-edge-a is disallowed"},
		"in the request already": {lambdaHeaders{"user-agent": {{"", "2"}}}, nil, "among the origin's customHeaders"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := event
			changed.Headers = lambdaHeaders{"host": event.Headers["host"], "user-agent": {{"User-Agent", "x"}}}
			s3 := *event.Origin.S3
			s3.CustomHeaders = row.custom
			changed.Origin = &lambdaOrigin{S3: &s3}
			answer, err := json.Marshal(changed)
			assert.NoError(t, err)
			out, _, err := readAnswer(answer, event, in)
			if row.err != "" {
				assert.ErrorContains(t, err, row.err)
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, row.want, out.custom)
			assert.False(t, out.unsigned)
		})
	}
}
