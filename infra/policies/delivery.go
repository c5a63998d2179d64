package policies

// delivery is CloudFront, the certificate and the names.
func delivery(s Scope) topic {
	distributions := []string{s.global("cloudfront", "distribution/*")}
	certificates := []string{s.edge("acm", "certificate/*")}
	stores := []string{s.global("cloudfront", "key-value-store/*")}
	scripts := []string{s.global("cloudfront", "function/"+s.prefix()+"*")}
	policies := []string{
		s.global("cloudfront", "cache-policy/*"), s.global("cloudfront", "origin-access-control/*"),
		s.global("cloudfront", "origin-request-policy/*"),
		s.global("cloudfront", "response-headers-policy/*"),
	}
	t := topic{
		name: "delivery",
		read: []Statement{
			{
				Sid: "ReadDelivery", Why: "CloudFront's things are known by ids of its own",
				Actions: []string{
					"cloudfront:DescribeKeyValueStore", "cloudfront:GetCachePolicy", "cloudfront:GetDistribution",
					"cloudfront:GetOriginAccessControl",
					"cloudfront:GetOriginRequestPolicy", "cloudfront:GetResponseHeadersPolicy",
					"cloudfront:ListTagsForResource",
				},
				Resources: append(append([]string{distributions[0], stores[0]}, policies...), scripts...),
			},
			{
				Sid:       "ReadScripts",
				Why:       "the gate",
				Actions:   []string{"cloudfront:DescribeFunction", "cloudfront:GetFunction"},
				Resources: scripts,
			},
			{
				Sid: "ReadEntries", Why: "a refresh compares the store's entries, which the state holds too",
				Actions:   []string{"cloudfront-keyvaluestore:DescribeKeyValueStore", "cloudfront-keyvaluestore:GetKey"},
				Resources: stores,
			},
			{
				Sid: "ReadUnnamed", Why: "these actions have no resource type",
				Actions:   []string{"cloudfront:GetMonitoringSubscription", "cloudfront:ListKeyValueStores"},
				Resources: []string{"*"},
			},
			{
				Sid: "ReadCertificates", Why: "certificates are known by ids of ACM's",
				Actions: []string{"acm:DescribeCertificate", "acm:ListTagsForCertificate"}, Resources: certificates,
			},
		},
		write: []Statement{
			{
				Sid:       "MakeTagged",
				Why:       "a new distribution or certificate bears our tags; making has no resource type",
				Condition: s.newTags(),
				Actions:   []string{"acm:RequestCertificate", "cloudfront:CreateDistribution"}, Resources: []string{"*"},
			},
			{
				Sid:       "ChangeTagged",
				Why:       "distributions and certificates are ours by their tags",
				Condition: s.ownTags(),
				Actions: []string{
					"acm:DeleteCertificate", "acm:RemoveTagsFromCertificate", "cloudfront:DeleteDistribution",
					"cloudfront:UntagResource",
					"cloudfront:UpdateDistribution",
				},
				Resources: append(distributions[:1:1], certificates...),
			},
			{
				Sid:       "Tag",
				Why:       "tags make things ours, so another environment's are never tagged",
				Condition: s.tagging(),
				Actions:   []string{"acm:AddTagsToCertificate", "cloudfront:TagResource"},
				Resources: append(distributions[:1:1], certificates...),
			},
			{
				Sid: "MakeUnnamed", Why: "these actions have no resource type; ListDistributions is for make sweep",
				Actions: []string{
					"cloudfront:CreateCachePolicy", "cloudfront:CreateFunction", "cloudfront:CreateKeyValueStore",
					"cloudfront:CreateMonitoringSubscription",
					"cloudfront:CreateOriginAccessControl", "cloudfront:CreateOriginRequestPolicy",
					"cloudfront:CreateResponseHeadersPolicy",
					"cloudfront:DeleteMonitoringSubscription", "cloudfront:ListDistributions",
				},
				Resources: []string{"*"},
			},
			{
				Sid: "ChangeUnnamed",
				Why: "policies and stores have ids of CloudFront's and no tags: other environments' are denied",
				Actions: []string{
					"cloudfront:DeleteCachePolicy", "cloudfront:DeleteKeyValueStore",
					"cloudfront:DeleteOriginAccessControl",
					"cloudfront:DeleteOriginRequestPolicy", "cloudfront:DeleteResponseHeadersPolicy",
					"cloudfront:UpdateCachePolicy",
					"cloudfront:UpdateKeyValueStore", "cloudfront:UpdateOriginAccessControl",
					"cloudfront:UpdateOriginRequestPolicy",
					"cloudfront:UpdateResponseHeadersPolicy",
				},
				Resources: append(policies[:len(policies):len(policies)], stores...),
			},
			{
				Sid: "Scripts", Why: "the gate", Resources: scripts,
				Actions: []string{
					"cloudfront:DeleteFunction", "cloudfront:PublishFunction", "cloudfront:UpdateFunction",
				},
			},
			{
				Sid: "Entries", Why: "the link keys are entries of the gate's store", Resources: stores,
				Actions: []string{"cloudfront-keyvaluestore:DeleteKey", "cloudfront-keyvaluestore:PutKey"},
			},
			{
				Sid: "WebACL", Why: "CloudFront looks at the web ACL on its deployer's behalf",
				Actions: []string{"wafv2:GetWebACL"}, Resources: []string{s.edge("wafv2", "global/webacl/*")},
			},
		},
	}
	if len(s.Zones) > 0 {
		var zones []string
		for _, id := range s.Zones {
			zones = append(zones, "arn:aws:route53:::hostedzone/"+id)
		}
		t.read = append(t.read,
			Statement{
				Sid:       "ReadZones",
				Why:       "the zones of our names",
				Actions:   []string{"route53:GetHostedZone", "route53:ListResourceRecordSets"},
				Resources: zones,
			},
			Statement{
				Sid:       "AwaitChanges",
				Why:       "a change has an id of its own",
				Actions:   []string{"route53:GetChange"},
				Resources: []string{"arn:aws:route53:::change/*"},
			},
		)
		t.write = append(t.write, Statement{
			Sid:       "Names",
			Why:       "our names, and the proofs for the certificate",
			Actions:   []string{"route53:ChangeResourceRecordSets"},
			Resources: zones,
		})
	}
	return t
}
