package links

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"

	"secure-media-cdn/function/issue/client"
)

// localOutputs is where `make run` leaves the outputs of the local stack.
const localOutputs = "build/local/outputs.json"

// stack is what the command knows of the stack it works on.
type stack struct {
	IssuerURL         string   `json:"issuerUrl"`
	CDNBaseURL        string   `json:"cdnBaseUrl"`
	MediaBucket       string   `json:"mediaBucket"`
	MediaBucketRegion string   `json:"mediaBucketRegion"`
	MappingTable      string   `json:"mappingTable"`
	MappingRegions    []string `json:"mappingRegions"`

	local  bool // it is the one of `make run`
	client *client.Client
}

// connect returns the stack whose outputs are in the file, or the local stack if path is empty. local is the file of
// the local stack. Only what that file says may be an address on this machine, and only with the local stack's
// credentials; every other file must name a Function URL. So whoever hands us a file can have us send credentials to
// AWS only.
func connect(ctx context.Context, path, local string) (*stack, error) {
	outputs := &stack{local: path == "" || sameFile(path, local)}
	if path == "" {
		path = local
	}
	raw, err := os.ReadFile(path)
	if outputs.local && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s here: start `make run`, or write a stack's outputs with "+
			"`pulumi stack output --json > outputs.json` and pass --outputs outputs.json", local)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the stack's outputs: %w", err)
	}
	if err := json.Unmarshal(raw, outputs); err != nil {
		return nil, fmt.Errorf("%s is not what `pulumi stack output --json` prints: %w", path, err)
	}
	if outputs.local {
		outputs.client, err = client.Local(outputs.IssuerURL, outputs.MediaBucketRegion)
		return outputs, explained("issuerUrl", path, err)
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(outputs.MediaBucketRegion))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	outputs.client, err = client.New(outputs.IssuerURL, outputs.MediaBucketRegion, cfg.Credentials)
	return outputs, explained("issuerUrl and mediaBucketRegion", path, err)
}

func explained(what, path string, err error) error {
	if err != nil {
		return fmt.Errorf("%s of %s: %w", what, path, err)
	}
	return nil
}

// sameFile reports whether both are names of one file.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}
