package cloudfront

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRangesOfAHundredBytes(t *testing.T) {
	for header, want := range map[string][]span{
		"bytes=0-9":         {{0, 9}},
		"bytes=90-":         {{90, 99}},
		"bytes=90-200":      {{90, 99}},
		"bytes=-10":         {{90, 99}},
		"bytes=-200":        {{0, 99}},
		"bytes=0-0,-1":      {{0, 0}, {99, 99}},
		"bytes=0-9, 20-29":  {{0, 9}, {20, 29}},
		"bytes=0-9,200-300": {{0, 9}},
		"bytes=100-":        nil,
		"bytes=-0":          nil,
	} {
		got, ok := parseRanges(header, 100)
		assert.True(t, ok, header)
		assert.Equal(t, want, got, header)
	}
	for _, header := range []string{"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-0", "bytes=+1-2", "bytes=1--2", "lines=1-2", "bytes=0-9,", "bytes=5-9,0-4", "bytes=0-9,9-10", "bytes=99999999999999999999-"} {
		_, ok := parseRanges(header, 100)
		assert.False(t, ok, header)
	}
	_, ok := parseRanges("bytes=0-", 0)
	assert.True(t, ok, "of an empty object nothing can be served")
}

func TestWhichRangesGoToTheOrigin(t *testing.T) {
	for _, row := range []struct {
		method string
		header http.Header
		want   string
	}{
		{"GET", http.Header{"Range": {"bytes=0-9"}}, "bytes=0-9"},
		{"GET", http.Header{"Range": {"bytes=-9"}}, "bytes=-9"},
		{"HEAD", http.Header{"Range": {"bytes=0-9"}}, ""},
		{"GET", http.Header{"Range": {"bytes=0-9,20-29"}}, ""},
		{"GET", http.Header{"Range": {"bytes=0-9"}, "If-Range": {`"a"`}}, ""},
		{"GET", http.Header{"Range": {"bytes=9-0"}}, ""},
		{"GET", http.Header{"Range": {"lines=0-9"}}, ""},
		{"GET", http.Header{"Range": {"bytes=0-9", "bytes=20-29"}}, ""},
		{"GET", http.Header{}, ""},
	} {
		x := &exchange{method: row.method, header: row.header}
		assert.Equal(t, row.want, x.forwardableRange(), row)
	}
}

func FuzzParseRanges(f *testing.F) {
	f.Add("bytes=0-9,20-29,-1", int64(100))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		size &= 1<<40 - 1
		spans, _ := parseRanges(header, size)
		previous := int64(-1)
		for _, s := range spans {
			if s.first <= previous || s.last < s.first || s.last >= size {
				t.Errorf("%q of %d bytes gives %v", header, size, spans)
			}
			previous = s.last
		}
	})
}
