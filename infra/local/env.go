package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"secure-media-cdn/infra/local/resources"
	"secure-media-cdn/infra/stack/outputs"
)

// Files of the state folder that tell others about the running stack.
const (
	outputsFile     = "outputs.json"     // as `pulumi stack output --json` prints them
	environmentFile = "environment.json" // what points an AWS SDK to the stack, credentials included
)

// environment returns the variables by which an AWS SDK finds the stack.
func environment(m *resources.Stack) map[string]string {
	region, _ := m.Outputs["mediaBucketRegion"].(string)
	return map[string]string{
		"AWS_ACCESS_KEY_ID": resources.Local.AccessKeyID, "AWS_SECRET_ACCESS_KEY": resources.Local.SecretAccessKey,
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ENDPOINT_URL_S3":       m.Endpoints["AWS_ENDPOINT_URL_S3"],
		"AWS_ENDPOINT_URL_DYNAMODB": m.Endpoints["AWS_ENDPOINT_URL_DYNAMODB"],
	}
}

// writeState writes a file of the state folder for its owner alone, as the Pulumi command line prints outputs.
func writeState(dir, name string, v any) error {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), data.Bytes(), 0o600)
}

// PrintEnv prints what an application on this machine needs to use the running stack with unchanged code, as lines
// of NAME='value': the variables of AWS's SDKs, and the outputs as `make outputs FORMAT=env` names them.
func PrintEnv(f Options, out io.Writer) error {
	dir, err := f.dir()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, environmentFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !resources.Running(dir) {
		return errors.New("no stack runs here: start one with `make run` and wait until it says ready")
	}
	if err != nil {
		return err
	}
	var variables map[string]string
	if err := json.Unmarshal(data, &variables); err != nil {
		return fmt.Errorf("%s: %w", environmentFile, err)
	}
	file, err := os.Open(filepath.Join(dir, outputsFile))
	if err != nil {
		return err
	}
	defer file.Close()
	o, err := outputs.Read(file)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		fmt.Fprintf(out, "%s='%s'\n", name, variables[name])
	}
	return o.WriteEnv(out)
}
