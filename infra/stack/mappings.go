package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"secure-media-cdn/function/mapping"
)

// mappings is the table of what each link's hash stands for.
type mappings struct {
	table *dynamodb.Table
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
		Ttl:                       &dynamodb.TableTtlArgs{AttributeName: pulumi.String(mapping.AttrTTL), Enabled: pulumi.Bool(true)},
		PointInTimeRecovery:       &dynamodb.TablePointInTimeRecoveryArgs{Enabled: pulumi.Bool(true)},
		ServerSideEncryption:      &dynamodb.TableServerSideEncryptionArgs{Enabled: pulumi.Bool(true)},
		DeletionProtectionEnabled: pulumi.Bool(s.cfg.Protect),
		Tags:                      s.tags(),
	}
	replicas := dynamodb.TableReplicaTypeArray{}
	for _, region := range s.cfg.ReplicaRegions {
		replicas = append(replicas, &dynamodb.TableReplicaTypeArgs{
			RegionName: pulumi.String(region), PointInTimeRecovery: pulumi.Bool(true), PropagateTags: pulumi.Bool(true),
		})
	}
	if len(replicas) > 0 {
		args.Replicas = replicas
		// Replication reads the table's stream of changes.
		args.StreamEnabled, args.StreamViewType = pulumi.Bool(true), pulumi.String("NEW_AND_OLD_IMAGES")
	}
	table, err := dynamodb.NewTable(s.ctx, "mappings", args, pulumi.Protect(s.cfg.Protect))
	if err != nil {
		return nil, fmt.Errorf("mappings table: %w", err)
	}
	m := &mappings{table: table}
	for _, region := range s.cfg.tableRegions() {
		m.arns = append(m.arns, pulumi.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", region, s.account, table.Name))
	}
	return m, nil
}
