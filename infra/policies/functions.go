package policies

// functions are the Lambda functions and their roles.
func functions(s Scope) topic {
	names := []string{s.arn("lambda", "function:"+s.prefix()+"*")} // reaches versions and aliases too
	readers := []string{s.arn("lambda", "event-source-mapping:*")}
	ofOurs := when("ArnLike", map[string][]string{"lambda:FunctionArn": names})
	roles := []string{s.iam("role/" + s.prefix() + "*")}
	bounded := when("StringEquals", map[string][]string{"iam:PermissionsBoundary": {s.BoundaryARN()}})
	return topic{
		name: "functions",
		read: []Statement{
			{
				Sid: "ReadFunctions", Why: "the provider reads a function with all that hangs on it",
				Actions: []string{
					"lambda:GetAlias", "lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig",
					"lambda:GetFunctionConfiguration", "lambda:GetFunctionUrlConfig", "lambda:GetPolicy",
					"lambda:ListTags", "lambda:ListVersionsByFunction",
				},
				Resources: names,
			},
			{
				Sid: "ReadReaders", Why: "a reader of a queue is ours by its function",
				Actions: []string{"lambda:GetEventSourceMapping"}, Resources: readers, Condition: ofOurs,
			},
			{
				Sid: "ListReaders", Why: "make doctor asks for the issuer's readers; listing has no resource type",
				Actions: []string{"lambda:ListEventSourceMappings"}, Resources: []string{"*"},
			},
			{
				Sid: "ReadReaderTags", Why: "the tags of a reader say whose it is",
				Actions: []string{"lambda:ListTags"}, Resources: readers, Condition: s.ownTags(),
			},
			{
				Sid: "ReadRoles", Why: "the provider reads a role with its policies",
				Actions: []string{
					"iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
					"iam:ListInstanceProfilesForRole", "iam:ListRolePolicies",
				},
				Resources: roles,
			},
		},
		write: []Statement{
			{
				Sid: "Functions",
				Why: "edge functions are replicated on their deployer's behalf, in words that end with an asterisk",
				Actions: []string{
					"lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction",
					"lambda:CreateFunctionUrlConfig", "lambda:DeleteAlias",
					"lambda:DeleteFunction", "lambda:DeleteFunctionConcurrency", "lambda:DeleteFunctionUrlConfig",
					// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html
					"lambda:DisableReplication*", "lambda:EnableReplication*",
					"lambda:PublishVersion", "lambda:PutFunctionConcurrency", "lambda:RemovePermission",
					"lambda:TagResource", "lambda:UntagResource", "lambda:UpdateAlias", "lambda:UpdateFunctionCode",
					"lambda:UpdateFunctionConfiguration",
					"lambda:UpdateFunctionUrlConfig",
				},
				Resources: names,
			},
			{
				// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
				Sid: "MakeReaders", Why: "a reader of a queue is ours by its function; making one has no resource type",
				Actions: []string{"lambda:CreateEventSourceMapping"}, Resources: []string{"*"}, Condition: ofOurs,
			},
			{
				Sid: "ChangeReaders", Why: "a reader of a queue is ours by its function",
				Actions:   []string{"lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"},
				Resources: readers, Condition: ofOurs,
			},
			{
				Sid: "TagReaders", Why: "tags make things ours, so another environment's are never tagged",
				Actions: []string{"lambda:TagResource"}, Resources: readers, Condition: s.tagging(),
			},
			{
				Sid: "UntagReaders", Why: "a reader of a queue is ours by its tags",
				Actions: []string{"lambda:UntagResource"}, Resources: readers, Condition: s.ownTags(),
			},
			{
				Sid:     "Sweep",
				Why:     "make sweep looks for functions that destroyed stacks left; listing has no resource type",
				Actions: []string{"lambda:ListFunctions"}, Resources: []string{"*"},
			},
			{
				Sid: "BoundedRoles", Why: "a role is made and changed with the boundary only", Condition: bounded,
				Actions: []string{
					"iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
					"iam:UpdateAssumeRolePolicy",
					"iam:UpdateRole",
				},
				Resources: roles,
			},
			{
				Sid:     "Roles",
				Why:     "these widen nothing, and IAM does not say for all of them whether the role has a boundary",
				Actions: []string{"iam:DeleteRole", "iam:TagRole", "iam:UntagRole"}, Resources: roles,
			},
			{
				Sid:       "PassRoles",
				Why:       "our roles run our functions and nothing else",
				Actions:   []string{"iam:PassRole"},
				Resources: roles,
				Condition: when(
					"StringEquals",
					map[string][]string{"iam:PassedToService": {"edgelambda.amazonaws.com", "lambda.amazonaws.com"}},
				),
			},
			{
				Sid:     "ServiceLinkedRoles",
				Why:     "the account's first replica of a function or a table makes AWS's own roles",
				Actions: []string{"iam:CreateServiceLinkedRole"}, Resources: []string{s.iam("role/aws-service-role/*")},
				Condition: when("StringEquals", map[string][]string{"iam:AWSServiceName": {
					"logger.cloudfront.amazonaws.com", "replication.dynamodb.amazonaws.com",
					"replicator.lambda.amazonaws.com",
				}}),
			},
		},
	}
}
