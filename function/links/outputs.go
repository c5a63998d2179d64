package links

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"regexp"
)

// localOutputs is where make run leaves the outputs of the local stack.
const localOutputs = "build/local/outputs.json"

// outputs are those of the stack's outputs that a client needs.
type outputs struct {
	IssuerURL         string `json:"issuerUrl"`
	MediaBucketRegion string `json:"mediaBucketRegion"`
}

// readOutputs reads the file, or the local stack's if path is empty.
func readOutputs(path string) (outputs, error) {
	file := path
	if file == "" {
		file = localOutputs
	}
	raw, err := os.ReadFile(file)
	if path == "" && errors.Is(err, fs.ErrNotExist) {
		return outputs{}, fmt.Errorf("there is no %s here: start `make run`, or write a stack's outputs with `pulumi stack output --json > outputs.json` and pass --outputs outputs.json", localOutputs)
	}
	if err != nil {
		return outputs{}, fmt.Errorf("reading the stack's outputs: %w", err)
	}
	var o outputs
	if err := json.Unmarshal(raw, &o); err != nil {
		return outputs{}, fmt.Errorf("%s is not what `pulumi stack output --json` prints: %w", file, err)
	}
	u, err := url.Parse(o.IssuerURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && !o.local() {
		return outputs{}, fmt.Errorf("%s has no issuerUrl that starts with https://", file)
	}
	return o, nil
}

// local reports whether the stack is make run's on this machine.
func (o outputs) local() bool {
	u, err := url.Parse(o.IssuerURL)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

// regionInHost finds the region in a Function URL.
var regionInHost = regexp.MustCompile(`\.lambda-url\.([a-z0-9-]+)\.on\.aws$`)

// region returns the region to sign for: the one in the address, or else the
// bucket's, beside which the issuer lives.
func (o outputs) region() string {
	if u, err := url.Parse(o.IssuerURL); err == nil {
		if m := regionInHost.FindStringSubmatch(u.Hostname()); m != nil {
			return m[1]
		}
	}
	return o.MediaBucketRegion
}
