package bench

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signed returns a redirect as one of the functions gives it.
func signed(host, expires, more string) []byte {
	location := "https://" + host + "/simple-chat/photo.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=" + expires +
		"&X-Amz-Signature=" + strings.Repeat("0", 64) + more
	headers := object{"location": []object{{"key": "Location", "value": location}}}
	data, _ := json.Marshal(object{"status": "302", "headers": headers})
	return data
}

func TestAnswersAreAlikeInWhatTheyDecide(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b []byte
		same bool
	}{
		{"the order of fields decides nothing",
			[]byte(`{"status":"404","body":"x"}`), []byte(`{"body":"x","status":"404"}`), true},
		{"another status", []byte(`{"status":"404"}`), []byte(`{"status":"403"}`), false},
		{"a missing header", []byte(`{"headers":{"retry-after":[]}}`), []byte(`{"headers":{}}`), false},
		{"what an SDK adds to a signed URL decides nothing",
			signed("b.s3", "300", ""), signed("b.s3", "300", "&x-id=GetObject"), true},
		{"another label of a signed URL's content",
			signed("b.s3", "300", "&response-content-type=a"), signed("b.s3", "300", "&response-content-type=b"), false},
		{"a longer life of a signed URL", signed("b.s3", "300", ""), signed("b.s3", "301", ""), false},
		{"another bucket in a signed URL", signed("b.s3", "300", ""), signed("c.s3", "300", ""), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := normalise(tt.a)
			require.NoError(t, err)
			b, err := normalise(tt.b)
			require.NoError(t, err)
			if tt.same {
				assert.Equal(t, a, b)
			} else {
				assert.NotEqual(t, a, b)
			}
		})
	}
}

func TestALocationThatIsNotSignedIsNoAnswer(t *testing.T) {
	_, err := normalise([]byte(`{"headers":{"location":[{"value":"https://b.s3/key"}]}}`))
	assert.ErrorContains(t, err, "not signed")
}

func TestEveryFixedOutcomeIsACase(t *testing.T) {
	for name := range outcomes {
		assert.Contains(t, cases(), name)
	}
}
