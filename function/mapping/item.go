package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"secure-media-cdn/function/seal"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// AttrHash is the table's partition key, a string.
	AttrHash = "hash"
	// AttrTTL is the attribute by which DynamoDB deletes expired items, a number
	// of epoch seconds.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
	AttrTTL = "ttl"

	attrS3URL     = "s3_url"
	attrCreatedAt = "created_at"
	attrExpiresAt = "expires_at"
	attrService   = "service"
	attrAudience  = "audience"
)

// Item returns the DynamoDB item of m. Its ttl equals its expires_at.
func (m Mapping) Item() map[string]types.AttributeValue {
	item := map[string]types.AttributeValue{
		AttrHash:      &types.AttributeValueMemberS{Value: m.Hash},
		attrS3URL:     &types.AttributeValueMemberS{Value: m.Object.String()},
		attrCreatedAt: number(m.CreatedAt),
		attrExpiresAt: number(m.ExpiresAt),
		AttrTTL:       number(m.ExpiresAt),
	}
	if m.Service != "" {
		item[attrService] = &types.AttributeValueMemberS{Value: m.Service}
	}
	if m.Audience != "" {
		item[attrAudience] = &types.AttributeValueMemberS{Value: m.Audience}
	}
	return item
}

// FromItem reads a DynamoDB item back. It wraps ErrCorrupt if the item is not a
// mapping in every attribute that decides what is served. Attributes it does
// not know are ignored, so that old functions survive new writers.
func FromItem(item map[string]types.AttributeValue) (Mapping, error) {
	hash, ok := item[AttrHash].(*types.AttributeValueMemberS)
	if !ok || !seal.IsHash(hash.Value) {
		return Mapping{}, fmt.Errorf("%w: attribute %s is not a hash", ErrCorrupt, AttrHash)
	}
	m := Mapping{Hash: hash.Value}
	url, ok := item[attrS3URL].(*types.AttributeValueMemberS)
	if !ok {
		return Mapping{}, fmt.Errorf("%w: attribute %s is not a string", ErrCorrupt, attrS3URL)
	}
	var err error
	if m.Object, err = ParseObject(url.Value); err != nil {
		return Mapping{}, fmt.Errorf("%w: attribute %s: %w", ErrCorrupt, attrS3URL, err)
	}
	if m.CreatedAt, err = seconds(item, attrCreatedAt); err != nil {
		return Mapping{}, err
	}
	if m.ExpiresAt, err = seconds(item, attrExpiresAt); err != nil {
		return Mapping{}, err
	}
	if service, present := item[attrService]; present {
		s, ok := service.(*types.AttributeValueMemberS)
		if !ok || s.Value == "" || !strings.HasPrefix(m.Object.Key, s.Value+"/") {
			return Mapping{}, fmt.Errorf("%w: the key does not lie below attribute %s", ErrCorrupt, attrService)
		}
		m.Service = s.Value
	}
	if audience, ok := item[attrAudience].(*types.AttributeValueMemberS); ok {
		m.Audience = audience.Value
	}
	return m, nil
}

func number(t time.Time) *types.AttributeValueMemberN {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.Unix(), 10)}
}

func seconds(item map[string]types.AttributeValue, name string) (time.Time, error) {
	n, ok := item[name].(*types.AttributeValueMemberN)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: attribute %s is not a number", ErrCorrupt, name)
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil || v < 0 || v > maxEpochSeconds {
		return time.Time{}, fmt.Errorf("%w: attribute %s is not a time in epoch seconds", ErrCorrupt, name)
	}
	return time.Unix(v, 0), nil
}

// maxEpochSeconds is the last second that the four expiry bytes of a sealed
// hash can hold; a larger value is milliseconds written by mistake.
const maxEpochSeconds = 1<<32 - 1
