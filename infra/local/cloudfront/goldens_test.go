package cloudfront

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
)

// TestEveryStackOfTheProgramCanBeRun builds a Server of each plan that the program's own tests keep. The printed
// plans leave out identifiers, and print policies parsed and code as its sum, so these are put back.
func TestEveryStackOfTheProgramCanBeRun(t *testing.T) {
	files, err := filepath.Glob("../../stack/testdata/*.golden.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			doc := &plan.Document{}
			require.NoError(t, json.Unmarshal(raw, doc))
			o := Options{S3: S3{Endpoint: "http://127.0.0.1:1"}, Lambdas: map[string]Lambda{}, Functions: map[string]Function{},
				URLs: Functions{URLs: map[string]string{}}}
			cdn := restore(t, doc, o)
			o.Distribution = read(t, doc)
			_, err = New(o)
			require.NoError(t, err)
			if aliases, _ := cdn.Inputs["aliases"].([]any); len(aliases) > 0 {
				assert.Contains(t, strings.Join(o.Distribution.Unsupported, "\n"), "aliases: ")
			}
		})
	}
}

// restore gives the resources what the printed plan leaves out, and the options the functions that the distribution
// names.
func restore(t *testing.T, doc *plan.Document, o Options) plan.Resource {
	t.Helper()
	cdn, ok := doc.Find("aws:cloudfront/distribution:Distribution", "cdn")
	require.True(t, ok)
	text, err := json.Marshal(cdn.Inputs)
	require.NoError(t, err)
	for i := range doc.Resources {
		r := &doc.Resources[i]
		suffix := "-" + r.Name + "-" + r.Type[strings.LastIndexByte(r.Type, ':')+1:]
		for _, word := range strings.Split(string(text), `"`) {
			switch {
			case strings.HasSuffix(word, suffix):
				r.ID = word
			case r.Type == "aws:cloudfront/function:Function" && strings.HasSuffix(word, "-"+r.Name) &&
				strings.Contains(word, ":function/"):
				r.Outputs = map[string]any{"arn": word}
				o.Functions[word] = &fakeGate{}
			case strings.HasPrefix(word, "arn:aws:lambda:"):
				o.Lambdas[word] = override("")
			case strings.Contains(word, ".lambda-url."):
				o.URLs.URLs[word] = "http://127.0.0.1:1"
			}
		}
		switch r.Type {
		case "aws:cloudfront/distribution:Distribution":
			r.ID, r.Outputs = "EDFDVBD6EXAMPLE", map[string]any{"arn": testDistribution,
				"domainName": "d111111abcdef8.cloudfront.net"}
		case "aws:cloudfront/function:Function":
			r.Inputs["code"] = "function handler(event) {}"
		case "aws:s3/bucketPolicy:BucketPolicy":
			policy, err := json.Marshal(r.Inputs["policy"])
			require.NoError(t, err)
			r.Inputs["policy"] = string(policy)
		}
	}
	return cdn
}
