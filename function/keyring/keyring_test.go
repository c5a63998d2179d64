package keyring_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/keyring"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"
)

const store = "arn:aws:cloudfront::123456789012:key-value-store/11111111-2222-3333-4444-555555555555"

func TestAnEndpointOfOneMachineIsCalledAsItIs(t *testing.T) {
	t.Parallel()
	var path, authorization string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, authorization = r.URL.Path, r.Header.Get("Authorization")
		w.Header().Set("ETag", "1")
		fmt.Fprint(w, `{"ItemCount":0,"TotalSizeInBytes":0,"Created":0,"KvsARN":"arn"}`)
	}))
	defer server.Close()
	a := &cloudtest.AWS{}
	cfg := a.Config(false)
	cfg.HTTPClient = server.Client()
	client := cloudfrontkeyvaluestore.NewFromConfig(cfg, keyring.AtEndpoint(server.URL))
	out, err := client.DescribeKeyValueStore(context.Background(),
		&cloudfrontkeyvaluestore.DescribeKeyValueStoreInput{KvsARN: aws.String(store)})
	require.NoError(t, err)
	assert.Equal(t, "1", *out.ETag)
	assert.Equal(t, "/key-value-stores/"+store, path)
	assert.Contains(t, authorization, "AWS4-ECDSA-P256-SHA256", "signed as CloudFront demands")
}

func TestTheAudiencesKeyIsReadOnce(t *testing.T) {
	t.Parallel()
	a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: sealtest.Entries(1)}}
	ring := &keyring.Ring{Client: cloudfrontkeyvaluestore.NewFromConfig(a.Config(false)), Store: store, Generation: 1}
	for range 3 {
		k, err := ring.Audiences(t.Context())
		require.NoError(t, err)
		assert.Equal(t, sealtest.AudienceKey(t).Audience("chat"), k.Audience("chat"))
	}
	assert.Len(t, a.Calls, 1)

	for value, want := range map[string]error{"": keyring.ErrNoEntry, "short-secret": nil} {
		entries := map[string]string{}
		if value != "" {
			entries[seal.AudienceEntry] = value
		}
		a := &cloudtest.AWS{KeyValueStore: cloudtest.KeyValueStore{Entries: entries}}
		ring := &keyring.Ring{Client: cloudfrontkeyvaluestore.NewFromConfig(a.Config(false)), Store: store, Generation: 1}
		_, err := ring.Audiences(t.Context())
		require.Error(t, err)
		if want != nil {
			require.ErrorIs(t, err, want)
		}
		assert.NotContains(t, err.Error(), "secret")
	}
}
