package mapping

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"secure-media-cdn/function/seal"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// FuzzItem checks that whatever lies in the table is either a mapping that a
// link may stand for, and then survives being written again, or corrupt.
func FuzzItem(f *testing.F) {
	for _, item := range []string{
		`{"hash":{"S":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"},"s3_url":{"S":"s3://media/simple-chat/a.jpg"},` +
			`"created_at":{"N":"1"},"expires_at":{"N":"4294967295"},"ttl":{"N":"4294967295"},"service":{"S":"simple-chat"}}`,
		`{"hash":{"S":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"},"s3_url":{"S":"s3://media/a?b#c%20//"},"created_at":{"N":"0"},` +
			`"expires_at":{"N":"1e3"}}`,
		`{"hash":{"S":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"},"s3_url":{"S":"s3://media/b/a"},"created_at":{"N":"-1"},` +
			`"expires_at":{"N":"1800000000000"},"service":{"S":"a"}}`,
		`{"hash":{"S":"object#4Rw"},"s3_url":{"S":"s3:///"},"current":{"S":"x"}}`,
		`{"hash":{"N":"7"},"s3_url":{},"service":{}}`,
	} {
		f.Add([]byte(item))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := FromItem(itemOf(raw))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) || !reflect.ValueOf(m).IsZero() {
				t.Fatalf("%+v with %v", m, err)
			}
			return
		}
		if !seal.IsHash(m.Hash) || m.Object.Bucket == "" || m.Object.Key == "" || strings.Contains(m.Object.Bucket, "/") {
			t.Fatalf("%+v was taken for a mapping", m)
		}
		if m.Service != "" && !strings.HasPrefix(m.Object.Key, m.Service+"/") {
			t.Fatalf("%+v leaves its service", m)
		}
		if m.Live(m.ExpiresAt) || !m.Live(m.ExpiresAt.Add(-time.Nanosecond)) {
			t.Fatalf("%+v lives past its end", m)
		}
		again, err := FromItem(m.Item())
		if err != nil || again != m {
			t.Fatalf("%+v became %+v: %v", m, again, err)
		}
	})
}

// itemOf reads DynamoDB's JSON as far as strings and numbers go.
func itemOf(raw []byte) map[string]types.AttributeValue {
	var attributes map[string]struct{ S, N *string }
	_ = json.Unmarshal(raw, &attributes)
	item := map[string]types.AttributeValue{}
	for name, value := range attributes {
		switch {
		case value.S != nil:
			item[name] = &types.AttributeValueMemberS{Value: *value.S}
		case value.N != nil:
			item[name] = &types.AttributeValueMemberN{Value: *value.N}
		default:
			item[name] = &types.AttributeValueMemberNULL{Value: true}
		}
	}
	return item
}

// FuzzObject checks that what is read as an object is written the same again.
func FuzzObject(f *testing.F) {
	for _, s := range []string{"s3://media/a.jpg", "s3://media//", "s3://media/?#%", "s3:///a", "s3://media",
		"S3://media/a", "s3://media/\xff", "s3://media/ü", "https://media/a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseObject(s)
		if err != nil {
			if o != (Object{}) {
				t.Fatalf("%+v with %v", o, err)
			}
			return
		}
		if o.String() != s || o.Bucket == "" || o.Key == "" || strings.Contains(o.Bucket, "/") || len(o.Key) > 1024 {
			t.Fatalf("%q was read as %+v", s, o)
		}
	})
}

// FuzzAnswer checks that no answer of a server, whatever its bytes, ends the
// process or is taken for a mapping with an empty attribute.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		`{}`, `null`, `[]`, `"`, `{"Item":null}`, `{"Item":{}}`, `{"Item":{"hash":{"S":null}}}`,
		`{"Item":{"hash":{"S":7}}}`, `{"Item":{"hash":{"L":[]}}}`, `{"item":{"hash":{"s":"x"}}}`,
		`{"Item":{"hash":{"S":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"},"s3_url":{"S":"s3://media/a"},` +
			`"created_at":{"N":"1"},"expires_at":{"N":"4000000000"}}}`,
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
		if m, err := FromItem(item); err == nil && (m.Object.Key == "" || m.Hash == "") {
			t.Fatalf("%s was taken for %+v", body, m)
		}
	})
}
