package bench

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"secure-media-cdn/function/bundle"
	"secure-media-cdn/function/variant"
)

// The widths of the variants that are made of the photo: the first, as in a
// list, and the one that is made again and again.
const firstWidth, width = 320, 640

// measurePictures measures the images function beside sharp: the same photo,
// variant, quality and effort, with one thread each.
func measurePictures(root string, p plan) ([]figure, error) {
	say("pictures: building the functions")
	photo, err := photo()
	if err != nil {
		return nil, err
	}
	s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
		_, _ = w.Write(photo)
	}))
	defer s3.Close()
	sides, err := preparePictures(root, s3.URL)
	if err != nil {
		return nil, err
	}
	all := map[variant.Format]measured{}
	for _, format := range []variant.Format{variant.Plain, variant.WebP, variant.AVIF} {
		first := job{event: pictureEvent(s3.URL, format, firstWidth), check: isPicture(format)}
		j := job{event: pictureEvent(s3.URL, format, width), check: isPicture(format)}
		say("pictures, %s: comparing, then %d starts of each and %d requests", format, p.coldStarts, p.warm)
		if err := alike(root, sides, j, format); err != nil {
			return nil, fmt.Errorf("%s: %w", format, err)
		}
		var m measured
		if m.zip, err = zipSizes(sides); err != nil {
			return nil, err
		}
		if m.cold, err = cold(p.coldStarts, slices.Collect(maps.Values(sides)), first); err != nil {
			return nil, err
		}
		if m.warm, m.used, err = warm(p, slices.Collect(maps.Values(sides)), j); err != nil {
			return nil, err
		}
		all[format] = m
	}
	return pictureFigures(all), nil
}

// preparePictures builds both sides below build/bench/images.
func preparePictures(root, endpoint string) (map[string]side, error) {
	build := filepath.Join(root, "build", "bench", "images")
	zip, err := bundle.Images.ForHost().Build(root)
	if err != nil {
		return nil, err
	}
	dir, sharp := filepath.Join(build, "go"), filepath.Join(build, "sharp")
	if err := unzip(zip, dir); err != nil {
		return nil, err
	}
	if err := install(filepath.Join(root, "bench", "sharp"), sharp, "index.js"); err != nil {
		return nil, err
	}
	sharpZip := filepath.Join(build, "sharp.zip")
	if err := pack(sharp, sharpZip); err != nil {
		return nil, err
	}
	inNode, err := nodeCommand(root, imageMemoryMB, filepath.Join(sharp, "index.js"))
	if err != nil {
		return nil, err
	}
	return equip(build, map[string]side{
		goFunction: {command: []string{filepath.Join(dir, "bootstrap")}, dir: dir, zip: zip},
		node:       {command: inNode, dir: sharp, zip: sharpZip},
	}, "AWS_ENDPOINT_URL_S3="+endpoint)
}

// pictureEvent is what CloudFront sends to the function's URL for a variant.
func pictureEvent(endpoint string, format variant.Format, width int) []byte {
	task := variant.Task{
		Variant: variant.Variant{Width: width}, Format: format,
		Expires: time.Now().Add(480 * time.Hour), Browser: 24 * time.Hour,
		Source: endpoint + "/" + liveKey + "?X-Amz-Signature=0", Photo: live.uri,
		Limits: variant.Limits{Megapixels: 100, Megabytes: 50, Frames: 60},
	}
	headers := task.Headers()
	headers[variant.HeaderLimits] = task.Limits.String()
	r := events.LambdaFunctionURLRequest{Version: "2.0", RawPath: "/", Headers: headers}
	r.RequestContext.HTTP.Method = http.MethodGet
	event, err := json.Marshal(r)
	if err != nil {
		panic(err) // it is made of strings
	}
	return event
}

// isPicture refuses an answer that is no picture of the wanted type. It does not
// decode the picture, which would take longer than what is measured.
func isPicture(format variant.Format) func([]byte) error {
	return func(body []byte) error {
		_, err := pictureOf(body, format)
		return err
	}
}

func pictureOf(body []byte, format variant.Format) ([]byte, error) {
	var answer events.LambdaFunctionURLResponse
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("reading the answer %.200q: %w", body, err)
	}
	want := "image/" + string(format)
	if format == variant.Plain {
		want = "image/jpeg"
	}
	if answer.StatusCode != http.StatusOK || answer.Headers["Content-Type"] != want || !answer.IsBase64Encoded {
		return nil, fmt.Errorf("not a picture of type %s: %.200q", want, body)
	}
	return base64.StdEncoding.DecodeString(answer.Body)
}
