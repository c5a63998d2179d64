package local

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	engines "secure-media-cdn/infra/local/engine"
	"secure-media-cdn/infra/local/locked"
	"secure-media-cdn/infra/local/resources"
)

// acme is a bucket that was there before the stack.
const acme = "acme-photos"

// overAcme runs the dev stack over it.
func overAcme(t *testing.T, dir string, clean bool, config map[string]string) (*resources.Stack, string) {
	t.Helper()
	f := Options{Stack: "dev", Root: "../..", Dir: dir, Clean: clean, Config: map[string]string{"existingBucket": acme}}
	for name, value := range config {
		f.Config[name] = value
	}
	var out locked.Buffer
	m, err := start(t.Context(), f, &out, t.Output())
	require.NoError(t, err, out.String())
	return m, out.String()
}

// ofSomebodyElse makes the bucket in the state folder, with objects, a policy and notifications of its owner's. The
// owner has pasted what a stack over it asked for.
func ofSomebodyElse(t *testing.T, dir string) {
	t.Helper()
	m, out := overAcme(t, dir, false, nil) // to know what to paste
	assert.Contains(t, out, "one stands for it")
	notification, err := json.Marshal(m.Outputs["bucketNotification"])
	require.NoError(t, err)
	statement, err := json.Marshal(m.Outputs["bucketPolicyStatement"])
	require.NoError(t, err)
	m.Close()
	require.NoError(t, os.RemoveAll(dir))

	s, err := engines.S3(t.Context(), filepath.Join(dir, "s3"), "eu-central-1", resources.Local)
	require.NoError(t, err)
	defer s.Close()
	client := s3.New(s3.Options{Region: "eu-central-1", BaseEndpoint: &s.URL, UsePathStyle: true,
		Credentials: resources.Provider})
	_, err = client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(acme)})
	require.NoError(t, err)
	_, err = client.PutBucketCors(t.Context(), &s3.PutBucketCorsInput{Bucket: aws.String(acme),
		CORSConfiguration: &s3types.CORSConfiguration{CORSRules: []s3types.CORSRule{
			{AllowedMethods: []string{"PUT"}, AllowedOrigins: []string{"https://app.acme.example"}}}}})
	require.NoError(t, err)
	for key, body := range map[string][]byte{
		"discussion/old photo.jpg": sample, "discussion/2019/notes.txt": []byte("old"),
		"elsewhere/backup.tar": []byte("not of the stack's"),
	} {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(acme), Key: aws.String(key),
			Body: bytes.NewReader(body), ContentType: aws.String("image/jpeg"), Metadata: map[string]string{"by": "acme"}})
		require.NoError(t, err)
	}
	documents := `{"` + acme + `": {"policy": {"Version": "2012-10-17", "Statement": [
		{"Sid": "Backups", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
			"Action": "s3:*", "Resource": "arn:aws:s3:::` + acme + `/elsewhere/*"},
		` + string(statement) + `]},
		"notifications": [{"id": "indexer", "queueArn": "arn:aws:sqs:eu-central-1:999999999999:indexer",
			"events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}, ` + string(notification) + `]}}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, resources.ExistingFile), []byte(documents), 0o600))
}

// acmesFiles are the files of the bucket and of its documents, with their sums.
func acmesFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, root := range []string{"s3/buckets/" + acme, "s3/meta/" + acme, resources.ExistingFile} {
		err := filepath.WalkDir(filepath.Join(dir, root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			files[strings.TrimPrefix(path, dir)] = fmt.Sprintf("%x", sha256.Sum256(data))
			return err
		})
		require.NoError(t, err)
	}
	return files
}

func TestABucketThatWasThereIsServedAndLeftAsItWas(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	ofSomebodyElse(t, dir)
	before := acmesFiles(t, dir)
	require.Greater(t, len(before), 8, "objects, what the S3 server notes of them, and the documents")

	m, out := overAcme(t, dir, false, nil)
	assert.NotContains(t, out, "  !", "nothing is missing")
	r := &running{t: t, dir: dir, base: m.BaseURL, outputs: m.Outputs, s3: m.S3}
	link := out[strings.LastIndex(out, "ready: ")+len("ready: "):]
	link = strings.TrimSpace(link)
	assert.Equal(t, 200, fetch(t, "GET", link).StatusCode, "what is ready is one of the owner's own objects")
	old := r.issue("s3://"+acme+"/discussion/old photo.jpg", 0)
	assert.Equal(t, sample, fetch(t, "GET", old).body)
	assert.Equal(t, "image/avif", fetch(t, "GET", old+"/w320", "Accept", "image/avif").Header.Get("Content-Type"))
	assert.Equal(t, acme, m.Outputs["mediaBucket"])
	m.Close()
	assert.Equal(t, before, acmesFiles(t, dir), "a run and its end change nothing")

	m, _ = overAcme(t, dir, true, nil) // which destroys what the run before left
	assert.Equal(t, 404, fetch(t, "GET", m.BaseURL+old[len(r.base):]).StatusCode, "the links are gone")
	m.Close()
	assert.Equal(t, before, acmesFiles(t, dir), "and the bucket is not")

	t.Run("what happens in it reaches the stack", func(t *testing.T) {
		m, _ := overAcme(t, dir, false, nil)
		defer m.Close()
		r := &running{t: t, dir: dir, base: m.BaseURL, outputs: m.Outputs, s3: m.S3}
		link := r.issue(r.upload("discussion/new.jpg", sample), 0)
		require.Equal(t, 200, fetch(t, "GET", link).StatusCode)
		_, err := r.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(acme),
			Key: aws.String("discussion/new.jpg")})
		require.NoError(t, err)
		for end := time.Now().Add(time.Minute); fetch(t, "GET", link).StatusCode != 404; time.Sleep(20 * time.Millisecond) {
			require.True(t, time.Now().Before(end), "the deletion revoked nothing")
		}
	})
	t.Run("an owner who pasted nothing is told so", func(t *testing.T) {
		documents := `{"` + acme + `": {"policy": null, "notifications": []}}`
		require.NoError(t, os.WriteFile(filepath.Join(dir, resources.ExistingFile), []byte(documents), 0o600))
		m, out := overAcme(t, dir, false, nil)
		defer m.Close()
		assert.Contains(t, out, "  ! the policy of the bucket acme-photos does not let the distribution read")
		assert.Contains(t, out, "  ! the bucket acme-photos does not tell of what is deleted")
		r := &running{t: t, dir: dir, base: m.BaseURL, outputs: m.Outputs, s3: m.S3}
		assert.Equal(t, 403, fetch(t, "GET", r.issue("s3://"+acme+"/discussion/old photo.jpg", 0)).StatusCode)
	})
}
