package edge

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/infra/local/engine/enginetest"
)

func TestADownloadHasTheNameOfItsObject(t *testing.T) {
	for _, tt := range []struct{ name, key, want string }{
		{"the last segment", "simple-chat/2026/photo.jpg", `attachment; filename="photo.jpg"; filename*=UTF-8''photo.jpg`},
		{"a space", "a b.jpg", `attachment; filename="a b.jpg"; filename*=UTF-8''a%20b.jpg`},
		{"letters beyond ASCII", "Übersicht – 1.jpg",
			`attachment; filename="_bersicht _ 1.jpg"; filename*=UTF-8''%C3%9Cbersicht%20%E2%80%93%201.jpg`},
		{"quotes and what separates parameters", `a";b='c'.jpg`,
			`attachment; filename="a__b__c_.jpg"; filename*=UTF-8''a%22%3Bb%3D%27c%27.jpg`},
		{"percent signs", "100%41.jpg", `attachment; filename="100_41.jpg"; filename*=UTF-8''100%2541.jpg`},
		{"a path of Windows", `..\..\evil.exe`, `attachment; filename=".._.._evil.exe"; filename*=UTF-8''.._.._evil.exe`},
		{"a line break that would begin a header", "a\r\nSet-Cookie: b=c.jpg",
			`attachment; filename="a__Set-Cookie_ b_c.jpg"; filename*=UTF-8''a__Set-Cookie%3A%20b%3Dc.jpg`},
		{"a name that reads from right to left", "photo\u202egpj.exe",
			`attachment; filename="photo_gpj.exe"; filename*=UTF-8''photo_gpj.exe`},
		{"no name", "simple-chat/folder/", `attachment; filename="download"; filename*=UTF-8''download`},
		{"a folder's name", "simple-chat/..", `attachment; filename="download"; filename*=UTF-8''download`},
	} {
		t.Run(tt.name, func(t *testing.T) { assert.Equal(t, tt.want, attachment(tt.key)) })
	}
}

func TestALongNameIsCutBeforeItsExtension(t *testing.T) {
	for key, want := range map[string]string{
		strings.Repeat("a", 255):                       strings.Repeat("a", 255),
		strings.Repeat("a", 1000) + ".jpeg":            strings.Repeat("a", 250) + ".jpeg",
		strings.Repeat("é", 500) + ".jpeg":             strings.Repeat("é", 125) + ".jpeg",
		strings.Repeat("😀", 250):                       strings.Repeat("😀", 63),
		"a." + strings.Repeat("b", 900):                "a." + strings.Repeat("b", 253),
		"." + strings.Repeat("b", 900):                 "." + strings.Repeat("b", 254),
		strings.Repeat("a", 900) + ".":                 strings.Repeat("a", 254) + ".",
		strings.Repeat("a/", 300) + "b.jpg":            "b.jpg",
		strings.Repeat("a", 251) + ".jpg":              strings.Repeat("a", 251) + ".jpg",
		strings.Repeat("a", 249) + "éé" + ".jpg":       strings.Repeat("a", 249) + "é.jpg",
		strings.Repeat("a", 254) + "é" + "no-dot-here": strings.Repeat("a", 254),
	} {
		assert.Equal(t, want, fileName(key), "%.20q", key)
	}
}

// anyKey draws keys of an S3 bucket, above all what a header could choke on.
func anyKey() *rapid.Generator[string] {
	hostile := rapid.SampledFrom([]rune("\"\\;='*%,/ \t\r\n\x00\x7f\u0085\u202e\u2066é😀.()<>@:?[]{}~`^|"))
	return rapid.OneOf(
		rapid.StringOfN(rapid.OneOf(hostile, rapid.Rune()), 1, 300, 1024),
		rapid.StringOfN(rapid.Rune(), 1, 1024, 1024),
	)
}

func TestAParserReadsTheNameBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := anyKey().Draw(t, "key")
		disposition := attachment(key)
		kind, parameters, err := mime.ParseMediaType(disposition)
		require.NoError(t, err, "%q", disposition)
		assert.Equal(t, "attachment", kind)
		assert.Equal(t, map[string]string{"filename": fileName(key)}, parameters)

		// Whoever does not know filename* reads a name of the same length.
		plain, _, _ := strings.Cut(disposition, "; filename*=")
		_, parameters, err = mime.ParseMediaType(plain)
		require.NoError(t, err)
		assert.Equal(t, utf8.RuneCountInString(fileName(key)), len(parameters["filename"]))

		for _, c := range []byte(disposition) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q has a byte that is not printable ASCII", disposition)
			}
		}
		query := override("content-disposition", disposition)
		assert.Equal(t, -1, strings.IndexAny(query, " +#&"), "%q", query)
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		assert.Equal(t, url.Values{"response-content-disposition": {disposition}}, values)
	})
}

func TestANameIsTheLastSegmentWhereThatIsPlain(t *testing.T) {
	names := rapid.StringMatching(`[a-zA-Z0-9éü😀"';%*=,()@: _-]{1,40}\.[a-z]{3}`)
	rapid.Check(t, func(t *rapid.T) {
		name := names.Draw(t, "name")
		assert.Equal(t, name, fileName("simple-chat/"+name))
	})
}

func TestANameIsOneFileOfAnyFileSystem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := fileName(anyKey().Draw(t, "key"))
		assert.NotEmpty(t, strings.Trim(name, ". "))
		assert.LessOrEqual(t, len(name), maxName)
		assert.True(t, utf8.ValidString(name))
		assert.NotContains(t, name, "/")
		assert.NotContains(t, name, `\`)
	})
}

func FuzzAttachment(f *testing.F) {
	f.Add("a\xff\xfe.jpg")
	f.Fuzz(func(t *testing.T, key string) {
		_, parameters, err := mime.ParseMediaType(attachment(key))
		if err != nil || parameters["filename"] != fileName(key) {
			t.Fatalf("%q: %v %v", attachment(key), parameters, err)
		}
	})
}

// A real S3 server answers a download as its signed URL says, in either way of
// delivery, and refuses a URL in which the name was changed.
func TestADownloadIsAnAttachmentOfARealS3Server(t *testing.T) {
	server, client := enginetest.Bucket(t, "media")
	p := NewPresigner(enginetest.Credentials, server, time.Now)
	for _, key := range []string{
		"chat/photo.jpg", `chat/a";b='c' 100%41 – é😀.svg`, "chat/" + strings.Repeat("é", 120) + ".jpg", "page.html",
	} {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("media"), Key: &key, Body: strings.NewReader("x"),
			ContentType: aws.String("text/html"), ContentDisposition: aws.String("inline"),
		})
		require.NoError(t, err)
		object := mapping.Object{Bucket: "media", Key: key}
		for delivery, overrides := range map[Delivery]string{
			DeliverOrigin:   atOrigin(object, seal.Download, time.Minute, time.Hour),
			DeliverRedirect: atS3(object, seal.Download, time.Minute, time.Hour),
		} {
			signed, err := p.Sign(t.Context(), http.MethodGet, object, "eu-central-1", overrides, time.Minute)
			require.NoError(t, err)
			resp := fetch(t, signed)
			require.Equal(t, http.StatusOK, resp.StatusCode, delivery)
			kind, parameters, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
			require.NoError(t, err)
			assert.Equal(t, "attachment", kind)
			assert.Equal(t, fileName(key), parameters["filename"])
			if delivery == DeliverRedirect {
				assert.NotEqual(t, "text/html", resp.Header.Get("Content-Type"))
			}
			resp = fetch(t, strings.Replace(signed, "attachment", "inline", 1))
			assert.Equal(t, http.StatusForbidden, resp.StatusCode)
		}
	}
}
