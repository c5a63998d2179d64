package mapping

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"secure-media-cdn/function/seal"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	// maxBatch is how many items BatchGetItem takes.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
	maxBatch = 100

	// batchAttempts bounds how often the keys that BatchGetItem left over are
	// asked for again. firstWait doubles each time, to 1.3 s in all.
	batchAttempts = 8
	firstWait     = 10 * time.Millisecond
)

// Table is the Store on DynamoDB. Client must be of the home region: only there
// do a replicated table's conditions and consistent reads hold.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
type Table struct {
	Client *dynamodb.Client
	Name   string
}

var _ Store = (*Table)(nil)

// Get implements Store with one round trip.
func (t *Table) Get(ctx context.Context, hash string) (Mapping, error) {
	if !seal.IsHash(hash) {
		return Mapping{}, ErrNotFound
	}
	items, err := t.read(ctx, []string{hash, revokedPrefix + hash})
	if err != nil {
		return Mapping{}, fmt.Errorf("reading a mapping: %w", err)
	}
	return found(hash, items[hash], items[revokedPrefix+hash])
}

// Records implements Store with one round trip for each 100 objects.
func (t *Table) Records(ctx context.Context, objects []Object) ([]Record, error) {
	keys := make([]string, len(objects))
	for i, o := range objects {
		keys[i] = recordKey(o)
	}
	items, err := t.read(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("reading %d records: %w", len(objects), err)
	}
	return records(objects, func(key string) map[string]types.AttributeValue { return items[key] })
}

// Present returns those of the hashes that the table has an item for. The issuer
// asks a replica this. The answer is what that region has, which may be behind
// what other regions wrote.
func (t *Table) Present(ctx context.Context, hashes []string) ([]string, error) {
	items, err := t.read(ctx, hashes)
	if err != nil {
		return nil, fmt.Errorf("reading %d mappings: %w", len(hashes), err)
	}
	var present []string
	for _, hash := range hashes {
		if items[hash] != nil {
			present = append(present, hash)
		}
	}
	return present, nil
}

// read returns the items of the keys, which are distinct, by key.
func (t *Table) read(ctx context.Context, keys []string) (map[string]map[string]types.AttributeValue, error) {
	items := make(map[string]map[string]types.AttributeValue, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), maxBatch)
		if err := t.readBatch(ctx, keys[:n], items); err != nil {
			return nil, err
		}
		keys = keys[n:]
	}
	return items, nil
}

func (t *Table) readBatch(ctx context.Context, keys []string, items map[string]map[string]types.AttributeValue) error {
	ask := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, key := range keys {
		ask.Keys = append(ask.Keys, keyOf(key))
	}
	for attempt := range batchAttempts {
		out, err := t.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{t.Name: ask},
		})
		if err != nil {
			return err
		}
		for _, item := range out.Responses[t.Name] {
			if hash, ok := item[AttrHash].(*types.AttributeValueMemberS); ok {
				items[hash.Value] = item
			}
		}
		left, some := out.UnprocessedKeys[t.Name]
		if !some || len(left.Keys) == 0 {
			return nil
		}
		// DynamoDB throttles by leaving keys over; asking at once would be
		// throttled as well.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(firstWait << attempt):
		}
		ask = left
	}
	return fmt.Errorf("the table was too busy to read %d items", len(ask.Keys))
}

// Apply implements Store with one transaction.
func (t *Table) Apply(ctx context.Context, changes ...Change) error {
	all, err := writes(changes)
	if err != nil || len(all) == 0 {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{}
	for _, w := range all {
		in.TransactItems = append(in.TransactItems, t.part(w))
	}
	if _, err = t.Client.TransactWriteItems(ctx, in); err == nil {
		return nil
	}
	if lostRace(err) {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return fmt.Errorf("writing %d items: %w", len(all), err)
}

// part turns a write into a transaction's part. "hash" is a reserved word of
// DynamoDB's, hence #h.
func (t *Table) part(w write) types.TransactWriteItem {
	var condition *string
	var names map[string]string
	var values map[string]types.AttributeValue
	switch w.must {
	case mustBeAbsent:
		condition, names = aws.String("attribute_not_exists(#h)"), map[string]string{"#h": AttrHash}
	case mustBeVersion:
		condition, names = aws.String("#v = :v"), map[string]string{"#v": attrVersion}
		values = map[string]types.AttributeValue{":v": &types.AttributeValueMemberN{Value: strconv.FormatInt(w.version, 10)}}
	}
	if w.item == nil {
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &t.Name, Key: keyOf(w.key),
			ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		}}
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &t.Name, Item: w.item,
		ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}}
}

func keyOf(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{AttrHash: &types.AttributeValueMemberS{Value: key}}
}

// lostRace reports whether a transaction was refused only because of others:
// what it read has changed, or the items were busy.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func lostRace(err error) bool {
	var running *types.TransactionInProgressException
	if errors.As(err, &running) {
		return true
	}
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return false
	}
	lost := false
	for _, reason := range cancelled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "", "None":
		case "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			lost = true
		default: // a ValidationError or the like comes back on every try
			return false
		}
	}
	return lost
}
