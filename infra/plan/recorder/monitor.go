package recorder

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"secure-media-cdn/infra/plan"
)

// AccountID is the AWS account that every recorded ARN belongs to. It is the
// one that AWS's own documentation uses in examples.
const AccountID = "123456789012"

// providerType is the type token of an explicit AWS provider.
const providerType = "pulumi:providers:aws"

// monitor is the double of Pulumi's resource monitor. Resources register on a
// goroutine each, hence the lock.
type monitor struct {
	project string
	home    string // region of the default provider
	opts    Options

	mu        sync.Mutex
	resources map[string]plan.Resource // by type and name
	regions   map[string]string        // of explicit providers, by name
}

var _ pulumi.MockResourceMonitor = (*monitor)(nil)

func newMonitor(cfg stackConfig, opts Options) *monitor {
	return &monitor{project: cfg.project, home: cfg.values["aws:region"], opts: opts,
		resources: map[string]plan.Resource{}, regions: map[string]string{}}
}

// NewResource records a registration and answers with made-up outputs.
func (m *monitor) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	model, ok := models[args.TypeToken]
	if !ok {
		return "", nil, fmt.Errorf("recorder: no outputs are modelled for type %s (resource %q)", args.TypeToken, args.Name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := args.TypeToken + " " + args.Name
	if _, dup := m.resources[key]; dup {
		return "", nil, fmt.Errorf("recorder: %s %q is registered twice", args.TypeToken, args.Name)
	}
	r, err := m.describe(args)
	if err != nil {
		return "", nil, fmt.Errorf("recorder: %s %q: %w", args.TypeToken, args.Name, err)
	}
	if args.TypeToken == providerType {
		m.regions[args.Name], _ = r.Inputs["region"].(string)
	}
	f := facts{kind: args.TypeToken[strings.LastIndex(args.TypeToken, ":")+1:], name: args.Name,
		physical: m.project + "-" + m.opts.Stack + "-" + args.Name, region: cmp.Or(r.Region, m.home), inputs: r.Inputs}
	state := args.Inputs.Copy()
	if r.Options.Read {
		f.physical, f.read = args.ID, true
		if slices.Contains(m.opts.Missing, args.ID) {
			if m.opts.DryRun { // it may be there by the time of an update
				return args.ID, args.Inputs, nil
			}
			return "", nil, fmt.Errorf("recorder: resource %q does not exist", args.ID)
		}
	}
	if m.opts.DryRun && args.TypeToken != providerType && !r.Options.Read {
		// A resource that does not exist yet has no identifier and no computed
		// property: leaving them out makes them unknown to the program.
		m.resources[key] = r
		return "", state, nil
	}
	id, computed := model(f)
	for name, value := range computed {
		state[resource.PropertyKey(name)] = resource.NewPropertyValue(value)
	}
	if r.Options.Read {
		for name, value := range m.opts.Existing[id] {
			state[resource.PropertyKey(name)] = resource.NewPropertyValue(value)
		}
	}
	r.ID = id
	if r.Outputs, err = plainMap(state, plainOptions{root: m.opts.Root, reveal: m.opts.RevealSecrets}); err != nil {
		return "", nil, fmt.Errorf("recorder: %s %q: %w", args.TypeToken, args.Name, err)
	}
	m.resources[key] = r
	return id, state, nil
}

// describe turns a registration into its record, without outputs.
func (m *monitor) describe(args pulumi.MockResourceArgs) (plan.Resource, error) {
	inputs, err := plainMap(args.Inputs, plainOptions{root: m.opts.Root, reveal: m.opts.RevealSecrets})
	if err != nil {
		return plan.Resource{}, err
	}
	r := plan.Resource{Type: args.TypeToken, Name: args.Name, Inputs: inputs}
	if args.Provider != "" {
		r.Provider = providerName(args.Provider)
		r.Region = m.regions[r.Provider]
	}
	rpc := args.RegisterRPC
	if rpc == nil {
		r.Options.Read = args.ReadRPC != nil
		return r, nil
	}
	if parent := resource.URN(rpc.GetParent()); parent != "" && parent.QualifiedType() != resource.RootStackType {
		r.Parent = parent.Name()
	}
	r.Options = plan.Options{
		Protect:        rpc.GetProtect(),
		RetainOnDelete: rpc.GetRetainOnDelete(),
		IgnoreChanges:  rpc.GetIgnoreChanges(),
	}
	r.Options.DependsOn = explicitDependencies(rpc)
	return r, nil
}

// providerName returns the logical name in a provider reference, which is the
// provider's URN, "::" and its identifier.
func providerName(reference string) string {
	return resource.URN(reference[:strings.LastIndex(reference, "::")]).Name()
}

// explicitDependencies returns what a resource waits for without using any of
// its properties, as "type::name", sorted.
func explicitDependencies(rpc *pulumirpc.RegisterResourceRequest) []string {
	implied := map[string]bool{}
	for _, property := range rpc.GetPropertyDependencies() {
		for _, urn := range property.GetUrns() {
			implied[urn] = true
		}
	}
	var names []string
	for _, urn := range rpc.GetDependencies() {
		if !implied[urn] {
			names = append(names, string(resource.URN(urn).Type())+"::"+resource.URN(urn).Name())
		}
	}
	slices.Sort(names)
	return names
}

// FakePassword is what every recorded password consists of, repeated up to its
// length. It is secret to the program, so no document may show it.
const FakePassword = "NotARealPassword"

// Call answers the lookups that the program may make of the cloud.
func (m *monitor) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	switch args.Token {
	case "aws:index/getCallerIdentity:getCallerIdentity":
		account := AccountID
		if args.Provider != "" {
			account = cmp.Or(m.opts.Accounts[providerName(args.Provider)], account)
		}
		return resource.NewPropertyMapFromMap(map[string]any{
			"accountId": account, "arn": "arn:aws:iam::" + account + ":role/deploy", "id": account,
			"userId": "AROAEXAMPLE:deploy",
		}), nil
	case "aws:secretsmanager/getRandomPassword:getRandomPassword":
		length := int(args.Args["passwordLength"].NumberValue())
		password := strings.Repeat(FakePassword, length/len(FakePassword)+1)[:length]
		if m.opts.Password != nil {
			password = m.opts.Password(length)
		}
		return resource.NewPropertyMapFromMap(map[string]any{"id": "none", "randomPassword": password}), nil
	}
	return nil, fmt.Errorf("recorder: no answer is modelled for the lookup %s", args.Token)
}
