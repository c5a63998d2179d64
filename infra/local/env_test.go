package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue/api"
)

// An application with AWS's SDK in its default form uploads, and calls the issuer, in the environment that make env
// prints and a shell has read.
func TestAnUnchangedApplicationRunsInTheEnvironmentThatIsPrinted(t *testing.T) {
	dir := t.TempDir()
	out, err := command("--env", "--dir", dir).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "no stack runs here: start one with `make run`")

	r := startProgram(t, dir)
	text, err := command("--env", "--dir", dir).Output()
	require.NoError(t, err)
	shell := exec.Command("bash", "-c", `set -a; eval "$1"; env -0`, "bash", string(text))
	shell.Env = []string{"PATH=" + os.Getenv("PATH")}
	read, err := shell.Output()
	require.NoError(t, err)
	for pair := range strings.SplitSeq(string(read), "\x00") {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "MEDIA_") {
			t.Setenv(name, value)
		}
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	bucket, key := os.Getenv("MEDIA_BUCKET"), "simple-chat/app.png"
	_, err = s3.NewFromConfig(cfg).PutObject(t.Context(),
		&s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("app"), ContentType: aws.String("image/png")})
	require.NoError(t, err)
	body := `{"objects":["s3://` + bucket + "/" + key + `"]}`
	call, err := http.NewRequest("POST", os.Getenv("MEDIA_ISSUER_URL")+"links", strings.NewReader(body))
	require.NoError(t, err)
	call.Header.Set("Content-Type", "application/json")
	keys, err := cfg.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(body))
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), keys, call, hex.EncodeToString(sum[:]), "lambda", cfg.Region,
		time.Now()))
	resp, err := http.DefaultClient.Do(call)
	require.NoError(t, err)
	defer resp.Body.Close()
	var answer struct{ Links []api.Link }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	require.Len(t, answer.Links, 1, "status %d", resp.StatusCode)
	assert.True(t, strings.HasPrefix(answer.Links[0].URL, os.Getenv("MEDIA_CDN_BASE_URL")+"/images/"))
	assert.Contains(t, os.Getenv("MEDIA_IMAGE_VARIANTS"), "w320:width=320")
	got := fetch(t, "GET", answer.Links[0].URL)
	assert.Equal(t, "app", string(got.body))
	_, err = dynamodb.NewFromConfig(cfg).DescribeTable(t.Context(),
		&dynamodb.DescribeTableInput{TableName: aws.String(os.Getenv("MEDIA_MAPPING_TABLE"))})
	require.NoError(t, err)

	for _, name := range []string{outputsFile, environmentFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	t.Run("the start says where everything is, and ends with a link", func(t *testing.T) {
		var lines []string
		for line := range strings.SplitSeq(r.said(), "\n") {
			if !strings.Contains(line, " | ") { // a function's own
				lines = append(lines, line)
			}
		}
		assert.True(t, strings.HasPrefix(lines[len(lines)-1], "ready: "+r.base+"/images/"))
		for _, start := range []string{"building ", "evaluating ", "starting ", "not on one machine", "CDN:", "console:",
			"issuer:", "S3:", "DynamoDB:"} {
			assert.Contains(t, "\n"+r.said(), "\n"+start)
		}
		for _, line := range lines {
			assert.LessOrEqual(t, len(line), 120, line)
		}
	})
	r.interrupt()
	_, err = command("--env", "--dir", dir).Output()
	assert.Error(t, err, "once the stack has ended")
}
