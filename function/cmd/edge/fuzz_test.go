package main

import (
	"testing"

	"secure-media-cdn/function/mapping"
)

// FuzzAnswer holds that no answer of a table, whatever its bytes, ends the
// process or is taken for a mapping with an empty attribute.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		`{}`, `null`, `[]`, `"`, `{"Item":null}`, `{"Item":{}}`, `{"Item":{"hash":{"S":null}}}`, `{"Item":{"hash":{"S":7}}}`, `{"Item":{"hash":{"L":[]}}}`, `{"item":{"hash":{"s":"x"}}}`,
		`{"Item":{"hash":{"S":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"},"s3_url":{"S":"s3://media/a"},"created_at":{"N":"1"},"expires_at":{"N":"4000000000"}}}`,
		`{"__type":"x#y","message":"z"}`, `{"__type":"#"}`, `{"__type":7}`,
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if refusal(400, body) == nil {
			t.Fatal("a refusal is an error")
		}
		item, err := decode(body)
		if err != nil && item != nil {
			t.Fatalf("%v with %v", item, err)
		}
		if m, err := mapping.FromItem(item); err == nil && (m.Object.Key == "" || m.Hash == "") {
			t.Fatalf("%s was taken for %+v", body, m)
		}
	})
}
