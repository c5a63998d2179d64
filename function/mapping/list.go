package mapping

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// pageUnits is what reading a page of 1 MB costs in read capacity units.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html
const pageUnits = 128

// List calls each with every mapping that is live at now, in no order. It reads the whole table with eventually
// consistent reads, at most units read capacity units a second on average, so that it takes little from those who
// issue links at the same time. Nothing but an operator's command may do that: whoever reads the table knows all links.
// An item that is no mapping does not end the reading, but is part of the error.
func (t *Table) List(ctx context.Context, now time.Time, units float64, each func(Mapping) error) error {
	var corrupt []error
	pages := dynamodb.NewScanPaginator(t.Client, &dynamodb.ScanInput{
		TableName: &t.Name, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		// Records and revocations have a "#" in their key, a hash never.
		FilterExpression:          aws.String("NOT contains(#h, :sharp)"),
		ExpressionAttributeNames:  map[string]string{"#h": AttrHash},
		ExpressionAttributeValues: map[string]types.AttributeValue{":sharp": &types.AttributeValueMemberS{Value: "#"}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return errors.Join(append(corrupt, fmt.Errorf("listing the table: %w", err))...)
		}
		for _, item := range page.Items {
			m, err := FromItem(item)
			if err != nil {
				corrupt = append(corrupt, fmt.Errorf("%s: %w", shortHash(item), err))
				continue
			}
			if !m.Live(now) {
				continue
			}
			if err := each(m); err != nil {
				return err
			}
		}
		used := float64(pageUnits)
		if page.ConsumedCapacity != nil {
			used = aws.ToFloat64(page.ConsumedCapacity.CapacityUnits)
		}
		if !pages.HasMorePages() {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(used / units * float64(time.Second))):
		}
	}
	return errors.Join(corrupt...)
}

// shortHash names an item in an error by the first characters of its hash, as logs do: the whole would be a link.
func shortHash(item map[string]types.AttributeValue) string {
	if hash, ok := item[AttrHash].(*types.AttributeValueMemberS); ok {
		return hash.Value[:min(8, len(hash.Value))]
	}
	return "an item"
}
