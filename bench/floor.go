package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// floor returns the least that any function must do: one signed GetItem over a
// connection that stays open, by the plainest client there is.
func floor(endpoint, hash string) ask {
	body := fmt.Appendf(nil, `{"TableName":%q,"ConsistentRead":true,"Key":{"hash":{"S":%q}}}`, tableName, hash)
	sum := sha256.Sum256(body)
	bodyHash := hex.EncodeToString(sum[:])
	signer := v4.NewSigner()
	credentials := aws.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	return func() (time.Duration, error) {
		start := time.Now()
		req, err := http.NewRequest(http.MethodPost, endpoint+"/", bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		req.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
		if err := signer.SignHTTP(context.Background(), credentials, req, bodyHash, "dynamodb", region, time.Now()); err != nil {
			return 0, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		item, err := io.ReadAll(resp.Body)
		took := time.Since(start)
		if err != nil {
			return 0, err
		}
		if resp.StatusCode != http.StatusOK || !bytes.Contains(item, []byte(hash)) {
			return 0, fmt.Errorf("the bare GetItem was answered with %s: %s", resp.Status, item)
		}
		return took, nil
	}
}
