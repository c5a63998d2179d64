package stack

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// minimumTLS is the oldest security policy that CloudFront still recommends.
	minimumTLS = "TLSv1.2_2021"
	// proofTTLSeconds is how long resolvers keep a certificate's proof.
	proofTTLSeconds = 300
)

// viewerCertificate returns the certificate that viewers see: CloudFront's own,
// the configured one, or one made here.
func (s *builder) viewerCertificate() (*cloudfront.DistributionViewerCertificateArgs, error) {
	if len(s.cfg.Aliases) == 0 {
		return &cloudfront.DistributionViewerCertificateArgs{CloudfrontDefaultCertificate: pulumi.Bool(true)}, nil
	}
	var arn pulumi.StringPtrInput = pulumi.String(s.cfg.CertificateARN)
	if s.cfg.CertificateARN == "" {
		made, err := s.newCertificate()
		if err != nil {
			return nil, err
		}
		arn = made.ToStringPtrOutput()
	}
	return &cloudfront.DistributionViewerCertificateArgs{
		AcmCertificateArn: arn, MinimumProtocolVersion: pulumi.String(minimumTLS),
		// Server name indication: an address per distribution costs $600 a month.
		SslSupportMethod: pulumi.String("sni-only"),
	}, nil
}

// newCertificate registers a certificate for the aliases and the records that
// prove that the zone is ours. It returns the ARN once the proof was accepted.
func (s *builder) newCertificate() (pulumi.StringOutput, error) {
	in := s.regions.in(edgeRegion)
	certificate, err := acm.NewCertificate(s.ctx, "cdn", &acm.CertificateArgs{
		DomainName:              pulumi.String(s.cfg.Aliases[0]),
		SubjectAlternativeNames: pulumi.ToStringArray(s.cfg.Aliases[1:]),
		ValidationMethod:        pulumi.String("DNS"),
		Tags:                    s.tags(),
	}, in)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("certificate: %w", err)
	}
	var names pulumi.StringArray
	proven := map[string]bool{}
	for _, alias := range s.cfg.Aliases {
		domain := strings.TrimPrefix(alias, "*.")
		if proven[domain] {
			continue // a wildcard and its parent are proven by one record
		}
		proven[domain] = true
		proof := certificate.DomainValidationOptions.ApplyT(func(options []acm.CertificateDomainValidationOption) (acm.CertificateDomainValidationOption, error) {
			return proofOf(alias, options)
		}).(acm.CertificateDomainValidationOptionOutput)
		record, err := route53.NewRecord(s.ctx, "proof-"+domain, &route53.RecordArgs{
			ZoneId: pulumi.String(s.cfg.HostedZoneID), Name: proof.ResourceRecordName().Elem(),
			Type:    proof.ResourceRecordType().Elem(),
			Records: pulumi.StringArray{proof.ResourceRecordValue().Elem()}, Ttl: pulumi.Int(proofTTLSeconds),
		})
		if err != nil {
			return pulumi.StringOutput{}, fmt.Errorf("certificate proof of %s: %w", domain, err)
		}
		names = append(names, record.Fqdn)
	}
	valid, err := acm.NewCertificateValidation(s.ctx, "cdn",
		&acm.CertificateValidationArgs{CertificateArn: certificate.Arn, ValidationRecordFqdns: names}, in)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("certificate validation: %w", err)
	}
	return valid.CertificateArn, nil
}

// proofOf finds the proof that ACM asks for alias. ACM lists them in no order.
func proofOf(alias string,
	options []acm.CertificateDomainValidationOption) (acm.CertificateDomainValidationOption, error) {
	for _, option := range options {
		if option.DomainName != nil && *option.DomainName == alias {
			return option, nil
		}
	}
	return acm.CertificateDomainValidationOption{}, fmt.Errorf("the certificate asks for no proof of %s", alias)
}

// newNames registers the aliases in the hosted zone, if there is one.
func (s *builder) newNames(d *delivery) error {
	if s.cfg.HostedZoneID == "" {
		return nil
	}
	for _, alias := range s.cfg.Aliases {
		for version, kind := range map[string]string{"ipv4": "A", "ipv6": "AAAA"} {
			_, err := route53.NewRecord(s.ctx, alias+"-"+version, &route53.RecordArgs{
				ZoneId: pulumi.String(s.cfg.HostedZoneID), Name: pulumi.String(alias), Type: pulumi.String(kind),
				Aliases: route53.RecordAliasArray{&route53.RecordAliasArgs{
					Name: d.distribution.DomainName, ZoneId: d.distribution.HostedZoneId, EvaluateTargetHealth: pulumi.Bool(false),
				}},
			})
			if err != nil {
				return fmt.Errorf("%s record of %s: %w", kind, alias, err)
			}
		}
	}
	return nil
}
