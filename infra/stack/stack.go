// Package stack is the Pulumi program: everything that one environment of the
// media CDN is made of.
//
// Deploy registers the pieces in this order: the bucket (content.go, existing.go), the
// mapping table (mappings.go), the edge function (edge.go), the gate (gate.go), the
// images function (images.go) and the one that signs viewers in (session.go), the
// distribution (delivery.go) with its origins, behaviours, policies and names
// (origins.go, behaviors.go, headers.go, domain.go, accesslogs.go), the queue of
// events (events.go), the issuer (issuer.go), and what operators look at (alarms.go,
// dashboard.go). Config (config.go, validate.go, viewers.go) decides which of them
// exist.
//
// Logical names are short role nouns. They are identity: renaming one replaces
// the resource. Physical names come from Pulumi's auto-naming, configured in
// Pulumi.yaml, unless a reason beside them says otherwise.
package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Deploy registers every resource of ctx's stack and exports its outputs. config
// is the stack's configuration by full key. Deploy fails before registering
// anything if the configuration is not valid. It names the zips that
// function/bundle builds below ctx's root directory, and does not need them built.
func Deploy(ctx *pulumi.Context, config map[string]string) error {
	cfg, err := loadConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("configuration of stack %s: %w", ctx.Stack(), err)
	}
	caller, err := aws.GetCallerIdentity(ctx, &aws.GetCallerIdentityArgs{})
	if err != nil {
		return fmt.Errorf("finding the account: %w", err)
	}
	s := &builder{ctx: ctx, cfg: cfg, account: caller.AccountId}
	if err := ctx.RegisterStackTransformation(s.remember); err != nil {
		return err
	}
	if err := s.newRegions(config); err != nil {
		return err
	}

	content, err := s.newContent()
	if err != nil {
		return err
	}
	mappings, err := s.newMappings()
	if err != nil {
		return err
	}
	edge, err := s.newEdge(content, mappings)
	if err != nil {
		return err
	}
	gate, err := s.newGate()
	if err != nil {
		return err
	}
	images, err := s.newImages()
	if err != nil {
		return err
	}
	session, err := s.newSession(gate)
	if err != nil {
		return err
	}
	delivery, err := s.newDelivery(content, mappings, edge, gate, images, session)
	if err != nil {
		return err
	}
	if err := s.openContent(content, delivery); err != nil {
		return err
	}
	if err := s.openFunctions(images, session, delivery); err != nil {
		return err
	}
	events, err := s.newEvents(content)
	if err != nil {
		return err
	}
	issuer, err := s.newIssuer(content, events, mappings, delivery, gate)
	if err != nil {
		return err
	}
	return s.newOperations(content, watched{edge: edge, mappings: mappings, delivery: delivery, issuer: issuer,
		gate: gate, images: images, session: session})
}

// newOperations registers what people look at and applications read.
func (s *builder) newOperations(c *content, w watched) error {
	alarmed, err := s.newAlarms(w)
	if err != nil {
		return err
	}
	dashboard, err := s.newDashboard(w, alarmed)
	if err != nil {
		return err
	}
	s.export(c, w, alarmed, dashboard)
	return nil
}

// builder is what every piece of the stack is built with.
type builder struct {
	ctx     *pulumi.Context
	cfg     Config
	account string
	regions *regions
	// registered are all resources so far.
	registered []pulumi.Resource
}

// remember notes a resource that is about to be registered, and leaves it as it is.
func (s *builder) remember(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
	s.registered = append(s.registered, args.Resource)
	return nil
}

// tags mark what belongs to this stack, for bills and for `make sweep`.
func (s *builder) tags() pulumi.StringMap {
	return pulumi.StringMap{"project": pulumi.String(s.cfg.Project), "stack": pulumi.String(s.cfg.Stage)}
}
