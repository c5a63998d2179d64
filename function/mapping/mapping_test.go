package mapping

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseObjectTakesTheKeyLiterally(t *testing.T) {
	for s, want := range map[string]Object{
		"s3://media/a.jpg":                            {"media", "a.jpg"},
		"s3://media/a b+c?d#e%2F//../ü":               {"media", "a b+c?d#e%2F//../ü"},
		"s3://media//a":                               {"media", "/a"},
		"s3://media/a/":                               {"media", "a/"},
		"s3://media/" + strings.Repeat("k", 1024):     {"media", strings.Repeat("k", 1024)},
		"s3://media/s3://other/b":                     {"media", "s3://other/b"},
		"s3://media/" + strings.Repeat("\u00fc", 512): {"media", strings.Repeat("ü", 512)},
	} {
		got, err := ParseObject(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got)
		assert.Equal(t, s, got.String())
	}
	for _, s := range []string{
		"", "media/a.jpg", "S3://media/a", "https://media/a", "s3:/media/a", "s3://", "s3:///a", "s3://media", "s3://media/",
		"s3://media/" + strings.Repeat("k", 1025), "s3://media/\xff",
	} {
		_, err := ParseObject(s)
		assert.Error(t, err, "%.40q", s)
	}
}

func TestAMappingMayNotBeServedFromTheSecondOfItsExpiry(t *testing.T) {
	m := Mapping{ExpiresAt: time.Unix(1000, 0)}
	assert.True(t, m.Live(time.Unix(999, 999_999_999)))
	assert.False(t, m.Live(time.Unix(1000, 0)))
	assert.False(t, m.Live(time.Unix(2000, 0)))
	assert.False(t, Mapping{}.Live(time.Unix(0, 0)), "the zero mapping is not live")
}

func TestAnItemComesBackAsTheMapping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Mapping{
			Hash:      rapid.StringMatching(`[A-Za-z0-9_-]{32}`).Draw(t, "hash"),
			Object:    Object{"media", "chat/" + rapid.StringN(0, -1, 1000).Draw(t, "key")},
			CreatedAt: time.Unix(rapid.Int64Range(0, maxEpochSeconds).Draw(t, "created"), 0),
			ExpiresAt: time.Unix(rapid.Int64Range(0, maxEpochSeconds).Draw(t, "expires"), 0),
			Service:   rapid.SampledFrom([]string{"", "chat"}).Draw(t, "service"),
		}
		item := m.Item()
		require.Equal(t, item[attrExpiresAt], item[AttrTTL], "DynamoDB deletes what has expired")
		got, err := FromItem(item)
		require.NoError(t, err)
		require.Equal(t, m, got)
	})
}

func TestAnItemThatIsNoMappingIsCorrupt(t *testing.T) {
	good := Mapping{Hash: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", Object: Object{"media", "chat/a.jpg"},
		CreatedAt: time.Unix(1, 0), ExpiresAt: time.Unix(2, 0), Service: "chat"}
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	n := func(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
	for _, tt := range []struct {
		name, attribute string
		value           types.AttributeValue
	}{
		{"no hash", AttrHash, nil},
		{"a hash of another form", AttrHash, s("object#x")},
		{"a hash that is a number", AttrHash, n("1")},
		{"no object", attrS3URL, nil},
		{"an object that is no S3 URL", attrS3URL, s("https://media/chat/a.jpg")},
		{"an object without a key", attrS3URL, s("s3://media/")},
		{"an object that is a list", attrS3URL, &types.AttributeValueMemberL{}},
		{"no creation", attrCreatedAt, nil},
		{"no expiry", attrExpiresAt, nil},
		{"an expiry that is a string", attrExpiresAt, s("2000000000")},
		{"an expiry with a fraction", attrExpiresAt, n("2000000000.5")},
		{"an expiry before time", attrExpiresAt, n("-1")},
		{"an expiry in milliseconds", attrExpiresAt, n("2000000000000")},
		{"an expiry beyond any number", attrExpiresAt, n("1e99")},
		{"a service that the key does not lie below", attrService, s("marketplace")},
		{"a service that is a mere prefix of the key's folder", attrService, s("cha")},
		{"an empty service", attrService, s("")},
		{"a service that is a number", attrService, n("1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			item := good.Item()
			delete(item, tt.attribute)
			if tt.value != nil {
				item[tt.attribute] = tt.value
			}
			got, err := FromItem(item)
			assert.ErrorIs(t, err, ErrCorrupt)
			assert.Zero(t, got.Hash)
			assert.NotContains(t, err.Error(), "a.jpg", "errors are logged, keys are not")
		})
	}
	item := good.Item()
	item["a_later_attribute"] = &types.AttributeValueMemberBOOL{Value: true}
	_, err := FromItem(item)
	assert.NoError(t, err, "old functions survive new writers")
}
