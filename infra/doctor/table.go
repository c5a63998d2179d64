package doctor

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// table looks at the mapping table, where every link is.
func (e *examination) table(ctx context.Context) {
	client := dynamodb.NewFromConfig(e.in(e.home()))
	name := &e.Outputs.MappingTable
	var want struct {
		Protected bool                   `json:"deletionProtectionEnabled"`
		Stream    bool                   `json:"streamEnabled"`
		Recovery  struct{ Enabled bool } `json:"pointInTimeRecovery"`
		TTL       struct {
			AttributeName string
			Enabled       bool
		}
	}
	if err := e.decode(e.Plan.ByType("aws:dynamodb/table:Table")[0], &want); err != nil {
		e.failed("table", err)
		return
	}
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name})
	if err != nil {
		e.failed("table", err, "ResourceNotFoundException")
		return
	}
	got := out.Table
	e.same("table: is protected from deletion", want.Protected, aws.ToBool(got.DeletionProtectionEnabled))
	if e.Local {
		e.failed("table: its stream", errElsewhere)
	} else {
		s := got.StreamSpecification
		e.same("table: its stream", want.Stream, s != nil && aws.ToBool(s.StreamEnabled))
	}
	regions := []string{}
	for _, r := range got.Replicas {
		region := aws.ToString(r.RegionName)
		if r.ReplicaStatus != types.ReplicaStatusActive {
			region += " (" + string(r.ReplicaStatus) + ")"
		}
		if region != e.home() {
			regions = append(regions, region)
		}
	}
	slices.Sort(regions)
	e.same("table: its replicas", slices.Sorted(slices.Values(append([]string{}, e.Outputs.MappingRegions[1:]...))),
		slices.Sorted(slices.Values(regions)))

	ttl, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: name})
	if err != nil {
		e.failed("table: expired links are deleted", err)
	} else {
		d := ttl.TimeToLiveDescription
		e.same("table: expired links are deleted", want.TTL.Enabled && d != nil, d != nil &&
			d.TimeToLiveStatus == types.TimeToLiveStatusEnabled && aws.ToString(d.AttributeName) == want.TTL.AttributeName)
	}
	backups, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: name})
	if err != nil {
		e.failed("table: point-in-time recovery", err)
		return
	}
	d := backups.ContinuousBackupsDescription
	e.same("table: point-in-time recovery", want.Recovery.Enabled, d.PointInTimeRecoveryDescription != nil &&
		d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled)
}
