package links

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/function/links/visible"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

// listCommand lists live links. It reads the mapping table itself, with rights of whoever runs it: the issuer could not
// list without a right to read everything, nor answer an application without telling it links of others.
type listCommand struct {
	Service   string  `help:"Only links of this service." placeholder:"NAME"`
	ReadUnits float64 `help:"Read capacity units a second to use at most." default:"500"`
}

// listed is one line of the listing.
type listed struct {
	Object    string    `json:"object"`
	URL       string    `json:"url"`
	Hash      string    `json:"hash"`
	Service   string    `json:"service,omitempty"`
	Audience  string    `json:"audience,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// Run prints one JSON object for each live link.
func (c listCommand) Run(ctx context.Context, s *session) error {
	if c.ReadUnits < 1 {
		return usageError{errors.New("--read-units is at least 1")}
	}
	table, err := s.stack.table(ctx)
	if err != nil {
		return usageError{err}
	}
	count := 0
	err = table.List(ctx, time.Now(), c.ReadUnits, func(m mapping.Mapping) error {
		if c.Service != "" && m.Service != c.Service {
			return nil
		}
		count++
		_, err := fmt.Fprintln(s.terminal.out, visible.JSON(listed{
			Object: m.Object.String(), URL: s.stack.CDNBaseURL + seal.LinkPath(m.Hash), Hash: m.Hash,
			Service: m.Service, Audience: m.Audience, CreatedAt: m.CreatedAt.UTC(), ExpiresAt: m.ExpiresAt.UTC(),
		}))
		return err
	})
	fmt.Fprintf(s.terminal.err, "links: %d live links\n", count)
	if errors.Is(err, mapping.ErrCorrupt) {
		s.terminal.tell(err)
		return errFailed
	}
	return err
}

// table returns the mapping table in its home region, to be read with the credentials of the standard chain.
func (s *stack) table(ctx context.Context) (*mapping.Table, error) {
	if s.MappingTable == "" || len(s.MappingRegions) == 0 {
		return nil, errors.New("the outputs have no mappingTable and mappingRegions")
	}
	if s.local {
		address := os.Getenv("AWS_ENDPOINT_URL_DYNAMODB")
		if !client.IsLocal(address) {
			return nil, errors.New("the table of `make run` is found by its environment: " +
				"set -a; eval \"$(make -s env)\"; set +a")
		}
		return &mapping.Table{Name: s.MappingTable, Client: dynamodb.New(dynamodb.Options{
			Region: s.MappingRegions[0], BaseEndpoint: &address, Credentials: client.LocalCredentials,
		})}, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(s.MappingRegions[0]))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	return &mapping.Table{Name: s.MappingTable, Client: dynamodb.NewFromConfig(cfg)}, nil
}
