package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

const (
	// MaxUpload is the size of the largest picture that the page takes, in bytes.
	MaxUpload = 32 << 20
	// maxUploads bounds the pictures in memory at a time.
	maxUploads = 2
	// maxName is the length of the longest file name, in bytes.
	maxName = 200
	// sniffed is how much http.DetectContentType looks at.
	sniffed = 512
)

var errBadName = errors.New("a file name has 1 to 200 bytes, is valid UTF-8, and has no slashes and no control " +
	"characters")

// serveUpload stores the body as the picture <folder>/<name>.
func (c *Console) serveUpload(w http.ResponseWriter, r *http.Request) {
	folder, name := r.URL.Query().Get("folder"), r.URL.Query().Get("name")
	if !c.knownFolder(folder) {
		fail(w, http.StatusBadRequest, "there is no such folder: pictures belong to one of the stack's services")
		return
	}
	if err := checkName(name); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	key := name
	if folder != "" {
		key = folder + "/" + name
	}
	tooLarge := fmt.Sprintf("the picture is larger than %d MB, the most that the console takes", MaxUpload>>20)
	if r.ContentLength > MaxUpload {
		fail(w, http.StatusRequestEntityTooLarge, tooLarge)
		return
	}
	select {
	case c.uploads <- struct{}{}:
		defer func() { <-c.uploads }()
	case <-r.Context().Done():
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxUpload))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		fail(w, http.StatusRequestEntityTooLarge, tooLarge)
		return
	case err != nil:
		return // the browser went away
	}
	kind := pictureType(body)
	if kind == "" {
		fail(w, http.StatusUnsupportedMediaType, "the file is no JPEG, PNG, GIF, WebP or AVIF picture")
		return
	}
	if status, err := c.store(r, key, kind, body); err != nil {
		fail(w, status, err.Error())
		return
	}
	reply(w, http.StatusCreated, map[string]string{"key": key})
}

// store puts a new object: what is there already may be cached under its links, so it is not replaced.
func (c *Console) store(r *http.Request, key, kind string, body []byte) (int, error) {
	_, err := c.options.S3.PutObject(r.Context(), &s3.PutObjectInput{
		Bucket: aws.String(c.outputs.Bucket), Key: aws.String(key), Body: bytes.NewReader(body),
		ContentType: aws.String(kind), IfNoneMatch: aws.String("*"),
	})
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode() == "PreconditionFailed":
		return http.StatusConflict, fmt.Errorf("%s is there already: rename the file, since its links must not change "+
			"their picture", key)
	case err != nil:
		return http.StatusBadGateway, fmt.Errorf("S3 did not take %s: %w", key, err)
	}
	return http.StatusCreated, nil
}

func (c *Console) knownFolder(folder string) bool {
	for _, s := range c.outputs.Services {
		if s.Name == folder {
			return true
		}
	}
	return folder == "" && len(c.outputs.Services) == 0
}

// checkName takes a file name that can be the end of a key, and of a path.
func checkName(name string) error {
	switch {
	case name == "" || len(name) > maxName || !utf8.ValidString(name), name == "." || name == "..",
		strings.ContainsAny(name, `/\`), strings.ContainsFunc(name, unicode.IsControl):
		return errBadName
	}
	return nil
}

// pictureType returns the type of a picture that browsers draw and that cannot hold a script, judged by its first
// bytes; anything else is "".
func pictureType(head []byte) string {
	switch kind := http.DetectContentType(head); kind {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		return kind
	}
	// ISO 14496-12: the size of the first box, then "ftyp" and the brand.
	if len(head) >= 12 && (string(head[4:12]) == "ftypavif" || string(head[4:12]) == "ftypavis") {
		return "image/avif"
	}
	return ""
}

// serveThumbnail answers with the picture itself, which the page draws small: only what is a picture by its first
// bytes, and sandboxed should someone open it as a page.
func (c *Console) serveThumbnail(w http.ResponseWriter, r *http.Request) {
	object, err := c.options.S3.GetObject(r.Context(), &s3.GetObjectInput{
		Bucket: aws.String(c.outputs.Bucket), Key: aws.String(r.URL.Query().Get("key")),
	})
	if err != nil {
		fail(w, http.StatusNotFound, "the bucket has no such picture")
		return
	}
	defer object.Body.Close()
	head := make([]byte, sniffed)
	n, err := io.ReadFull(object.Body, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		fail(w, http.StatusBadGateway, "S3 broke off")
		return
	}
	kind := pictureType(head[:n])
	if kind == "" || aws.ToInt64(object.ContentLength) > MaxUpload {
		fail(w, http.StatusUnsupportedMediaType, "this object has no thumbnail")
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, max-age="+fmt.Sprint(int(time.Hour.Seconds()))) // the address holds the version
	_, _ = w.Write(head[:n])
	_, _ = io.Copy(w, object.Body) // a browser that went away is no error
}
