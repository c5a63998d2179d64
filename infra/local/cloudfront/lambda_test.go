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

func TestAnOriginThatTheFunctionTouchedIsRefused(t *testing.T) {
	x := &exchange{behaviour: &behaviour{Behaviour: &distribution.Behaviour{Origin: &distribution.Origin{
		Domain: "b.s3.eu-central-1.amazonaws.com", CustomHeaders: []distribution.Header{{Name: "x-a", Value: "1"}}}}}}
	in := originRequest{method: "GET", uri: "/a", header: http.Header{}}
	event := x.lambdaEvent(&distribution.Distribution{}, in).Records[0].CF.Request
	for name, row := range map[string]struct {
		change func(*lambdaS3)
		err    string
	}{
		"as it was":               {func(*lambdaS3) {}, ""},
		"another domain":          {func(s *lambdaS3) { s.DomainName = "other.s3.eu-central-1.amazonaws.com" }, "the origin is not"},
		"another authentication":  {func(s *lambdaS3) { s.AuthMethod = "origin-access-identity" }, "the origin is not"},
		"another region":          {func(s *lambdaS3) { s.Region = "us-east-1" }, "the origin is not"},
		"a path":                  {func(s *lambdaS3) { s.Path = "/p" }, "the origin is not"},
		"a custom header changed": {func(s *lambdaS3) { s.CustomHeaders = lambdaHeaders{"x-a": {{"x-a", "2"}}} }, "the origin is not"},
		"a custom header removed": {func(s *lambdaS3) { s.CustomHeaders = lambdaHeaders{} }, "the origin is not"},
	} {
		t.Run(name, func(t *testing.T) {
			s3 := *event.Origin.S3
			row.change(&s3)
			changed := event
			changed.Origin = &lambdaOrigin{S3: &s3}
			answer, err := json.Marshal(changed)
			assert.NoError(t, err)
			_, _, err = readAnswer(answer, event, in)
			if row.err == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, row.err)
			}
		})
	}
}
