package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/mapping"
)

// mappings is the table of what each link's hash stands for.
type mappings struct {
	table    *dynamodb.Table
	replicas []pulumi.Resource
	// arns are the table's in every region, home first.
	arns []pulumi.StringInput
}

// newMappings registers the table with its replicas.
func (s *builder) newMappings() (*mappings, error) {
	args := &dynamodb.TableArgs{
		BillingMode: pulumi.String("PAY_PER_REQUEST"),
		HashKey:     pulumi.String(mapping.AttrHash),
		Attributes: dynamodb.TableAttributeArray{
			&dynamodb.TableAttributeArgs{Name: pulumi.String(mapping.AttrHash), Type: pulumi.String("S")},
		},
		Ttl: &dynamodb.TableTtlArgs{AttributeName: pulumi.String(mapping.AttrTTL),
			Enabled: pulumi.Bool(true)},
		PointInTimeRecovery:       &dynamodb.TablePointInTimeRecoveryArgs{Enabled: pulumi.Bool(true)},
		ServerSideEncryption:      &dynamodb.TableServerSideEncryptionArgs{Enabled: pulumi.Bool(true)},
		DeletionProtectionEnabled: pulumi.Bool(s.cfg.Protect),
		// Replication reads the stream, and a table with replicas cannot end it: the
		// last replica could never be removed if its stream had to go with it.
		// https://github.com/hashicorp/terraform-provider-aws/issues/34450
		StreamEnabled:  pulumi.Bool(true),
		StreamViewType: pulumi.String("NEW_AND_OLD_IMAGES"),
		Tags:           s.tags(),
	}
	table, err := dynamodb.NewTable(s.ctx, "mappings", args, pulumi.Protect(s.cfg.Protect),
		pulumi.IgnoreChanges([]string{"replicas"})) // they are resources of their own
	if err != nil {
		return nil, fmt.Errorf("mappings table: %w", err)
	}
	m := &mappings{table: table}
	for _, region := range s.cfg.ReplicaRegions {
		replica, err := s.newReplica(table, region)
		if err != nil {
			return nil, err
		}
		m.replicas = append(m.replicas, replica)
	}
	for _, region := range s.cfg.tableRegions() {
		m.arns = append(m.arns, pulumi.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", region, s.account, table.Name))
	}
	return m, nil
}

// newReplica registers a copy of the table in region. Copies are no part of the
// table's own registration, which could not protect them from deletion; DynamoDB
// wants that said of each one.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables-bestpractices.html
func (s *builder) newReplica(table *dynamodb.Table, region string) (pulumi.Resource, error) {
	replica, err := dynamodb.NewTableReplica(s.ctx, "mappings-"+region, &dynamodb.TableReplicaArgs{
		GlobalTableArn:            table.Arn,
		PointInTimeRecovery:       pulumi.Bool(true),
		DeletionProtectionEnabled: pulumi.Bool(s.cfg.Protect),
		Tags:                      s.tags(),
	}, s.regions.in(region), pulumi.Protect(s.cfg.Protect))
	if err != nil {
		return nil, fmt.Errorf("mappings replica in %s: %w", region, err)
	}
	return replica, nil
}
