package engine_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/engine"
)

func TestEnginesStartAnswerAndEnd(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func() (*engine.Server, error){
		"dynoxide": func() (*engine.Server, error) { return engine.DynamoDB(context.Background(), "") },
		"versitygw": func() (*engine.Server, error) {
			return engine.S3(context.Background(), t.TempDir(), "eu-central-1",
				aws.Credentials{AccessKeyID: "test", SecretAccessKey: "testtest"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := start()
			require.NoError(t, err)
			defer s.Close()
			require.True(t, strings.HasPrefix(s.URL, "http://127.0.0.1:"), s.URL)
			resp, err := http.Get(s.URL + "/")
			require.NoError(t, err)
			resp.Body.Close()
			if name == "versitygw" {
				assert.Equal(t, http.StatusForbidden, resp.StatusCode, "an unsigned request is refused")
			}

			s.Close()
			<-s.Done()
			_, err = net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			assert.Error(t, err, "the port is free again")
		})
	}
}

func TestAnEngineThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	_, err := engine.DynamoDB(context.Background(), "/nonexistent/folder/db")
	require.Error(t, err)
	assert.Contains(t, err.Error(), "starting dynoxide")
	assert.Contains(t, err.Error(), "last words")
}
