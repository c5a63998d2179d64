package cloudfront

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/local/cloudfront/distribution"
)

func TestLifetimesAsTheyAreWritten(t *testing.T) {
	requested := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	p := distribution.CachePolicy{Default: time.Hour, Max: 30 * 24 * time.Hour}
	for _, row := range []struct {
		control, expires string
		want             time.Duration
	}{
		{"max-age=60", "", time.Minute},
		{"Public, MAX-AGE=60", "", time.Minute},
		{`max-age="60"`, "", time.Minute},
		{"S-MaxAge=30,max-age=60", "", 30 * time.Second},
		{"max-age=sixty", "", time.Hour},
		{"max-age=-1", "", time.Hour},
		{"max-age=0", "", 0},
		{"max-age=99999999999", "", p.Max},
		{"NO-STORE", "", 0},
		{`no-cache="Set-Cookie"`, "", 0},
		{"x-no-store", "", time.Hour},
		{"", "", time.Hour},
		{"", "Fri, 20 Nov 2026 12:00:30 GMT", 30 * time.Second},
		{"", "Fri, 20 Nov 2026 11:00:30 GMT", 0},
		{"", "tomorrow", 0},
		{"max-age=60", "tomorrow", time.Minute},
	} {
		h := http.Header{}
		if row.control != "" {
			h.Set("Cache-Control", row.control)
		}
		if row.expires != "" {
			h.Set("Expires", row.expires)
		}
		assert.Equal(t, row.want, lifetime(p, 200, readDirectives(h, requested)), "%s %s", row.control, row.expires)
	}
}
