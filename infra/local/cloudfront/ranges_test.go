package cloudfront

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRangesOfAHundredBytes(t *testing.T) {
	get := func(header string, body []byte) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		serveObject(w, &exchange{method: "GET", header: http.Header{"Range": {header}}}, &object{body: body})
		return w
	}
	body := bytes.Repeat([]byte("0123456789"), 10)
	for header, want := range map[string]string{
		"bytes=0-9":         "bytes 0-9/100",
		"bytes=90-":         "bytes 90-99/100",
		"bytes=90-200":      "bytes 90-99/100",
		"bytes=-10":         "bytes 90-99/100",
		"bytes=-200":        "bytes 0-99/100",
		"bytes=0-9,200-300": "bytes 0-9/100",
	} {
		w := get(header, body)
		assert.Equal(t, 206, w.Code, header)
		assert.Equal(t, want, w.Header().Get("Content-Range"), header)
	}
	for _, header := range []string{"bytes=0-0,-1", "bytes=0-9, 20-29"} {
		w := get(header, body)
		assert.Equal(t, 206, w.Code, header)
		assert.Contains(t, w.Header().Get("Content-Type"), "multipart/byteranges", header)
	}
	assert.Equal(t, 416, get("bytes=100-", body).Code)
	for _, header := range []string{
		"", "bytes", "bytes=", "bytes=-", "bytes=-0", "bytes=a-b", "bytes=9-0", "bytes=+1-2", "bytes=1--2", "lines=1-2",
		"bytes=0-9,", "bytes=5-9,0-4", "bytes=0-9,9-10", "bytes=99999999999999999999-",
	} {
		w := get(header, body)
		assert.Equal(t, 200, w.Code, header)
		assert.Len(t, w.Body.Bytes(), 100, header)
	}
	assert.Equal(t, 200, get("bytes=0-", nil).Code, "of an empty object there is no part")
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
