package resources

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"secure-media-cdn/infra/local/cloudfrontjs"
	"secure-media-cdn/infra/local/engine"
)

func (m *Stack) startTable(ctx context.Context) error {
	s, err := engine.DynamoDB(ctx, filepath.Join(m.o.Dir, "table.db"))
	if err != nil {
		return err
	}
	m.table = s
	m.keep(s, "the DynamoDB engine")
	if m.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"], err = m.Serve(signedOnly(s.URL)); err != nil {
		return err
	}
	client := dynamodb.New(dynamodb.Options{Region: m.o.Region, BaseEndpoint: &s.URL, Credentials: Provider})
	for _, r := range m.o.Document.ByType(typeTable) {
		if err := makeTable(ctx, client, r); err != nil {
			return fmt.Errorf("table %s: %w", r.Name, err)
		}
	}
	return nil
}

func (m *Stack) startBucket(ctx context.Context) error {
	events := []string{"--event-webhook-url", m.Endpoints[controlEndpoint] + eventsPath}
	s, err := engine.S3(ctx, filepath.Join(m.o.Dir, "s3"), m.o.Region, Local, events...)
	if err != nil {
		return err
	}
	m.bucket = s
	m.keep(s, "the S3 server")
	m.Endpoints["AWS_ENDPOINT_URL_S3"] = s.URL
	m.S3 = s3.New(s3.Options{Region: m.o.Region, BaseEndpoint: &s.URL, UsePathStyle: true, Credentials: Provider})
	for _, r := range m.o.Document.ByType(typeBucket) {
		if err := makeBucket(ctx, m.S3, m.o.Document, r); err != nil {
			return fmt.Errorf("bucket %s: %w", r.Name, err)
		}
	}
	m.Bucket, _ = m.o.Document.Outputs["mediaBucket"].(string)
	m.BucketExisted = ExistingBucket(m.o.Document) != ""
	return nil
}

// keep closes the engine with the stack, and fails if it ends before.
func (m *Stack) keep(s *engine.Server, what string) {
	closing := make(chan struct{})
	m.closers = append(m.closers, func() { close(closing); s.Close() })
	go func() {
		<-s.Done()
		select {
		case <-closing:
		default:
			m.fail(fmt.Errorf("%s ended by itself: %s", what, s.LastWords()))
		}
	}()
}

// signedOnly passes on to the DynamoDB engine, which believes any signature, what is signed with the stack's key.
// The functions' regions differ, and one engine stands for all.
func signedOnly(engine string) http.Handler {
	target, err := url.Parse(engine)
	if err != nil {
		panic(err) // we made it
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTableRequest))
		if err != nil {
			cloudfrontjs.Refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException")
			return
		}
		if err := verify(r, body, Local, "dynamodb", "", time.Now()); err != nil {
			cloudfrontjs.Refuse(w, http.StatusBadRequest, "InvalidSignatureException")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	})
}

// maxTableRequest is the largest request that DynamoDB takes, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const maxTableRequest = 16 << 20
