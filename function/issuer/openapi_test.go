package issuer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/cloud/cloudtest"
	"secure-media-cdn/function/mapping/mappingtest"
)

// document is openapi.yaml as plain values.
type document map[string]any

func readDocument(t *testing.T) document {
	t.Helper()
	raw, err := os.ReadFile("../issue/api/openapi.yaml")
	require.NoError(t, err)
	var d map[string]any
	require.NoError(t, yaml.Unmarshal(raw, &d))
	return d
}

// at follows a path of keys, and the references on its way.
func (d document) at(path ...string) any {
	var v any = map[string]any(d)
	for _, key := range path {
		v = d.follow(v)
		m, ok := v.(map[string]any)
		if !ok || m[key] == nil {
			return nil
		}
		v = m[key]
	}
	return d.follow(v)
}

func (d document) follow(v any) any {
	if m, ok := v.(map[string]any); ok {
		if ref, ok := m["$ref"].(string); ok {
			return d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return v
}

// check says how v breaks the schema, or nothing. A keyword that it does not
// know fails the test: else the file could promise what nobody checks.
func (d document) check(schema, v any) error {
	s, ok := d.follow(schema).(map[string]any)
	if !ok {
		return fmt.Errorf("there is no schema")
	}
	if any, ok := s["anyOf"].([]any); ok {
		var last error
		for _, one := range any {
			if last = d.check(one, v); last == nil {
				return nil
			}
		}
		return last
	}
	for keyword, want := range s {
		if err := d.keyword(s, keyword, want, v); err != nil {
			return err
		}
	}
	return nil
}

func (d document) keyword(s map[string]any, keyword string, want, v any) error {
	text, _ := v.(string)
	list, _ := v.([]any)
	object, _ := v.(map[string]any)
	switch keyword {
	case "description":
	case "type":
		kinds, ok := want.([]any)
		if !ok {
			kinds = []any{want}
		}
		if !slices.ContainsFunc(kinds, func(kind any) bool { return isA(kind.(string), v) }) {
			return fmt.Errorf("%v is not of type %v", v, want)
		}
	case "required":
		for _, name := range want.([]any) {
			if _, there := object[name.(string)]; !there {
				return fmt.Errorf("%v lacks %v", v, name)
			}
		}
	case "properties":
		for name, schema := range want.(map[string]any) {
			if field, there := object[name]; there {
				if err := d.check(schema, field); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	case "additionalProperties":
		known := s["properties"].(map[string]any)
		for name := range object {
			if _, ok := known[name]; !ok {
				return fmt.Errorf("the field %s is not described", name)
			}
		}
	case "items":
		for n, item := range list {
			if err := d.check(want, item); err != nil {
				return fmt.Errorf("[%d]: %w", n, err)
			}
		}
	case "minItems":
		if len(list) < want.(int) {
			return fmt.Errorf("%d items are too few", len(list))
		}
	case "maxItems":
		if len(list) > want.(int) {
			return fmt.Errorf("%d items are too many", len(list))
		}
	case "minimum":
		if n, ok := v.(float64); ok && n < float64(want.(int)) {
			return fmt.Errorf("%v is too small", v)
		}
	case "pattern":
		if !regexp.MustCompile(want.(string)).MatchString(text) {
			return fmt.Errorf("%q does not match %v", text, want)
		}
	case "enum":
		if !slices.Contains(want.([]any), v) {
			return fmt.Errorf("%v is none of %v", v, want)
		}
	case "format":
		if _, err := time.Parse(time.RFC3339, text); want == "date-time" && (err != nil || !strings.HasSuffix(text, "Z")) {
			return fmt.Errorf("%q is no time in UTC", text)
		}
	default:
		return fmt.Errorf("the keyword %s is not checked", keyword)
	}
	return nil
}

func isA(kind string, v any) bool {
	switch v := v.(type) {
	case nil:
		return kind == "null"
	case string:
		return kind == "string"
	case float64:
		return kind == "integer" && v == float64(int64(v))
	case []any:
		return kind == "array"
	case map[string]any:
		return kind == "object"
	}
	return false
}

// Every path that the file names is served with the file's methods and no
// others, and each answer is as the file says.
func TestTheHandlerDoesWhatTheOpenAPIFileSays(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	w := newWorld(t, mappingtest.Engine(t))
	h := w.started()
	hash := issued(t, h, "s3://media/simple-chat/b.jpg")
	unknown := strings.Repeat("x", 32)

	seen := map[string]bool{}
	try := func(method, template, path, body string) {
		t.Helper()
		status, answer, headers := call(t, h, method, path, body)
		operation := d.at("paths", template, strings.ToLower(method))
		require.NotNil(t, operation, "%s %s is not described", method, template)
		var value any
		require.NoError(t, json.Unmarshal([]byte(answer), &value))
		schema := d.at("paths", template, strings.ToLower(method), "responses", strconv.Itoa(status), "content", "application/json", "schema")
		require.NotNil(t, schema, "the status %d of %s %s is not described", status, method, template)
		require.NoError(t, d.check(schema, value), answer)
		assert.Equal(t, status == http.StatusServiceUnavailable, headers["Retry-After"] != "")
		seen[method+" "+template+" "+strconv.Itoa(status)] = true

		request := d.at("paths", template, strings.ToLower(method), "requestBody", "content", "application/json", "schema")
		if status == http.StatusOK && request != nil {
			require.NoError(t, json.Unmarshal([]byte(body), &value))
			require.NoError(t, d.check(request, value), "a good request is not described: %s", body)
		}
	}
	many := strings.Repeat("x", 1<<20+1)
	run := func() {
		try("POST", "/links", "/links", `{"objects":["s3://media/simple-chat/a.jpg","s3://media/marketplace/p.jpg","s3://media/simple-chat/none.jpg","x"],"ttlSeconds":60}`)
		try("POST", "/links", "/links", `{"objects":["s3://media/simple-chat/a.jpg"],"ttlSeconds":null}`)
		try("POST", "/links", "/links", `{"objects":["x"]}`)
		try("POST", "/links", "/links", `{}`)
		try("POST", "/links", "/links", many)
		try("POST", "/links", "/links", `{"objects":["s3://media/simple-chat/none.jpg"]}`)
		for _, h := range []string{hash, unknown, "short"} {
			try("GET", "/links/{hash}", "/links/"+h, "")
		}
		try("POST", "/revocations", "/revocations", `{"objects":["s3://media/simple-chat/a.jpg"]}`)
		for _, h := range []string{hash, unknown, "short"} {
			try("DELETE", "/links/{hash}", "/links/"+h, "")
			try("POST", "/revocations", "/revocations", `{"hashes":["`+h+`"]}`)
		}
		try("GET", "/links/{hash}", "/links/"+hash, "")
		try("POST", "/revocations", "/revocations", `{"objects":["s3://media/marketplace/p.jpg","s3://other/a"]}`)
		try("POST", "/revocations", "/revocations", many)
	}
	run()
	w.aws.Fault = func(int, *http.Request) cloudtest.Fault { return cloudtest.Refused }
	run()
	w.aws.Fault = nil
	h.Issuer.Store = nil
	h.Issuer.Services = nil
	run()

	for template, item := range d.at("paths").(map[string]any) {
		for method, operation := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			for status := range operation.(map[string]any)["responses"].(map[string]any) {
				assert.True(t, seen[strings.ToUpper(method)+" "+template+" "+status], "%s %s never answers %s", strings.ToUpper(method), template, status)
			}
		}
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} {
			status, _, _ := call(t, h, method, strings.ReplaceAll(template, "{hash}", unknown), "")
			_, described := item.(map[string]any)[strings.ToLower(method)]
			assert.Equal(t, described, status != http.StatusMethodNotAllowed, "%s %s", method, template)
		}
	}
}

// The codes in the file are those in the code, each under its status.
func TestTheOpenAPIFileNamesEveryCode(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	codes := d.at("components", "schemas", "Problem", "properties", "code", "enum").([]any)
	text := d.at("components", "schemas", "Problem", "properties", "code", "description").(string)
	source, err := os.ReadFile("../issue/error.go")
	require.NoError(t, err)
	var declared []any
	for _, m := range regexp.MustCompile(`(?m)^\tCode\w+ += "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		declared = append(declared, m[1])
	}
	assert.ElementsMatch(t, declared, codes)
	for _, code := range codes {
		status := strconv.Itoa(issue.Problem(code.(string), "", "").Status())
		_, after, found := strings.Cut(text, status+":")
		require.True(t, found, status)
		section, _, _ := strings.Cut(after, ".")
		assert.Regexp(t, `\b`+code.(string)+`\b`, section, "%s is not listed under %s", code, status)
	}
}
