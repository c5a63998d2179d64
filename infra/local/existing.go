package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"secure-media-cdn/infra/local/resources"
	"secure-media-cdn/infra/plan"
)

// evaluateOver evaluates the program over the buckets that were there before the stack. A bucket that it reads and that
// is not here gets what its owner would paste.
func evaluateOver(root, dir string, f Options, out io.Writer) (doc *plan.Document, region string,
	existing map[string]resources.Existing, err error) {
	if existing, err = resources.ReadExisting(dir); err != nil {
		return nil, "", nil, err
	}
	fmt.Fprintf(out, "evaluating the Pulumi program for the stack %s\n", f.Stack)
	if doc, region, err = evaluate(root, f, existing); err != nil {
		return nil, "", nil, err
	}
	name := resources.ExistingBucket(doc)
	if _, known := existing[name]; known || name == "" {
		return doc, region, existing, nil
	}
	fmt.Fprintf(out, "the bucket %s is not here: one stands for it, whose owner pasted what the outputs ask for\n", name)
	if existing[name], err = resources.Pasted(doc.Outputs); err != nil {
		return nil, "", nil, err
	}
	if err := writeState(dir, resources.ExistingFile, existing); err != nil {
		return nil, "", nil, fmt.Errorf("writing %s: %w", resources.ExistingFile, err)
	}
	doc, region, err = evaluate(root, f, existing)
	return doc, region, existing, err
}

// photoFor uploads the sample under the key, and returns the key. In a bucket of somebody else's it rather takes what
// is in the same folder.
func photoFor(ctx context.Context, m *resources.Stack, key string) (string, error) {
	if m.BucketExisted {
		folder := key[:strings.IndexByte(key, '/')+1]
		listed, err := m.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &m.Bucket, Prefix: &folder})
		if err != nil {
			return "", fmt.Errorf("listing the bucket %s: %w", m.Bucket, err)
		}
		for _, o := range listed.Contents {
			if there := aws.ToString(o.Key); !strings.HasSuffix(there, "/") {
				return there, nil
			}
		}
	}
	_, err := m.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &m.Bucket, Key: &key, Body: bytes.NewReader(sample), ContentType: aws.String("image/jpeg"),
	})
	if err != nil {
		return "", fmt.Errorf("uploading the sample photo: %w", err)
	}
	return key, nil
}
